// `abltui --export DIR --resume` without more: the command line that began the run in DIR.
#ifndef ABL_CLI_RESUME_WORDS_H
#define ABL_CLI_RESUME_WORDS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/cli.h"

// The command line of the run in cli->export_dir once more, in the folder where it was given, with
// what is said now of how it is run (threads, memory) in the place of what was said then. argv, its
// strings in the arena, becomes it. *whole: the run is complete, nothing is read.
bool resume_words(const struct cli *cli, int *argc, char ***argv, struct arena *a, bool *whole,
                  struct abl_err *err);

// The command line of a run, from the first line of its journal, without how it was run and where
// to; the working folder becomes the one where it was given.
bool journal_words(const cJSON *head, const char *place, const char *program, int *argc,
                   char ***argv, struct arena *a, struct abl_err *err);

#endif
