// What a run is made of, as chosen on screen: the part of the settings that the explorer changes.
#ifndef ABL_UI_CHOICE_H
#define ABL_UI_CHOICE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "session/settings.h"

enum { MAX_NAME = PATH_MAX, MAX_SETS = 1024 };

struct choice {
    char model[MAX_NAME], data[MAX_NAME], device[MAX_NAME];
    struct ablation ablation; // what is shown
    struct ablations kinds;   // that are run, what is shown among them
    enum metric metric;
    const struct experiment *experiment;
    char sets[MAX_SETS]; // of sets and partial, as --sets has them; empty = the command line's
    unsigned sites;      // of patch: 1 << site
    enum direction direction;
    char positions[64];
};

// What the command line has chosen.
void choice_init(struct choice *c, const struct settings *settings);

// Put what is chosen into settings, but for what has to be loaded: model, data and device. Strings
// are copied into the arena.
bool choice_apply(const struct choice *c, struct settings *to, struct arena *a,
                  struct abl_err *err);

// Whether two choices run over the same model, rows and device.
bool choice_same_inputs(const struct choice *a, const struct choice *b);

// Whether two choices of the same inputs run the same variants: all but the metric.
bool choice_same_variants(const struct choice *a, const struct choice *b);

// Run these kinds, of which the first is shown; just this one.
void choice_set_kinds(struct choice *c, const struct ablations *kinds);
void choice_set_ablation(struct choice *c, struct ablation one);

// The place among the kinds of one that is run; kinds.n: it is not.
size_t choice_find_kind(const struct choice *c, const struct ablation *one);

// "zero", "scale 0.5", "mean", …
void ablation_name(struct ablation a, char *out, size_t size);

#endif
