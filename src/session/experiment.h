// What an experiment is: a name, what it asks of settings and session, and what it does. Settings
// hold one; src/experiments has them all.
#ifndef ABL_SESSION_EXPERIMENT_H
#define ABL_SESSION_EXPERIMENT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "plan/observations.h"
#include "plan/variant.h"

struct readings;
struct results;
struct session;

// Which settings it reads, beside those that every run has.
enum experiment_options {
    READS_ABLATION = 1 << 0, // how heads are ablated
    READS_HEADS = 1 << 1,    // heads, within layers
    READS_SETS = 1 << 2,     // sets, pairs and triplets
    READS_CONTROLS = 1 << 3, // how many random sets
    READS_RESTORE = 1 << 4,  // which heads are given back
    READS_PATCH = 1 << 5,    // sites, direction and positions
    READS_OV = 1 << 6,       // kind, tokens that enter, tokens at either end
};

enum experiment_traits {
    READS_OTHER = 1 << 0,    // its results are compared with the run of the other prompts
    SWAPS_PROMPTS = 1 << 1,  // from clean to corrupt, the corrupt prompts are those that run
    SCORES_ANSWERS = 1 << 2, // whole answers can be scored under its variants
    NAMES_MATTER = 1 << 3,   // heads that are named are shown otherwise than all of them
    ONE_KIND = 1 << 4,       // its readings stand beside one kind of ablation
};

// Variants of each role, as a bit of experiment.makes.
#define MAKES(role) (1u << (role))

struct experiment {
    const char *name;        // "heads": as options, files and people call it
    const char *about;       // one line for people
    const char *help;        // what --help says of it; NULL: about
    unsigned options;        // enum experiment_options
    unsigned traits;         // enum experiment_traits
    unsigned makes;          // roles that its variants may have; 0: it only reads
    enum variant_role swept; // of these, what it sweeps over; others are beside it
    // The variants that the settings ask for. The caller's: variants_release. What cannot be is
    // ABL_USAGE or ABL_BAD_DATA.
    bool (*list)(const struct session *session, struct variants *out, struct abl_err *err);
    // What read is going to run and multiply, for the plan; NULL = nothing.
    bool (*observe)(const struct session *session, struct observations *out, struct abl_err *err);
    // What is read off the intact run behind the variants, t the finished table of these; NULL =
    // nothing. Goes into out, whose arena holds it. ABL_INTERRUPTED when cancelled (NULL = never).
    bool (*read)(struct session *session, const struct results *t, atomic_bool *cancel,
                 struct readings *out, struct abl_err *err);
};

#endif
