// What is open, a model, its prompts and a device, and the running of variants over them.
// The explorer and --export both drive this; so does verify.
#ifndef ABL_SESSION_SESSION_H
#define ABL_SESSION_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "forward/observe.h"
#include "model/model.h"
#include "plan/donors.h"
#include "plan/head_syntax.h"
#include "plan/observations.h"
#include "plan/plan_input.h"
#include "plan/variant.h"
#include "session/results.h"
#include "session/row_subsets.h"
#include "session/settings.h"
#include "session/tinylab.h"
#include "session/whole_answers.h"
#include "stats/donor_shares.h"
#include "stats/metrics.h"
#include "stats/stats.h"
#include "text/prompts.h"

// Positions that prompts shown to observers may have (session_observe):
// those of attn's detectors fit.
enum { OBSERVED_POSITIONS = 101 };

// Everything that is loaded before the first variant runs. Read-only while computing; owned by the
// caller: session_free.
struct session {
    struct settings settings; // strings copied into the arena
    struct model *model;
    struct tokenizer *tokenizer;
    struct dataset *data;
    struct prompts *prompts;
    // what is run in place of prompts where whole answers are scored; NULL: prompts
    struct whole_answers *answers;
    struct whole_answers *sequences; // likewise tinyLab's, beside the rows; never both
    struct resampler *resampler;
    struct donor_pairs *pairs;   // of the rows and their resampled donors; NULL: there are none
    struct row_subsets *subsets; // rows that variants tell something of
    struct engine *engine;
    struct device_info device; // the engine's, or that of who ran what has been read back
    struct forward *ranker;    // what chose the foils and holds the weights; NULL: nothing did
    struct forward *forward;   // weights on the device and the clean run
    struct row_stats *intact;  // (prompts->n)
    struct donors donors;
    // (prompts->n) intact run of the other prompts; NULL where no experiment asks
    struct row_stats *other;
    // what tinyLab's measures compare with; NULL but under --compat
    struct tinylab_measure *tinylab;
    // (of what is run) positions whose logits it compares; NULL: none
    const uint32_t *compared;
    // what each seed of --heads random:K@SEED+SEED… drew, within --layers; n_draws = 0: nothing is
    // drawn so
    struct head_draw *draws;
    size_t n_draws;
    bool *held_out;   // (prompts->n_clusters) kept for confirmation; NULL without --holdout
    size_t n_dropped; // rows that --skip-bad left out while reading
    struct arena arena;
};

// Load model, data and tokenizer and make the pre-flight check; no device yet. session->prompts
// says what was found.
bool session_open_cold(const struct settings *s, struct session **out, struct abl_err *err);

// What the forward pass runs: the rows' prompts, or those that their whole answers take.
const struct prompts *session_prompts(const struct session *session);

// Open the device, load the weights and run the intact baseline. Refuses what pre-flight forbids.
bool session_start(struct session *session, struct abl_err *err);

// In place of session_open, where a text is all that runs: the only prompt, without answers.
bool session_open_text(const struct settings *s, const char *text, struct session **out,
                       struct abl_err *err);

// In place of session_start, where what a device gave is read back: the rows' intact runs, of the
// other prompts where the experiment asks (else NULL). device_name: as config.json has it.
bool session_start_kept(struct session *session, const struct device_info *device,
                        const char *device_name, const struct row_stats *intact,
                        const struct row_stats *other, struct abl_err *err);

// The device that settings ask for, as session_start opens it; refused where it cannot keep weights
// as they want. The caller frees it.
bool session_engine_open(const struct settings *s, struct engine **out, struct abl_err *err);

// Set the cells of these variants, over what the session runs, that are not shard i's of n.
bool session_shard_others(const struct session *session, const struct variants *variants,
                          uint32_t i, uint32_t n, uint64_t *cells, struct abl_err *err);

// session_open_cold and session_start.
bool session_open(const struct settings *s, struct session **out, struct abl_err *err);
void session_free(struct session *session);

// What has been carried through layers since it was started.
struct forward_spent session_spent(const struct session *session);

// For a plan: what choosing the rows' foils will run (--foil top:K).
bool session_observe_foils(const struct session *session, struct observations *out,
                           struct abl_err *err);

// The rows' prompts, also where longer ones are run for whole answers.
bool session_observe(struct session *session, const struct observer *o, struct abl_err *err);

// The positions that edits act at: those asked for, else every one where heads are ablated. Of
// patches "diff" where each row's prompts are equally long, else "last", but "all" as tinyLab had
// it and behind whole answers, which have no one last token.
const char *session_positions(const struct session *session);

// What a plan of this run on a device is made from, without variants.
struct plan_input session_plan_input(const struct session *session,
                                     const struct device_info *device);

// What runs the session's rows; borrowed.
struct workload session_workload(const struct session *session);

// workload_run over all of the session's rows, where nobody waits for a layer.
bool session_run(struct session *session, struct results *t, atomic_bool *cancel,
                 session_progress *progress, void *context, struct abl_err *err);

// What a device does in a second: FLOP of a run, and bytes of matrices that it loads.
struct device_rates {
    double flop, load;
};

#endif
