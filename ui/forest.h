// Effects by group of the rows (--by), of every head of a snapshot.
#ifndef ABL_UI_FOREST_H
#define ABL_UI_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/by_group.h"
#include "base/err.h"
#include "text/prompt.h"

enum { GROUP_NAME = 48 };

struct forest {
    char by[GROUP_NAME];
    uint32_t n_groups; // 0: rows have none
    bool of_prompts;   // within groups, prompts are what is independent
    char (*names)[GROUP_NAME];
    struct group_mean *means;    // (n_cells, n_groups); n = 0: not measured
    struct heterogeneity *found; // (n_cells)
};

// For n_cells heads, none measured; empty where rows have no groups. Owned: forest_release.
bool forest_init(struct forest *f, const struct prompts *p, size_t n_cells, struct abl_err *err);
void forest_release(struct forest *f);

#endif
