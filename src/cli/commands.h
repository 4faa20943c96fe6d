// What each command does; the value is the exit status unless err says otherwise.
#ifndef ABL_CLI_COMMANDS_H
#define ABL_CLI_COMMANDS_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/options.h"

// Headless: run and write the run directory, or JSON on standard output. command_line is as typed,
// for provenance.
bool command_export(const struct cli *cli, const char *command_line, struct abl_err *err);

// --dry-run: what would run and what it costs.
bool command_dry_run(const struct cli *cli, struct abl_err *err);
// The same for one run's settings; flags: CLI_JSON, CLI_QUIET.
bool dry_run(const struct settings *settings, unsigned flags, struct abl_err *err);

bool command_check(const struct cli *cli, struct abl_err *err);
bool command_verify(const struct cli *cli, struct abl_err *err);
bool command_models(const struct cli *cli, struct abl_err *err);
bool command_devices(const struct cli *cli, struct abl_err *err);
bool command_ov(const struct cli *cli, const char *command_line, struct abl_err *err);
bool command_cluster(const struct cli *cli, struct abl_err *err);
bool command_compare(const struct cli *cli, struct abl_err *err);
bool command_run(const struct cli *cli, const char *command_line, struct abl_err *err);
bool command_rebuild(const struct cli *cli, struct abl_err *err);
bool command_lab_tables(const struct cli *cli, struct abl_err *err);
bool command_merge(const struct cli *cli, const char *command_line, struct abl_err *err);
bool command_runs(const struct cli *cli, struct abl_err *err);
bool command_variants(const struct cli *cli, struct abl_err *err);
bool command_say(const struct cli *cli, struct abl_err *err);
bool command_pull(const struct cli *cli, struct abl_err *err);

#endif
