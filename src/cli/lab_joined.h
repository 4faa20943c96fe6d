// rebuild of run directories that tinyLab's harness wrote.
#ifndef ABL_CLI_LAB_JOINED_H
#define ABL_CLI_LAB_JOINED_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/cli.h"

// Whether the runs that are named are such ones; ABL_USAGE where some are and some are ours.
bool lab_joined_is(const struct cli *cli, bool *out, struct abl_err *err);

// Join them in the folder that --export names, in tinyLab's own form.
bool lab_joined(const struct cli *cli, struct abl_err *err);

#endif
