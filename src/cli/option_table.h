// The tables behind the command line: commands, and options with their readers.
#ifndef ABL_CLI_OPTION_TABLE_H
#define ABL_CLI_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/names.h"
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
    size_t at, size;                           // where the value goes, in struct cli
    const char *expected;                      // what a bad value's message says; NULL: the names
    name_list *names;                          // of option_name and option_bits
    size_t first;                              // of these the first that may be said
    uint64_t least, most;                      // of option_count
    unsigned flag;                             // of option_flag
    bool repeats;                              // may be given several times
    void (*make_help)(char *out, size_t size); // in place of help
};

enum { OPTION_HELP_SIZE = 1024 };
// What --help says of it, in out where it is put together.
const char *option_help(const struct option *o, char out[OPTION_HELP_SIZE]);

extern const struct option cli_options[];
extern const size_t n_cli_options;
enum { MAX_OPTIONS = 128 };

#endif
