#include "report/cross_matrix.h"

#include <string.h>

const struct cross_matrix cross_matrices[N_CROSS_MATRICES] = {
    { &table_head_impact, "head_matrix", { "layer", "head" }, { NULL }, "heads", false },
    { &table_group_impact, "group_matrix", { "heads" }, { "kind", "control" }, "groups", false },
    { &table_layer_impact,
      "layer_matrix",
      { "site", "layer", "head", "positions", "position", "role" },
      { "direction", "sham" },
      "layers",
      false },
    { &table_recovery,
      "recovery_matrix",
      { "heads", "restored", "source" },
      { NULL },
      NULL,
      false },
    { &table_rows, "rows", { NULL }, { NULL }, NULL, true },
    { &table_compat, "compat_matrix", { "variant" }, { NULL }, NULL, false },
};

const char *cross_condition(const struct cross_child *child)
{
    return child->condition ? child->condition : child->tag;
}

bool cross_is_first(const struct cross_child *children, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(cross_condition(&children[k]), cross_condition(&children[i])) == 0)
            return false;
    return true;
}

const char *cross_cell(const struct csv_table *t, size_t row, const char *name)
{
    size_t column = csv_table_column(t, name);
    const char *cell = column == SIZE_MAX ? NULL : csv_table_cell(t, row, column);
    return cell ? cell : "";
}

struct ablate_names cross_ablations(const struct csv_table *t)
{
    struct ablate_names names = { .n = 0 };
    for (size_t row = 0; row < t->n_rows; row++) {
        const char *name = cross_cell(t, row, "ablate");
        size_t i = 0;
        while (i < names.n && strcmp(names.items[i], name) != 0)
            i++;
        if (i == names.n && i < MAX_ABLATIONS)
            names.items[names.n++] = name;
    }
    return names;
}

bool cross_is_beside(const struct cross_matrix *m, const struct csv_table *t, size_t row)
{
    return m->skip[0] && strcmp(cross_cell(t, row, m->skip[0]), m->skip[1]) == 0;
}
