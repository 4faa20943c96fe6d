// The commands behind ':'. One table: what is understood, and what help shows.
#ifndef ABL_UI_COMMAND_H
#define ABL_UI_COMMAND_H

#include <stddef.h>

#include "ui/state.h"

struct ui_command {
    const char *name, *argument; // argument NULL = none
    bool optional;
    const char *help;
    unsigned (*apply)(struct state *s, const char *argument); // returns enum action_effect flags
};

const struct ui_command *command_table(size_t *n);

// Carry out a line such as "screenshot heads.svg"; returns enum action_effect flags.
// A mistake becomes a message.
unsigned command_apply(struct state *s, const char *line);

#endif
