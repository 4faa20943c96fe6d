#include "ui/forest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"

bool forest_init(struct forest *f, const struct prompts *p, size_t n_cells, struct abl_err *err)
{
    struct forest made = { .n_groups = p->n_groups };
    size_t n = 0;
    *f = (struct forest){ 0 };
    if (!p->by)
        return true;
    if (!size_mul(n_cells, p->n_groups, &n))
        return abl_no_memory(err);
    made.names = calloc(size_max(p->n_groups, 1), sizeof *made.names);
    made.means = calloc(size_max(n, 1), sizeof *made.means);
    made.found = calloc(size_max(n_cells, 1), sizeof *made.found);
    if (!made.names || !made.means || !made.found) {
        forest_release(&made);
        return abl_no_memory(err);
    }
    snprintf(made.by, sizeof made.by, "%s", p->by);
    for (uint32_t k = 0; k < p->n_groups; k++)
        snprintf(made.names[k], sizeof made.names[k], "%s", p->group_names[k]);
    for (size_t i = 0; i < n_cells; i++)
        made.found[i].p = made.found[i].q = NAN;
    *f = made;
    return true;
}

void forest_release(struct forest *f)
{
    free(f->names);
    free(f->means);
    free(f->found);
    *f = (struct forest){ 0 };
}
