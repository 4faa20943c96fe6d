// One run: settings → model, prompts, engine → variants → plan → forward → table → estimates.
// The explorer and --export both drive this; so does verify.
#ifndef ABL_LAB_RUN_H
#define ABL_LAB_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "lab/compat.h"
#include "lab/donors.h"
#include "lab/metrics.h"
#include "lab/spans.h"
#include "lab/stats.h"
#include "lab/variant.h"
#include "model/model.h"
#include "text/prompts.h"

struct clamped;

enum experiment {
    EXPERIMENT_HEADS,
    EXPERIMENT_SETS,
    EXPERIMENT_PATCH,
    EXPERIMENT_PARTIAL,
    EXPERIMENT_LENS,
    EXPERIMENT_ATTN,
    EXPERIMENT_OV,
    N_EXPERIMENTS,
};

// "heads", "sets", …
const char *experiment_name(enum experiment e);
// Whether it ablates heads, so that the kind of ablation means something.
bool experiment_ablates(enum experiment e);
// One line for people.
const char *experiment_about(enum experiment e);

// Which run is patched into which: the first gives, the second is run and read.
enum direction { CLEAN_TO_CORRUPT, CORRUPT_TO_CLEAN };

// What the output of a head is taken to be (lab/ov.h).
enum ov_kind { OV_MEAN_OUTPUT, OV_CIRCUIT };

// What the user asked for; strings borrowed. run_settings_default fills the documented defaults.
struct run_settings {
    const char *data_dir;         // where the bundled corpora and models lie
    const char *hf_cache;         // root of the Hugging Face hub's cache, NULL = none
    const char *model;            // --model
    const char *data;             // --data: one condition
    const char *condition;        // what results call it, NULL = by its file
    const char *run_name;         // of the run directory, NULL = by model, data and experiment
    struct dataset_fields fields; // what the file calls its fields
    enum split split;
    size_t max_rows; // --rows, 0 = all
    enum experiment experiment;
    const char *heads, *layers;          // as given, NULL = all
    const char *sets, *pairs, *triplets; // as given, NULL = none
    const char *restore;                 // of partial: heads to give back, NULL = each
    uint32_t n_controls;                 // of sets: random sets for each chosen one
    unsigned sites;                      // of patch: 1 << site
    enum direction direction;            // of patch
    const char *positions;               // of patch, NULL: see run_positions
    bool whole_answers;                  // --span full
    enum ov_kind ov_kind;
    uint32_t top_k; // of ov: tokens at either end
    const char *const
        *sources; // of ov's circuits: tokens that enter, n_sources of them; 0 = the targets
    size_t n_sources;
    struct ablation ablation;
    enum bos_mode bos;
    enum compat compat;
    enum metric metric; // shown first; all are computed
    uint64_t seed;
    uint32_t n_boot;
    double alpha;
    bool cluster_by_template;
    double holdout; // share of the clusters kept for confirmation, 0 = none
    bool skip_bad;
    const char *device;
    uint64_t mem;       // bytes for activations and for weights each, 0 = automatic: see run_mem
    uint32_t n_threads; // 0 = all cores
    enum precision precision;
    double sample_from; // FLOP from which the explorer measures a sample of the rows first
    bool profile;       // time every operation of the device
    bool
        damage_weight; // negate a row of layer 0's W_O on its way to the device, for verify's own test
};

void run_settings_default(struct run_settings *s);

// The positions that patches act at: those asked for, else "last", but "all" as tinyLab had it and behind whole answers.
const char *run_positions(const struct run_settings *s);

// Bytes that a run takes on a device: of activations, and of weights before they come and go layer by layer. Without
// --mem: 256 MiB, of a GPU a sixteenth of its memory up to 2 GiB, and three quarters of the device's memory.
struct run_mem {
    uint64_t activations, weights;
};
struct run_mem run_mem(const struct run_settings *s, const struct device_info *device);

// Everything that is loaded before the first variant runs. Read-only while computing; owned by the caller: lab_free.
struct lab {
    struct run_settings settings; // strings copied into the arena
    struct model *model;
    struct tokenizer *tokenizer;
    struct dataset *data;
    struct prompts *prompts;
    struct spans
        *spans; // what is run in place of prompts where whole answers are scored; NULL: prompts
    struct resampler *resampler;
    struct engine *engine;
    struct forward *forward;  // weights on the device and the clean run
    struct row_stats *intact; // (prompts->n)
    struct donors donors;
    struct row_stats
        *other; // (prompts->n) intact run of the other prompts; NULL where no experiment asks
    struct clamped *clamped; // what tinyLab's kl_div compares with; NULL but under --compat
    const atomic_uint
        *wanted;    // layer that somebody waits for, borrowed: see struct forward_job; NULL: nobody
    bool *held_out; // (prompts->n_clusters) kept for confirmation; NULL without --holdout
    size_t n_dropped; // rows that --skip-bad left out while reading
    struct arena arena;
};

