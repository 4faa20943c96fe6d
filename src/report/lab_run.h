// One of our run directories as tinyLab's harness would have its results: what it sweeps over, its
// metrics by its names, and which token each row predicts.
#ifndef ABL_REPORT_LAB_RUN_H
#define ABL_REPORT_LAB_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/sheet.h"

// The tables that its batteries write: heads_zero, heads_pair_zero, heads_subset_zero,
// activation_patch.
enum lab_shape { LAB_HEADS, LAB_PAIRS, LAB_SETS, LAB_LAYERS, N_LAB_SHAPES };

// A column that says what was changed.
struct lab_key {
    const char *name;
    enum cell_type type;
    bool of_impact, of_examples; // which tables have it
};
enum { LAB_KEYS = 5, LAB_METRICS = 16 };

struct lab_shape_info {
    const char *name;              // "heads": its statement in lab_tables.sql
    const char *impact, *matrix;   // "head_impact", "head_matrix"
    struct lab_key keys[LAB_KEYS]; // name NULL ends
};
const struct lab_shape_info *lab_shape_info(enum lab_shape s);

// Under one change: a head, a pair, a set, a layer. Cells as tables have them, NULL where missing.
struct lab_component {
    const char *variant; // as the run calls it
    const char *seed;
    const char *keys[LAB_KEYS];
    const char *values[LAB_METRICS];
    const char **predicted; // (n_rows) tokens
};

struct lab_run {
    const char *dir;
    enum lab_shape shape;
    const char *metrics[LAB_METRICS];
    size_t n_metrics;
    struct lab_component *components;
    size_t n;
    const char **target, **foil; // (n_rows) tokens
    size_t n_rows;
    uint32_t n_heads; // of each layer of the model
    const char *data_sha256, *condition, *split, *model, *device;
    // the run file that it is of, NULL: none is known; tag NULL: it has one run
    const char *config, *tag, *battery;
    const char *notes[8]; // what readers of the tables would not expect
    size_t n_notes;
};

// Everything in the arena. ABL_USAGE where the harness has no table for what was run, ABL_BAD_DATA
// where this is no run directory.
bool lab_run_read(const char *dir, struct arena *a, struct lab_run *out, struct abl_err *err);

#endif
