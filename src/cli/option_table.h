// The tables behind the command line: commands, and options.
#ifndef ABL_CLI_OPTION_TABLE_H
#define ABL_CLI_OPTION_TABLE_H

#include <stddef.h>

#include "cli/cli.h"
#include "cli/option.h"

struct command_info {
    const char *name, *usage, *about;
    size_t max_args; // words that are no options
};

extern const struct command_info cli_commands[N_COMMANDS];

enum { OPTION_HELP_SIZE = 1024 };
// What --help says of it, in out where it is put together.
const char *option_help(const struct option *o, char out[OPTION_HELP_SIZE]);

extern const struct option cli_options[];
extern const size_t n_cli_options;
enum { MAX_OPTIONS = 128 };

#endif
