#include "session/row_subsets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/size.h"
#include "base/string_index.h"
#include "plan/donors.h"
#include "plan/position.h"

struct owned_subset {
    size_t *rows;
    struct resampler *resampler;
    struct donor_pairs *pairs;
    struct row_subset shown;
};

struct row_subsets {
    struct row_subsets_of of;
    pthread_mutex_t lock;       // of what follows
    struct string_index known;  // numbers of the subsets by what their edits ask for
    struct owned_subset **made; // (known.n)
    size_t cap;
};

bool row_subsets_new(const struct row_subsets_of *of, struct row_subsets **out, struct abl_err *err)
{
    struct row_subsets *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    s->of = *of;
    if (pthread_mutex_init(&s->lock, NULL)) {
        free(s);
        return abl_fail(err, ABL_FAILED, "no lock could be made");
    }
    *out = s;
    return true;
}

static void subset_free(struct owned_subset *one)
{
    if (!one)
        return;
    free(one->rows);
    resampler_free(one->resampler);
    donor_pairs_free(one->pairs);
    free(one);
}

void row_subsets_free(struct row_subsets *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->cap; i++)
        subset_free(s->made[i]);
    free(s->made);
    string_index_release(&s->known);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

// ------------------------------------------------------------------------------- rows of a variant

// The prompt that gives to a row; NULL: the edit takes from none, or there is none.
static const struct prompt *giver(const struct row_subsets_of *of, const struct edit *e, size_t row,
                                  struct prompt *other)
{
    const struct prompt *own = &of->prompts->items[row];
    if (e->source != SOURCE_ROW || e->donor == DONOR_MAP_SELF)
        return e->source == SOURCE_ROW ? own : NULL;
    if (e->donor != DONOR_MAP_OTHER)
        return &of->donors[of->donor_maps[e->donor][row]];
    *other = *own;
    other->ids = own->corrupt_ids;
    other->n_ids = own->n_corrupt_ids;
    other->spans = own->corrupt_spans;
    return other;
}

static struct row_touch touch_of(const struct row_subsets_of *of, const struct variant *v,
                                 size_t row)
{
    struct row_touch all = { 0 };
    for (size_t i = 0; i < v->n_edits; i++) {
        struct prompt other;
        const struct edit *e = &v->edits[i];
        if (i && e->position == e[-1].position && e->source == e[-1].source
            && e->donor == e[-1].donor && e->from_start == e[-1].from_start)
            continue; // heads of a set
        struct row_touch t = edit_touches(e, &of->prompts->items[row], giver(of, e, row, &other),
                                          of->prompts->bos != TOKEN_NONE);
        all.acts = all.acts || t.acts;
        all.changed = all.changed || t.changed;
    }
    return all;
}

// runs: the variant and its repeats.
static bool is_in(const struct row_subsets_of *of, const struct variant *runs, uint32_t n_runs,
                  unsigned flags, size_t row)
{
    bool held_out = of->held_out && of->held_out[of->prompts->items[row].cluster];
    if ((flags & ROWS_DISCOVERY && held_out) || (flags & ROWS_HELDOUT && !held_out))
        return false;
    for (uint32_t i = 0; i < n_runs; i++) {
        struct row_touch t = touch_of(of, &runs[i], row);
        if (!(flags & ROWS_CHANGED ? t.changed : t.acts))
            return false;
    }
    return true;
}

// -------------------------------------------------------------------------------------- a subset

static struct row_subset every_row(const struct row_subsets_of *of)
{
    return (struct row_subset){ NULL, of->prompts->n, of->prompts->n_clusters, of->resampler,
                                of->pairs };
}

// Who gives to the subset's rows, where it has those, too.
static bool pair_rows(const struct row_subsets_of *of, struct owned_subset *one,
                      const uint32_t *cluster, struct abl_err *err)
{
    struct arena scratch = { 0 };
    size_t n_donors = donor_pairs_donors(of->pairs), n = one->shown.n;
    uint32_t *place = arena_alloc(&scratch, of->prompts->n + 1, sizeof *place);
    const uint32_t *maps[MAX_DONORS];
    bool ok = place != NULL;
    for (size_t i = 0; ok && i < of->prompts->n; i++)
        place[i] = OUTSIDE_ROW;
    for (size_t i = 0; ok && i < n; i++)
        place[one->rows[i]] = (uint32_t)i;
    for (size_t d = 0; ok && d < n_donors; d++) {
        uint32_t *map = arena_alloc(&scratch, n + 1, sizeof *map);
        ok = map != NULL;
        for (size_t i = 0; ok && i < n; i++)
            map[i] = place[of->donor_maps[DONOR_MAP_RESAMPLED + d][one->rows[i]]];
        maps[d] = map;
    }
    ok = ok ? donor_pairs_new(cluster, n, one->shown.n_clusters, maps, n_donors, &one->pairs, err)
            : abl_no_memory(err);
    arena_release(&scratch);
    return ok;
}

