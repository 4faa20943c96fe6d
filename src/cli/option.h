// A row of the table of options: how it is spelt, what it means and how its value is read.
#ifndef ABL_CLI_OPTION_H
#define ABL_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/names.h"
#include "cli/cli.h"

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
    size_t at, size;      // where the value goes, in struct cli
    const char *expected; // what a bad value's message says; NULL: the names
    name_list *names;     // of option_name and option_bits
    size_t first;         // of these the first that may be said
    uint64_t least, most; // of option_count
    unsigned flag;        // of option_flag
    bool repeats;         // may be given several times
    bool is_path;         // or may be one: runs of slashes become one
    bool is_manner;       // says how a run is made, not what it is: may differ when it goes on
    void (*make_help)(char *out, size_t size); // in place of help
};

#endif
