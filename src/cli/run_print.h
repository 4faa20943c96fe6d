// What a run without a terminal says of itself, on standard error.
#ifndef ABL_CLI_RUN_PRINT_H
#define ABL_CLI_RUN_PRINT_H

#include "report/report.h"
#include "session/results.h"
#include "session/session.h"

// Before its variants: model, device, data, and the intact run.
void print_run(const struct session *session);

// The five largest effects, as a first answer on the terminal.
void print_top(const struct session *session, const struct results *results);

// How far that ranking would be the same in another sample of prompts.
void print_stability(const struct report *r);

// Where the time went, where --profile asked for it.
void print_profile(const struct session *session);

#endif
