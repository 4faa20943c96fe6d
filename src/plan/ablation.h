// How heads are ablated: a new kind is a row of ABLATION_ROWS and its edit.
#ifndef ABL_PLAN_ABLATION_H
#define ABL_PLAN_ABLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/edit.h"
#include "plan/place.h"

// What a kind takes from other rows.
enum ablation_needs {
    NEEDS_NOTHING,
    NEEDS_MEANS,     // means over all rows
    NEEDS_RESAMPLED, // another row with another target, drawn by the seed
    NEEDS_OTHER,     // the row's corrupt prompt
};

// Constant behind ABLATE_, name, the explorer's key and what it says of it, what the kind needs,
// and the function of ablation.c that makes its edit.
//   zero      z becomes scale·(z − c) + c, c = 0 under VALUE_BIAS_HEAD; zero ablation is scale 0
//   mean      z becomes its mean over all tokens of all rows; BOS keeps its value
//   resample  z becomes that of another row with another target
//   patch     z becomes that of the row's corrupt prompt
#define ABLATION_ROWS(ROW)                                                                         \
    ROW(SCALE, "zero", 'z', "zero ablation", NEEDS_NOTHING, scaled)                                \
    ABLATION_LATER_ROWS(ROW)
#define ABLATION_LATER_ROWS(ROW)                                                                   \
    ROW(MEAN, "mean", 'm', "mean ablation", NEEDS_MEANS, averaged)                                 \
    ROW(RESAMPLE, "resample", 'r', "resample: another row's value", NEEDS_RESAMPLED, given)        \
    ROW(PATCH, "patch", 'p', "patch: the corrupt prompt's value", NEEDS_OTHER, given)

#define ABLATION_CONSTANT(id, ...) ABLATE_##id,
enum ablate_kind { ABLATION_ROWS(ABLATION_CONSTANT) N_ABLATE_KINDS };
#undef ABLATION_CONSTANT

// ", mean, resample, patch": behind "zero" in texts that are constants.
#define ABLATION_LATER_NAME(id, name, ...) ", " name
#define ABLATION_LATER_NAMES ABLATION_LATER_ROWS(ABLATION_LATER_NAME)

// What becomes of a head's constant part, c_h = b_V + ln1 bias·W_V.
enum value_bias { VALUE_BIAS_FOLDED, VALUE_BIAS_HEAD };

// "folded" (it stays), "head" (it goes); a name_list.
const char *value_bias_name(size_t v);

// How a head is ablated.
struct ablation {
    enum ablate_kind kind;
    float scale; // of ABLATE_SCALE, else 0
    enum value_bias value_bias;
    uint32_t donor; // of kinds that need other rows: number of the map of donors
    // of resampling: how many donors each row has, by as many maps from `donor` on; 0 is 1
    uint32_t n_donors;
    // Where: at every position, or at one alone, as an edit has it (position.h).
    bool at_position;
    int32_t position;
    uint32_t reach;
};

// Kinds of ablation that one run has, no two the same.
enum { MAX_ABLATIONS = 8 };
struct ablations {
    struct ablation items[MAX_ABLATIONS];
    size_t n;
};

// "zero", "mean", …: as options, tables and labels spell it; a name_list.
const char *ablation_kind_name(size_t kind);

enum ablation_needs ablation_needs(enum ablate_kind kind);

// Whether it scales by something else than 0, which names and columns then say.
bool ablation_has_factor(struct ablation how);

// Whether two ablations are one kind: of one kind, scale and value bias, whoever the donors are
// and wherever they act, which is the same in all of a run.
bool ablation_same(const struct ablation *a, const struct ablation *b);

// "zero", "mean", …, or "scale=0.5": the kind and its scale, the rest as it is.
// False where it is neither.
bool ablation_parse(const char *text, struct ablation *out);

// "zero,mean,scale=0.5": kinds with commas between them, each once and at most MAX_ABLATIONS; the
// rest of each as out's first has it. False where they are not that.
bool ablations_parse(const char *text, struct ablations *out);

// The edit that ablates one head.
struct edit head_edit(struct head h, struct ablation how);

#endif
