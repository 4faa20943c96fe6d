// A model and its prompts on a device, and the running of variant lists over them.
//
// Savings made here: identical prompts and shared prefixes run once (trie); the stream entering a
// layer is clean, so that each variant branches at the first layer it changes, as late in it as its
// edits allow: behind attention, behind W_O (where heads' z is edited by what that changes of W_O's
// output), or behind the MLP; variants that change the same at first share their rows until they
// part; what changes only the last tokens carries only their rows; in the last layer only read-out
// rows go on.
#ifndef ABL_FORWARD_FORWARD_H
#define ABL_FORWARD_FORWARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "model/model.h"
#include "plan/plan.h"
#include "plan/plan_input.h"
#include "plan/savings.h"
#include "plan/variant.h"
#include "text/prompts.h"

struct block;
struct forward;
struct weights;

// Looks at final states, (copies * n_reads, d_model) behind the final norm, before they are gone.
struct final_tap {
    unsigned kinds; // 1 << enum pass_kind: PASS_INTACT, PASS_OTHER, PASS_VARIANTS
    // Of a block of the intact run, or of the other prompts', whose first prompt b->first counts.
    bool (*on_intact)(void *context, const struct block *b, enum pass_kind kind,
                      struct tensor states, struct abl_err *err);
    // So many variants over a block, of these numbers.
    bool (*on_variants)(void *context, const struct block *b, struct tensor states,
                        const size_t *numbers, uint32_t n, struct abl_err *err);
    // Likewise every row's, (copies * n_nodes, d_model), as struct plan_input says of `compared`;
    // NULL: of read-outs alone.
    const uint32_t *compared;
    bool (*on_every_intact)(void *context, const struct block *b, struct tensor states,
                            struct abl_err *err);
    bool (*on_every_variant)(void *context, const struct block *b, struct tensor states,
                             const size_t *numbers, uint32_t n, struct abl_err *err);
    void *context;
};

struct forward_settings {
    struct engine *engine;        // borrowed
    const struct model *model;    // borrowed
    const struct prompt *prompts; // borrowed, as are their ids
    size_t n_prompts;
    struct prompt_list other; // what else is read out intact: forward_read_other
    // Prompts that edits take from, borrowed; NULL: the run's own. edit->donor counts the maps:
    // each says for each of the run's prompts whom it takes from. NULL where no edit takes.
    const struct prompt *donors;
    size_t n_donors;
    const uint32_t *const *donor_maps;
    bool has_bos; // position 0 of every prompt is BOS
    uint64_t mem; // bytes for activations; prompts are run in blocks that fit
    // another forward's, borrowed, whose prompts are as long; NULL: they are loaded
    struct weights *weights;
    // bytes for weights; where they are larger they come and go layer by layer
    uint64_t weights_mem;
    bool weights_stored; // or stay in the model's files, where the engine can
    unsigned weights_flags;
    unsigned left_out; // savings that are not made: enum saving
    // that prompts shown later may have (forward_observe_prompts); 0: as the run's
    uint32_t n_positions;
    const struct final_tap *tap; // borrowed; NULL: nobody looks
};

// Load the weights, unless they are borrowed, and run the intact model over every prompt; intact
// has room for n_prompts. Owned: forward_free.
bool forward_open(const struct forward_settings *s, struct row_stats *intact, struct forward **out,
                  struct abl_err *err);
void forward_free(struct forward *f);

// The run's prompts as they are run together; borrowed.
struct block *forward_blocks(struct forward *f, size_t *n);

// The weights on the device; borrowed.
struct weights *forward_weights(struct forward *f);

// What the settings give activations.
struct memory_budget forward_budget(const struct forward *f);

// The intact run of the other prompts, read out; out has room for all.
bool forward_read_other(struct forward *f, struct row_stats *out, struct abl_err *err);

// What such a forward plans with on a device, without variants; maps and lists are the settings'.
struct plan_input forward_plan_input(const struct forward_settings *s,
                                     const struct device_info *device);

// What has been carried through layers since it was opened; a traced engine knows the FLOP.
struct forward_spent {
    uint64_t n_batches, token_rows;
};
struct forward_spent forward_spent(const struct forward *f);

struct forward_job {
    const struct variants *variants;
    bool *done; // (variants) those already true are left out; set as they finish
    // Cells (plan/cells.h) that are there, set as rows are: an interrupted run goes on from there,
    // with the same rows. NULL: it begins anew.
    uint64_t *cells;
    struct row_stats *rows; // [variant * n_prompts + prompt]
    atomic_bool *cancel;    // looked at before each layer of a batch; NULL = never
    // The layer whose variants somebody waits for (NO_LAYER: nobody), looked at before each unit of
    // the plan; NULL = never. They run next; results are the same. Where somebody may wait the
    // first variant runs alone.
    const atomic_uint *wanted;
    // Rows [first, first + n_rows) of these variants are there; NULL: nobody keeps them. A failure
    // ends the run.
    bool (*keep)(void *context, size_t first, size_t n_rows, const size_t *variants, size_t n,
                 struct abl_err *err);
    void (*finished)(void *context, const size_t *variants, size_t n); // those done together
    void *context;
};

// Run the variants that are not done. ABL_INTERRUPTED when cancelled: what was finished stays.
bool forward_run(struct forward *f, const struct forward_job *job, struct abl_err *err);

#endif
