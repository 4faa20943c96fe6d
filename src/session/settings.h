// What the user asked for, and the defaults.
#ifndef ABL_SESSION_SETTINGS_H
#define ABL_SESSION_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/values.h"
#include "plan/donors.h"
#include "plan/variant.h"
#include "plan/weights_fit.h"
#include "session/experiment.h"
#include "session/tinylab.h"
#include "stats/metrics.h"
#include "text/prompts.h"

// Which run is patched into which: the first gives, the second is run and read.
enum direction { CLEAN_TO_CORRUPT, CORRUPT_TO_CLEAN };

// What the output of a head is taken to be (experiments/ov.h).
enum ov_kind { OV_MEAN_OUTPUT, OV_CIRCUIT };

// The run file that a run is of, as it was read: JSON texts in canonical form.
struct run_file {
    const char *config;  // all of it; NULL: the run is of none
    const char *tag;     // of its condition; NULL: it has one run
    const char *battery; // with what the condition overrides
};

// What the user asked for; strings borrowed. settings_default fills the documented defaults, and
// the experiment.
struct settings {
    const char *data_dir;      // where the bundled corpora and models lie
    const char *hf_cache;      // root of the Hugging Face hub's cache, NULL = none
    const char *model;         // --model
    const char *data;          // --data: one condition
    const char *condition;     // what results call it, NULL = by its file
    const char *run_name;      // of the run directory, NULL = by model, data and experiment
    struct run_file run_file;  // that asked for it
    struct data_fields fields; // what the file calls its fields
    // of rows that are made; where data is their slots' path, else of no account
    struct row_templates templates;
    enum split split;
    size_t max_rows; // --rows, 0 = all
    const struct experiment *experiment;
    const char *heads, *layers;          // as given, NULL = all
    const char *sets, *pairs, *triplets; // as given, NULL = none
    const char *restore;                 // of partial: heads to give back or hold, NULL = each
    uint32_t n_controls;                 // of sets: random sets for each chosen one
    unsigned sites;                      // of patch: 1 << site
    enum direction direction;            // of patch
    const char *positions;               // NULL: see session_positions
    bool whole_answers;                  // --span full
    enum answer_rule answers;            // of targets and foils that are lists
    struct foil_rule foil;               // of rows that name none
    enum ov_kind ov_kind;
    uint32_t top_k; // of ov: tokens at either end
    // of ov's circuits: tokens that enter, n_sources of them; 0 = the targets
    const char *const *sources;
    size_t n_sources;
    struct ablation ablation;   // the first kind, or the only one
    struct ablations also;      // further ones in the same plan: fewer than MAX_ABLATIONS
    uint32_t n_donors;          // of resample, for each row; 0: see settings_donors
    enum donor_from donor_from; // of resample
    enum bos_mode bos;
    enum owner like; // whose reading of the model's files counts where versions disagree
    enum compat compat;
    unsigned save;      // sites whose activations are written out, 1 << site; 0 = none
    bool yes;           // even if they are many
    enum metric metric; // shown first; all are computed
    uint64_t seed;
    uint32_t n_boot;
    double alpha;
    enum cluster_by cluster;
    double min_effect; // share of the intact run's |mean| that an effect must reach to matter
    double holdout;    // share of the clusters kept for confirmation, 0 = none
    bool skip_bad;
    bool fix_spaces;  // give answers that lack it their leading space
    bool strict_rows; // rows whose target is their foil forbid the run, as check has them
    const char *device;
    uint64_t mem; // bytes for activations and for weights each, 0 = automatic: see run_mem
    enum weights_form weights;
    uint32_t n_threads; // 0 = all cores
    enum precision precision;
    double sample_from; // FLOP from which the explorer measures a sample of the rows first
    bool profile;       // time every operation of the device
    bool csv_safe;      // tables keep spreadsheets from computing what text says
    // negate a row of layer 0's W_O on its way to the device, for verify's own test
    bool damage_weight;
};

// How files and options spell what is chosen: name_lists.
const char *direction_name(size_t d);  // "clean->corrupt", "corrupt->clean"
const char *span_name(size_t whole);   // of whole_answers: "first", "full"
const char *ov_kind_name(size_t kind); // "mean_output", "circuit"

void settings_default(struct settings *s, const struct experiment *experiment);

// A copy whose strings lie in the arena.
bool settings_copy(const struct settings *from, struct arena *a, struct settings *to,
                   struct abl_err *err);

// Whether the data are made of templates.
bool settings_have_templates(const struct settings *s);
// Where heads are ablated, as --positions has it; NULL: everywhere. Beside --save it is where
// activations are saved, and heads are ablated everywhere.
const char *settings_ablated_at(const struct settings *s);
// Whether it ablates heads, so that the kind of ablation means something.
bool settings_ablate(const struct settings *s);
// Every kind that is asked for, at least one; all with the value bias of the first.
struct ablations settings_ablations(const struct settings *s);
// Whether one of them takes from rows that are drawn.
bool settings_resample(const struct settings *s);
// Donors for each row that is resampled: those asked for, else 5; one as tinyLab had it.
uint32_t settings_donors(const struct settings *s);
// Whether the corrupt prompts are the ones that run, and the clean ones give.
bool settings_run_corrupt(const struct settings *s);
// What effects compare with, as people call it: the "intact" run, or the "corrupt" one where
// patches go into that.
const char *settings_baseline(const struct settings *s);

// Bytes that a run takes on a device: of activations, and of weights before they come and go layer
// by layer. Without --mem: 256 MiB, of a GPU a sixteenth of its memory up to 2 GiB, and three
// quarters of the device's memory.
struct run_memory {
    uint64_t activations, weights;
};
struct run_memory settings_memory(const struct settings *s, const struct device_info *device);

#endif
