// What the C side hands to the shaders: push constants (…_args) and the elements of lists. Read by C and by GLSL, so
// only uint, int and float. Positions and strides count floats; `out_…` counts from the start of the bound window.
#ifndef ABL_SHADERS_ARGS_H
#define ABL_SHADERS_ARGS_H

#ifdef __STDC_VERSION__
#include <stdint.h>
typedef uint32_t uint;
#endif

// Values of enum act.
#define SHADER_ACT_IDENTITY 0
#define SHADER_ACT_GELU_TANH 1
#define SHADER_ACT_GELU_ERF 2
#define SHADER_ACT_SILU 3
#define SHADER_ACT_RELU 4

// out (m, n) = x (m, k) · w, + bias, activation, + old. w lies in panels: [n / panel][k_pad][panel]; its rows count from
// w_first on.
struct linear_args {
    uint m, n, k, k_pad;
    uint w_first;
    uint out_first, out_stride;
    uint x_first, x_stride;
    uint old_first; // out[0][0] in the whole buffer, for reading what accumulates
    uint bias_first, has_bias;
};

struct norm_push {
    uint rows, groups, cols; // cols: of a group
    uint is_centred;         // take the mean away first
    uint out_first, out_stride;
    uint x_first, x_stride;
    uint gain_first;
    uint bias_first, has_bias;
    float eps;
};

struct rope_push {
    uint rows, list_first; // of the positions
    uint n_heads, d_head, half_cols; // half of the columns that a head turns
    uint out_first, x_first, x_stride; // out is x
    uint table_first, table_stride;
};

struct gate_push {
    uint rows, cols;
    uint out_first, x_first, x_stride; // out is x
    uint gate_first, gate_stride;
};

struct cap_push {
    uint rows, cols;
    uint out_first, x_first, x_stride; // out is x
    float cap;
};

struct attend_push {
    uint n_queries, query_first; // this window of the queries; query_first also counts into the list of starts
    uint n_heads, heads_per_kv, d_head;
    uint out_first, out_stride;
    uint q_first, q_stride;
    uint k_first, k_stride;
    uint v_first, v_stride;
    float scale, cap; // cap 0: none
    uint has_lean, lean_first, lean_stride; // added to the i-th key's score
};

struct weigh_push {
    uint n_queries;
    uint edge_first, n_edges; // this window of the edges
    uint n_heads, heads_per_kv, d_head;
    uint out_first, out_stride;
    uint q_first, q_stride;
    uint k_first, k_stride;
    float scale, cap;
    uint has_lean, lean_first, lean_stride;
};

struct mix_push {
    uint n_queries, query_first; // as in attend_push
    uint n_heads, heads_per_kv, d_head;
    uint out_first, out_stride;
    uint z_first; // out as it was, in the whole buffer
    uint weights_first, weights_stride;
    uint was_first, was_stride;
    uint v_first, v_stride;
};

struct gather_args {
    uint rows, cols;
    uint list_first;
    uint out_first, out_stride;
    uint x_first, x_stride;
};

struct edit_args {
    uint n_edits;
    uint row_first, rows; // edits of other rows belong to another window
    uint x_first, x_stride;
    uint source_first, source_stride;
};

struct readout_args {
    uint items, item_first; // to reduce, each to the result of its number
    uint base_first;        // the item of base row 0
    uint n;                 // logits in a row
    uint logits_stride;
};

// One edit, as struct row_edit of the engine.
struct edit_item {
    uint row, first_col, n_cols, source_row, source_col;
    float keep, add;
};

// What is asked of a row of logits: two answers, and the base row of the same logits to compare with. An answer of
// n > 0 tokens is where the list of ids has them; of n = 0 it is the id itself.
struct readout_item {
    uint row, base;
    uint target, n_targets, foil, n_foils;
};

// A row of logits l reduced. With m = max l and e_i = exp(l_i - m):
struct readout_raw {
    float peak;   // m
    float others; // sum of e_i over all i but the argmax, whose e_i is 1
    float slope;  // sum of e_i (l_i - m)
    // Of either answer's tokens the highest logit, the sum of e^(l - highest) and that of l - highest.
    float target_best, target_exps, target_below;
    float foil_best, foil_exps, foil_below;
    float kl;
    uint rank, argmax; // rank: logits above target_best
};

#ifdef __STDC_VERSION__
_Static_assert(sizeof(struct linear_args) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct norm_push) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct rope_push) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct gate_push) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct cap_push) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct attend_push) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct weigh_push) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct mix_push) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct gather_args) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct edit_args) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct readout_args) <= 128, "push constants hold 128 bytes everywhere");
_Static_assert(sizeof(struct edit_item) == 28, "std430 packs scalars without gaps");
_Static_assert(sizeof(struct readout_item) == 24, "std430 packs scalars without gaps");
_Static_assert(sizeof(struct readout_raw) == 48, "std430 packs scalars without gaps");
#endif

#endif