static bool fill_subset(const struct row_subsets_of *of, const struct variant *runs,
                        uint32_t n_runs, unsigned flags, struct owned_subset *one,
                        struct abl_err *err)
{
    const struct prompts *p = of->prompts;
    struct row_subset *shown = &one->shown;
    uint32_t *number = calloc(size_max(p->n_clusters, 1), sizeof *number); // 0: not met yet
    uint32_t *cluster = calloc(size_max(p->n, 1), sizeof *cluster);
    one->rows = calloc(size_max(p->n, 1), sizeof *one->rows);
    bool ok = (number && cluster && one->rows) || abl_no_memory(err);
    for (size_t i = 0; ok && i < p->n; i++) {
        uint32_t *own = &number[p->items[i].cluster];
        if (!is_in(of, runs, n_runs, flags, i))
            continue;
        if (!*own)
            *own = ++shown->n_clusters;
        cluster[shown->n] = *own - 1;
        one->rows[shown->n++] = i;
    }
    if (ok && shown->n == p->n) {
        *shown = every_row(of);
    } else if (ok) {
        ok = resampler_new(cluster, shown->n, shown->n_clusters, of->n_boot, of->seed, of->alpha,
                           &one->resampler, err)
             && (!of->pairs || pair_rows(of, one, cluster, err));
        shown->at = one->rows;
        shown->resampler = one->resampler;
        shown->pairs = one->pairs;
    }
    free(number);
    free(cluster);
    return ok;
}

// ------------------------------------------------------------------------------------ all of them

// What a subset depends on, as bytes.
struct place {
    int32_t position;
    uint32_t source, donor, from_start;
};

static struct place place_of(const struct edit *e)
{
    return (struct place){ e->position, e->source, e->source == SOURCE_ROW ? e->donor : 0,
                           e->from_start };
}

static void write_key(const struct variant *runs, uint32_t n_runs, unsigned flags, struct buf *key)
{
    buf_add(key, &flags, sizeof flags);
    for (uint32_t r = 0; r < n_runs; r++) {
        struct place last = { 0 };
        for (size_t i = 0; i < runs[r].n_edits; i++) {
            struct place own = place_of(&runs[r].edits[i]);
            if (!i || memcmp(&own, &last, sizeof own) != 0)
                buf_add(key, &own, sizeof own);
            last = own;
        }
        buf_add(key, "|", 1);
    }
}

static bool make_room(struct row_subsets *s, size_t n)
{
    if (n <= s->cap)
        return true;
    size_t cap = size_max(2 * s->cap, 16);
    struct owned_subset **made = realloc(s->made, cap * sizeof(struct owned_subset *));
    if (!made)
        return false;
    memset(made + s->cap, 0, (cap - s->cap) * sizeof(struct owned_subset *));
    s->made = made;
    s->cap = cap;
    return true;
}

// Under the lock.
static bool find(struct row_subsets *s, const struct variant *runs, uint32_t n_runs, unsigned flags,
                 const struct buf *key, struct row_subset *out, struct abl_err *err)
{
    const uint32_t *number
        = key->failed ? NULL
                      : string_index_put_copy(&s->known, key->data, key->len, (uint32_t)s->known.n);
    if (!number || !make_room(s, (size_t)*number + 1))
        return abl_no_memory(err);
    struct owned_subset **one = &s->made[*number];
    if (!*one) {
        struct owned_subset *fresh = calloc(1, sizeof *fresh);
        if (!fresh)
            return abl_no_memory(err);
        if (!fill_subset(&s->of, runs, n_runs, flags, fresh, err)) {
            subset_free(fresh);
            return false;
        }
        *one = fresh;
    }
    *out = (*one)->shown;
    return true;
}

// Every row has some of its positions, or all: what changes nothing is asked of all rows, too.
static bool acts_everywhere(const struct variant *runs, uint32_t n_runs)
{
    for (uint32_t r = 0; r < n_runs; r++) {
        bool everywhere = !runs[r].n_edits;
        for (size_t i = 0; i < runs[r].n_edits; i++)
            everywhere = everywhere || runs[r].edits[i].position == ALL_POSITIONS;
        if (!everywhere)
            return false;
    }
    return true;
}

bool row_subsets_find(struct row_subsets *s, const struct variants *all, size_t variant,
                      unsigned flags, struct row_subset *out, struct abl_err *err)
{
    const struct variant *v = &all->items[variant];
    if (v->role == ROLE_RESTORED)
        v = &all->items[v->parent];
    uint32_t n_runs = v->n_runs;
    if (!(flags & ROWS_CHANGED) && acts_everywhere(v, n_runs))
        n_runs = 0; // nothing is asked of the rows
    if (!flags && !n_runs) {
        *out = every_row(&s->of);
        return true;
    }
    struct buf key = { 0 };
    write_key(v, n_runs, flags, &key);
    pthread_mutex_lock(&s->lock);
    bool ok = find(s, v, n_runs, flags, &key, out, err);
    pthread_mutex_unlock(&s->lock);
    buf_release(&key);
    return ok;
}
