#include "analysis/patch_map.h"

#include <inttypes.h>

#include "base/hash.h"

// Rows and columns of one site, by their numbers in the list.
struct maker {
    const struct variants *all;
    enum site site;
    struct hash rows, columns;
    struct arena *arena;
};

static bool is_of(const struct maker *m, const struct variant *v)
{
    return v->role == ROLE_PATCH && v->edits[0].site == m->site;
}

static uint64_t row_key(const struct edit *e)
{
    return hash_pair(e->layer, e->head);
}

static uint64_t column_key(const struct edit *e)
{
    return (uint32_t)e->position;
}

static bool find_axes(struct maker *m)
{
    for (size_t i = 0; i < m->all->n; i++) {
        const struct variant *v = &m->all->items[i];
        if (is_of(m, v)
            && (!hash_put(&m->rows, row_key(v->edits), m->rows.n)
                || !hash_put(&m->columns, column_key(v->edits), m->columns.n)))
            return false;
    }
    return true;
}

static const char *row_name(const struct edit *e, struct arena *a)
{
    return e->head == ALL_HEADS ? arena_printf(a, "%" PRIu32, e->layer)
                                : arena_printf(a, "%" PRIu32 ":%" PRIu32, e->layer, e->head);
}

static const char *column_name(const struct variant *v, struct arena *a)
{
    return v->position ? arena_printf(a, "%s", v->position)
                       : arena_printf(a, "%" PRId32, v->edits[0].position);
}

static bool fill(struct maker *m, struct patch_map *out)
{
    uint32_t n_rows = (uint32_t)m->rows.n, n_columns = (uint32_t)m->columns.n;
    bool has_heads = false; // as the edits of one site have, all or none
    const char **rows = arena_alloc(m->arena, n_rows, sizeof *rows);
    const char **columns = arena_alloc(m->arena, n_columns, sizeof *columns);
    size_t *variants = arena_alloc(m->arena, n_rows, n_columns * sizeof *variants);
    if (!rows || !columns || !variants)
        return false;
    for (size_t i = 0; i < (size_t)n_rows * n_columns; i++)
        variants[i] = NO_VARIANT;
    for (size_t i = 0; i < m->all->n; i++) {
        const struct variant *v = &m->all->items[i];
        if (!is_of(m, v))
            continue;
        size_t row = *hash_find(&m->rows, row_key(v->edits));
        size_t column = *hash_find(&m->columns, column_key(v->edits));
        variants[row * n_columns + column] = i;
        has_heads = v->edits[0].head != ALL_HEADS;
        rows[row] = row_name(v->edits, m->arena);
        columns[column] = column_name(v, m->arena);
        if (!rows[row] || !columns[column])
            return false;
    }
    *out = (struct patch_map){ m->site, has_heads, n_rows, n_columns, rows, columns, variants };
    return true;
}

bool patch_maps_make(const struct variants *v, struct arena *a, struct patch_map **out, size_t *n,
                     struct abl_err *err)
{
    *n = 0;
    *out = arena_alloc(a, N_SITES, sizeof **out);
    bool ok = *out != NULL;
    for (int site = 0; ok && site < N_SITES; site++) {
        struct maker m = { .all = v, .site = (enum site)site, .arena = a };
        ok = find_axes(&m) && (!m.rows.n || fill(&m, &(*out)[*n]));
        *n += m.rows.n > 0;
        hash_release(&m.rows);
        hash_release(&m.columns);
    }
    return ok || abl_no_memory(err);
}
