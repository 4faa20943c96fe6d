// What each part of the intact run writes towards the answer: direct logit attribution (Elhage et
// al. 2021) and the logit lens (nostalgebraist 2020).
//
// The final norm is frozen at the scale that it has in the intact run, so that it is linear and the
// parts add up: for each row the ld is the sum of its parts, and of one part `bias`, the final
// norm's bias along the same direction. So is the norm behind attention, in blocks that have one.
// Under a soft cap of the logits the parts are shares of ld before the cap.
#ifndef ABL_EXPERIMENTS_LENS_H
#define ABL_EXPERIMENTS_LENS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "session/readings.h"
#include "session/session.h"
#include "engine/values.h"

enum direct_kind {
    DIRECT_EMBED,     // what enters layer 0
    DIRECT_HEAD,      // z_h·W_O,h; with folded value bias without its constant part c_h·W_O,h
    DIRECT_ATTN_BIAS, // b_O and, with folded value bias, the constant parts of the layer's heads
    DIRECT_MLP,       // the MLP's output, its bias included
    DIRECT_BIAS,      // of the final norm
    N_DIRECT_KINDS,
};

// "embed", "head", "attn_bias", "mlp", "bias"; a name_list.
const char *direct_kind_name(size_t k);

// One part's share of ld, over the rows.
struct direct_part {
    enum direct_kind kind;
    uint32_t layer, head; // NO_LAYER, ALL_HEADS where there is none
    const double *rows;   // (lens->n_rows)
};

// The residual stream of one place read as if it were the last.
struct lens_point {
    uint32_t layer;
    enum site site;               // SITE_RESID_PRE (of layer 0) or SITE_RESID_POST
    const struct row_stats *rows; // (lens->n_rows)
};

struct lens {
    struct direct_part *parts; // embed; then of each layer its heads, attn_bias and mlp; then bias
    size_t n_parts;
    struct lens_point *points; // in the order of layers
    size_t n_points;
    size_t n_rows;
    double taken;     // lens_taken of the run's ablation
    double worst_sum; // over the rows: largest |sum of parts - ld of the intact run|
};

// Observe the session's intact run. Everything lies in the arena. ABL_INTERRUPTED when cancelled
// (NULL = never).
bool lens_make(struct session *session, atomic_bool *cancel, struct arena *a, struct lens **out,
               struct abl_err *err);

// What share of a head's direct effect its ablation takes away: all for zero, half for scale=0.5.
// NaN where z becomes another row's or a mean, since these write something of their own, and where
// the read-out is not ablated. at: as settings_ablated_at.
double lens_taken(const struct ablation *how, const char *at);

#endif
