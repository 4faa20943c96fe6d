#include "text/groups.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/string_index.h"

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The distinct values, in order.
static bool list_names(struct prompts *p, struct string_index *met, struct abl_err *err)
{
    const char **names = arena_alloc(&p->arena, p->n, sizeof *names);
    if (!names)
        return abl_no_memory(err);
    for (size_t i = 0; i < p->n; i++) {
        const char *name = p->items[i].row->group;
        size_t n = met->n;
        if (!string_index_put(met, name, strlen(name), 0))
            return abl_no_memory(err);
        if (met->n > n)
            names[n] = name;
    }
    qsort(names, met->n, sizeof *names, by_bytes);
    p->group_names = names;
    p->n_groups = (uint32_t)met->n;
    return true;
}

static uint32_t place_of(const struct prompts *p, const char *name)
{
    const char *const *at
        = bsearch(&name, p->group_names, p->n_groups, sizeof *p->group_names, by_bytes);
    return (uint32_t)(at - p->group_names);
}

bool groups_number(struct prompts *p, const char *by, struct abl_err *err)
{
    struct string_index met = { 0 };
    p->by = by;
    if (!by)
        return true;
    for (size_t i = 0; i < p->n; i++)
        if (!p->items[i].row->group)
            return abl_fail(err, ABL_BAD_DATA,
                            "'%s' line %" PRIu32
                            ": \"%s\" has no text, number or truth value, expected in every row"
                            " for --by %s",
                            p->source, p->items[i].row->line, by, by);
    bool ok = list_names(p, &met, err);
    for (size_t i = 0; ok && i < p->n; i++)
        p->items[i].group = place_of(p, p->items[i].row->group);
    string_index_release(&met);
    return ok;
}
