// What the worker shows the interface: a picture of a run that nobody changes any more.
#ifndef ABL_UI_SNAPSHOT_H
#define ABL_UI_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/cluster_sums.h"
#include "analysis/estimates.h"
#include "analysis/joint.h"
#include "analysis/patch_map.h"
#include "analysis/verdict.h"
#include "base/arena.h"
#include "base/err.h"
#include "plan/variant.h"
#include "session/settings.h"
#include "stats/metrics.h"
#include "stats/stats.h"
#include "ui/facts.h"
#include "ui/forest.h"
#include "ui/marks.h"

enum run_phase { RUN_LOADING, RUN_RUNNING, RUN_DONE, RUN_CANCELLED, RUN_FAILED };

// A head of the grid: outside the run, waiting, measured over a sample of the rows,
// or over all of them.
enum cell_state { CELL_OUTSIDE, CELL_WAITING, CELL_SAMPLED, CELL_DONE };

static inline bool cell_is_measured(enum cell_state s)
{
    return s == CELL_SAMPLED || s == CELL_DONE;
}

// A set of heads, ablated at once, against the same heads one by one.
struct joint {
    struct marks marks;
    struct joint_effect effect; // of the metric
};

enum { ITEM_LABEL = 64 };

// A result that is no cell of the grid: a set, a set with heads given back, a patched place, a part
// of the logits.
struct item {
    char label[ITEM_LABEL];
    bool done, sampled;    // sampled: over a sample of the rows only
    bool indented;         // it belongs to the one above that is not
    struct estimate delta; // of the metric; of a part its share of ld
    bool is_head;          // a head's direct effect
    struct head head;      // then, and of a patch at a site that has heads
    bool has_recovery;
    struct recovery recovery;
    bool has_changed; // it is a patch
    struct changed_effect changed;
    const struct item_map *map; // of a patch: where it is a cell
    uint32_t row, column;       // then
};

// Patches of one site, layer by position.
struct item_map {
    struct patch_map axes; // its variants are numbers of items; SIZE_MAX where there is none
    double scale;          // recovery of the full colour; 0 before the first
};

struct snapshot {
    enum run_phase phase;
    bool has_facts; // false until the first model is loaded
    struct facts facts;
    const struct experiment *experiment;
    unsigned run;             // a number that is another for every run
    bool saved;               // it was read from its folder: no model is loaded for it
    struct ablation ablation; // that the cells and items are of
    struct ablations kinds;   // of the run
    enum metric metric;       // of every estimate here
    struct estimate intact;   // of that metric
    struct verdict_bar bar;   // of effects
    uint32_t n_layers, n_heads;
    // (n_layers, n_heads) each; index with snapshot_at.
    enum cell_state *states;
    struct estimate *cells; // effect of ablating the head
    double *values;         // mean of the metric while it is ablated
    // (kinds.n, n_layers, n_heads) effects under each kind; n = 0: not finished. NULL where the run
    // has one kind.
    struct estimate *by_kind;
    // effects of the cells, once the run has ended; else none
    struct cluster_sums by_cluster;
    struct forest forest;  // effects by group of the rows; empty without --by
    double scale, largest; // 99th percentile and maximum of |effect|; 0 before the first
    struct item *items;    // (n_items), in the order of the run
    size_t n_items;
    double items_scale;    // largest |delta| among them
    struct item_map *maps; // (n_maps) of the patches
    size_t n_maps;
    struct arena arena;    // of the maps
    size_t done, total;    // variants
    size_t n_sampled;      // variants that are measured over the sample or over all rows
    size_t n_cells;        // heads among these
    size_t sample_rows;    // rows of the sample; 0: there is none
    double seconds;        // spent in this sweep
    double coarse_seconds; // of these on the sample
    bool has_joint;
    struct joint joint;
    struct abl_err err; // when failed
};

// A snapshot with room for n_layers x n_heads cells, all outside.
// NULL when memory is out. Owned: snapshot_free.
struct snapshot *snapshot_new(uint32_t n_layers, uint32_t n_heads);
void snapshot_free(struct snapshot *s);

// Maps of the patches among v, whose items are in the snapshot; item_of: of each of v its item, or
// SIZE_MAX. ABL_FAILED when memory is out.
bool snapshot_put_maps(struct snapshot *p, const struct variants *v, const size_t *item_of,
                       struct abl_err *err);

static inline size_t snapshot_at(const struct snapshot *s, struct head h)
{
    return (size_t)h.layer * s->n_heads + h.head;
}

// A head's direct effect; NULL where the run has none.
const struct item *snapshot_direct(const struct snapshot *s, struct head h);

// Room for what the kinds say of each cell, all zero, where there are several.
bool snapshot_kinds(struct snapshot *s, const struct ablations *kinds);

// Room for n items, all zero. False when memory is out.
bool snapshot_items(struct snapshot *s, size_t n);

// Set scale and largest from the finished cells.
bool snapshot_rescale(struct snapshot *s, struct abl_err *err);

// Place of a head among the finished ones by |effect|, 1 = largest; 0 when it is not finished.
size_t snapshot_rank(const struct snapshot *s, struct head h);

#endif
