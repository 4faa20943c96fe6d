// One run without a terminal: load, run, show how far it is, write.
#ifndef ABL_CLI_RUNNER_H
#define ABL_CLI_RUNNER_H

#include <stdbool.h>

#include "base/err.h"
#include "report/run_identity.h"
#include "session/session.h"

struct jobs;

struct runner {
    const char *dir; // NULL = a folder below runs/ named by the run; "-": JSON on standard output
    unsigned flags;  // CLI_JSON: on standard output too; CLI_QUIET; CLI_RESUME
    struct run_words words;   // the command line, for whoever goes on with the run
    struct journal_part part; // the shard that is run; n = 0: all of it
    struct jobs *jobs;        // where pictures are drawn
    const char *command_line; // for provenance
    // rows of a slice that is compared with the reference first, into metrics/verify.json; 0 = none
    size_t verify_rows;
    double sample_seconds; // of --profile: between samples of memory and time; 0 = 5
};

// Run what the settings say and write it. A run into a folder that is stopped, or fails amid its
// work, keeps what it has there and goes on from it with CLI_RESUME; one on standard output is
// printed as far as it is, and stays an error (ABL_INTERRUPTED). So does one that had to be written
// elsewhere. *written (malloc'd, may be NULL): where it is; NULL where there is no folder.
bool runner_run(const struct runner *run, const struct settings *settings, char **written,
                struct abl_err *err);

#endif