// Load model, data and tokenizer and make the pre-flight check; no device yet. lab->prompts says what was found.
bool lab_open_cold(const struct run_settings *s, struct lab **out, struct abl_err *err);

// What the forward pass runs: the rows' prompts, or those that their whole answers take.
const struct prompts *lab_run_prompts(const struct lab *lab);

// Open the device, load the weights and run the intact baseline. Refuses what pre-flight forbids.
bool lab_start(struct lab *lab, struct abl_err *err);

// Both at once.
bool lab_open(const struct run_settings *s, struct lab **out, struct abl_err *err);
void lab_free(struct lab *lab);

// The variants that the settings ask for.
bool lab_variants(const struct lab *lab, struct variants *out, struct abl_err *err);

// (variants x prompts) of row stats, filled as variants finish.
struct table {
    const struct variants *variants; // borrowed
    size_t n_prompts;
    struct row_stats *rows; // [variant * n_prompts + prompt]
    double *clamped_kl;     // likewise, tinyLab's kl_div; NULL but under --compat
    bool *done;             // per variant
    // Of a run that is under way: how many blocks of prompts each variant has run over, and what whole answers have given
    // so far; NULL where rows are what is run.
    uint32_t *n_blocks_done;
    struct row_stats *run;
    size_t n_done;
};

bool table_init(struct table *t, const struct variants *v, size_t n_prompts, struct abl_err *err);
void table_release(struct table *t);

// Called for each finished variant, on the thread that runs lab_run; those that run together are all done by then.
typedef void lab_progress(void *context, const struct table *t, size_t variant);

// Run every variant that is not done yet. cancel is looked at between chunks; when set, returns false with
// ABL_INTERRUPTED and the table holds what finished.
bool lab_run(struct lab *lab, struct table *t, atomic_bool *cancel, lab_progress *progress,
             void *context, struct abl_err *err);

// Estimate of a metric's paired delta (or, value = true, of the metric itself) for a finished variant.
bool lab_estimate(const struct lab *lab, const struct table *t, size_t variant, enum metric m,
                  bool value, struct estimate *out, struct abl_err *err);

// The same of every metric.
bool lab_estimates(const struct lab *lab, const struct table *t, size_t variant, bool value,
                   struct estimate out[N_METRICS], struct abl_err *err);

// The intact baseline's estimate of a metric.
bool lab_estimate_intact(const struct lab *lab, enum metric m, struct estimate *out,
                         struct abl_err *err);

// joint delta minus the sum of the single heads' deltas, per row, as an estimate. singles: their variant indices.
bool lab_interaction(const struct lab *lab, const struct table *t, size_t joint,
                     const size_t *singles, size_t n_singles, enum metric m, struct estimate *out,
                     struct abl_err *err);

// Where a row stands between a damaged run and the one it should get back to.
struct recovery {
    double reference, damaged, patched; // means
    struct estimate ratio;              // (patched - damaged) / (reference - damaged) of the means
    bool small;                         // the denominator is not told from 0
};

// Of a finished ROLE_RESTORED variant: from the ablated set back to the intact run. Of a ROLE_PATCH one: from the run that is
// patched into to the one that gives.
bool lab_recovery(const struct lab *lab, const struct table *t, size_t variant, enum metric m,
                  struct recovery *out, struct abl_err *err);

// What a run will cost, before anything is loaded on a device.
struct lab_cost {
    uint64_t n_passes;     // variants + the intact run
    uint64_t n_token_rows; // token rows through the layers, all variants
    double flop;           // 2 per multiply-add: the three below
    double intact_flop, variants_flop,
        readout_flop;      // layers of the intact run and of the variants; unembedding
    uint64_t weight_bytes; // all matrices, fp32
    uint64_t loaded_bytes; // with layers that come again
    uint64_t kept_bytes;   // of these on the device at once
    uint32_t n_streamed;   // layers that come and go
    uint64_t activation_bytes;
    uint32_t variants_per_chunk;
    uint32_t n_blocks; // parts that the prompts are cut into
};
bool lab_cost(const struct lab *lab, const struct variants *v, const struct device_info *device,
              struct lab_cost *out, struct abl_err *err);

// What a device does in a second: FLOP of a run, and bytes of matrices that it loads.
struct lab_rates {
    double flop, load;
};

#endif
