// The tables behind the command line: commands, and options with their readers.
#ifndef ABL_CLI_OPTION_TABLE_H
#define ABL_CLI_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/options.h"

struct command_info {
    const char *name, *usage, *about;
    size_t max_args; // words that are no options
};

extern const struct command_info cli_commands[N_COMMANDS];

struct option;

// Read an option's value (NULL for a flag) into the struct; text errors name what was expected.
typedef bool option_reader(const struct option *o, const char *value, struct cli *cli,
                           struct abl_err *err);

struct option {
    const char *name;  // without the dashes
    const char *value; // "M" in the help; NULL for a flag
    const char *help;
    unsigned commands; // where it means something
    option_reader *read;
    unsigned flag; // for read_flag
    bool repeats;  // may be given several times
};

extern const struct option cli_options[];
extern const size_t n_cli_options;
enum { MAX_OPTIONS = 128 };

#endif
