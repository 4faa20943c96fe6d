// What the command line says.
#ifndef ABL_CLI_CLI_H
#define ABL_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "report/run_identity.h"
#include "session/settings.h"
#include "ui/ui.h"

enum command {
    COMMAND_RUN, // no command word: the explorer, or a headless run with --export
    COMMAND_CHECK,
    COMMAND_VERIFY,
    COMMAND_MODELS,
    COMMAND_DEVICES,
    COMMAND_PULL,
    COMMAND_VARIANTS,
    COMMAND_OV,
    COMMAND_CLUSTER,
    COMMAND_COMPARE,
    COMMAND_REBUILD,
    COMMAND_LAB_TABLES,
    COMMAND_CONFIG, // run CONFIG
    COMMAND_MERGE,
    COMMAND_SAY,
    COMMAND_RUNS,
    N_COMMANDS,
};

enum { MAX_ARGS = 64, MAX_OPERANDS = 1024 };

enum cli_flags {
    CLI_JSON = 1 << 0,
    CLI_DRY_RUN = 1 << 1,
    CLI_QUIET = 1 << 2,
    CLI_HELP = 1 << 3,
    CLI_VERSION = 1 << 4,
    CLI_DAMAGE = 1 << 5,
    CLI_INSECURE_TOKEN = 1 << 6,
    CLI_RESUME = 1 << 7,
};

// Of say.
struct said_words {
    const char *prompt, *donor;
    uint32_t n_tokens;
    double temperature, top_p;
    bool keep_only, past_end;
};

struct cli {
    enum command command;
    struct settings run;
    unsigned flags;         // enum cli_flags
    const char *export_dir; // NULL = none, "-" = JSON on standard output
    const char *screenshot; // file to draw the explorer into, without a terminal
    struct ui_settings ui;
    const char *args[MAX_OPERANDS]; // words that are no options
    size_t n_args;
    const char *data[MAX_ARGS]; // --data, each condition; run.data is the first of them
    size_t n_data;
    const char *tokenizers[MAX_ARGS]; // of variants and check
    size_t n_tokenizers;
    const char *suffix, *out_dir; // of variants, NULL = by the tokenizer's name, here
    uint32_t balance;
    bool has_shares;
    double train_share, val_share; // of splits that are drawn
    size_t limit, top_n;           // of cluster
    struct said_words said;
    const char *sources[MAX_ARGS]; // of ov's circuits
    const char *endpoint;          // of pull, NULL = the hub
    uint64_t min_rate, time_limit; // bytes a second, seconds
    uint64_t stop_after;           // seconds that a run may take, 0 = any
    struct run_words words;        // the command line as it was typed
    struct journal_part shard;     // n = 0: the whole run
    bool resumes_alone;            // --resume, and nothing that says what the run is
    struct arena texts;            // of options that are read from files
};

#endif
