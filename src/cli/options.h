// The command line: one table that parses it, prints the help and suggests the nearest spelling.
#ifndef ABL_CLI_OPTIONS_H
#define ABL_CLI_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/cli.h"

// Parse argv; strings are borrowed from it. Errors are ABL_USAGE.
// run.data_dir must be set by the caller.
bool cli_parse(int argc, char **argv, struct cli *out, struct abl_err *err);

// The help text of the program or of a command.
void cli_help(enum command command);

#endif
