// One idea: an experiment is a list of variants, a variant is a set of edits to one forward pass.
#ifndef ABL_PLAN_VARIANT_H
#define ABL_PLAN_VARIANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "plan/ablation.h"
#include "plan/edit.h"
#include "plan/place.h"

// What a variant is to its experiment, and which table it goes to.
enum variant_role {
    ROLE_HEAD,     // one head is ablated
    ROLE_SET,      // several are: a set that was asked for
    ROLE_CONTROL,  // several are: a random set like `parent`, which it was drawn for
    ROLE_RESTORED, // the set that `parent` is, with heads given back, or held
    ROLE_PATCH,    // an activation of another run is put in
    ROLE_SHAM,     // a patch of the run's own activation, which changes nothing
    ROLE_REPEAT,   // `parent` once more, with other donors: a run of it, and no effect of its own
};

// Which run the activations that a variant puts in come from.
enum variant_donor {
    DONOR_NONE,  // it puts none in, or those that its ablation asks for
    DONOR_SAME,  // the row's own intact run
    DONOR_OTHER, // the run of the row's other prompt
};

// A place in a list of variants that no variant has.
#define NO_VARIANT SIZE_MAX

// What is done to a pass, and what that is to its experiment. No two edits of a variant may touch
// the same element of the same site. Whoever wants to know what a variant is asks its fields: the
// label is for people.
struct variant {
    const char *label;    // as variant_label
    const char *position; // what a patch's position is called: "subject:last"; NULL: its number
    struct edit *edits;   // of ROLE_PATCH and ROLE_SHAM one, which says the place
    size_t n_edits;
    enum variant_role role;
    size_t parent;            // number of a variant of the list, or NO_VARIANT
    struct head_set nodes;    // the heads that are ablated, those given back included
    struct head_set restored; // of ROLE_RESTORED: the heads given back, or held
    enum variant_donor donor; // of ROLE_RESTORED, ROLE_PATCH and ROLE_SHAM
    struct ablation how;      // of those that ablate heads
    // How often it runs: itself, and the repeats that stand right behind it in the list, a set of
    // donors each. What it does is the mean over them. Filled in by variants_add.
    uint32_t n_runs;
};

struct variants {
    struct variant *items;
    size_t n, cap;
    struct hash known; // numbers of the items by what they do; variant.c alone looks at it
    struct arena arena;
};

// One variant per head, in the order given.
bool variants_heads(const struct head *heads, size_t n, struct ablation how, struct variants *out,
                    struct abl_err *err);

// The same behind what a list holds.
bool variants_add_heads(struct variants *v, const struct head *heads, size_t n, struct ablation how,
                        struct abl_err *err);

// One variant per set (joint ablation), preceded by the singles of all heads in the sets that
// interactions need.
bool variants_sets(const struct head_set *sets, size_t n, struct ablation how, struct variants *out,
                   struct abl_err *err);

// Building a list: room for `cap` variants before it has to grow, then one after the other.
// variants_add copies what the variant holds, labels it where it has no label yet, and puts its
// repeats behind it where its ablation has several donors; one that does the same as a variant of
// the list adds nothing. *index (may be NULL) is the variant's number. On failure the list is the
// caller's to release.
bool variants_init(struct variants *v, size_t cap, struct abl_err *err);
bool variants_add(struct variants *v, const struct variant *variant, size_t *index,
                  struct abl_err *err);
bool variants_add_set(struct variants *v, const struct head_set *set, struct ablation how,
                      enum variant_role role, size_t parent, size_t *index, struct abl_err *err);
void variants_release(struct variants *v);

// Whether a variant is a random set with as many heads in each layer as the set, ablated as it is:
// chosen sets that are alike share their controls, whichever of them is the parent.
bool variant_is_control_of(const struct variant *v, const struct variant *set);

// The label that a variant's fields make: "0:2", "0:2+0:4", "0:2+0:4~0:2", "0:2+0:4~corrupt 0:2",
// "resid_post@3[-1]", "sham z@3:1[all]". Repeats are named as their parent. In the arena; NULL when
// memory is out.
const char *variant_label(const struct variant *v, struct arena *a);

// What a ROLE_RESTORED variant gives back: "0:2", "corrupt 0:2" where it is from the
// other run. Likewise.
const char *variant_restored_label(const struct variant *v, struct arena *a);

// Of two variants of one experiment, in one list or in two: the same edits, the same heads given
// back, from the same run.
bool variant_does_same(const struct variant *a, const struct variant *b);

// Number of the variant that does the same as `like`, or NO_VARIANT.
size_t variants_find(const struct variants *v, const struct variant *like);

// Number of the variant that ablates exactly these heads, ascending, in this way, and gives none
// back, or NO_VARIANT.
size_t variants_find_heads(const struct variants *v, const struct head *heads, size_t n,
                           const struct ablation *how);

// Whether the variant changes z of this head.
bool variant_changes_z(const struct variant *v, uint32_t layer, uint32_t head);

// First layer that the variant changes, NO_LAYER if it changes nothing (identity edits: scale 1).
uint32_t variant_first_layer(const struct variant *v);

// How many tokens at the end of each prompt the variant can change; ALL_TOKENS where it has no such
// bound. Tokens see what is before them, so that the others stay as they are.
uint32_t variant_tail(const struct variant *v);

#endif
