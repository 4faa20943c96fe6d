#include "plan/row_edits.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/size.h"
#include "plan/position.h"

bool edits_any(const struct variant *const *variants, uint32_t n, uint32_t layer, enum site site)
{
    for (uint32_t i = 0; i < n; i++)
        for (size_t j = 0; j < variants[i]->n_edits; j++) {
            const struct edit *e = &variants[i]->edits[j];
            if (e->layer == layer && e->site == site && !edit_is_identity(e))
                return true;
        }
    return false;
}

bool edit_is_shared(const struct edit *e)
{
    return e->position == ALL_POSITIONS && e->source != SOURCE_ROW;
}

static bool push(struct edit_list *l, struct row_edit e, struct abl_err *err)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 1024;
        struct row_edit *grown = realloc(l->items, cap * sizeof *grown);
        if (!grown)
            return abl_no_memory(err);
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->n++] = e;
    return true;
}

// keep·x + add·source for each op, see variant.h.
static void coefficients(const struct edit *e, float *keep, float *add)
{
    switch (e->op) {
    case EDIT_SCALE:
        *keep = e->factor;
        *add = e->source == SOURCE_CONSTANT ? 1.0f - e->factor : 0.0f;
        break;
    case EDIT_SET:
        *keep = 0.0f;
        *add = e->source == SOURCE_NONE ? 0.0f : 1.0f;
        break;
    case EDIT_ADD:
        *keep = 1.0f;
        *add = e->factor;
        break;
    }
}

struct collector {
    const struct edit_job *job;
    struct edit_lists *lists;
    // (n_nodes), UINT32_MAX where a copy has no row of it; NULL: a node is its row
    const uint32_t *row_of_node;
    // first edge of each row: patterns only; the second may be NULL
    const uint32_t *edges, *donor_edges;
    struct abl_err *err;
};

static uint32_t row_of(const struct collector *c, uint32_t node)
{
    return c->row_of_node && node != UINT32_MAX ? c->row_of_node[node] : node;
}

static struct edit_list *list_of(struct edit_lists *l, enum edit_source source)
{
    return source == SOURCE_ROW ? &l->donor : source == SOURCE_MEAN ? &l->mean : &l->constant;
}

static struct row_edit edit_of(const struct collector *c, const struct edit *e)
{
    bool one_head = e->head != ALL_HEADS && c->job->head_cols;
    uint32_t first = one_head ? e->head * c->job->head_cols : 0;
    struct row_edit out = { .first_col = first,
                            .n_cols = one_head ? c->job->head_cols : c->job->n_cols,
                            .source_col = first };
    coefficients(e, &out.keep, &out.add);
    return out;
}

// What an edit puts into a row of the prompts.
struct partner {
    uint32_t row;      // a donor's, or the layer of the constants; UINT32_MAX: the row has none
    uint32_t position; // of a donor's row
};

// The edges of a row, from the query itself back to the first that both it and the donor's row see.
// BOS is a class of its own among the keys too: seen from another position, it has no partner.
static bool add_edges(struct collector *c, const struct edit *e, uint32_t copy, uint32_t node,
                      struct partner from)
{
    uint32_t row = row_of(c, node), position = c->job->trie->position[node];
    uint32_t end = c->edges[row + 1], seen = end - c->edges[row], source_end = 0;
    struct row_edit out = edit_of(c, e);
    if (e->source == SOURCE_ROW) {
        source_end = c->donor_edges[from.row + 1];
        seen = u32_min(seen, source_end - c->donor_edges[from.row]);
        if (c->job->has_bos && position != from.position)
            seen = u32_min(seen, u32_min(position, from.position));
    }
    for (uint32_t back = 1; back <= seen; back++) {
        out.row = copy * c->edges[c->job->n_rows] + end - back;
        out.source_row = e->source == SOURCE_ROW ? source_end - back : 0;
        if (!push(list_of(c->lists, e->source), out, c->err))
            return false;
    }
    return true;
}

// BOS is a class of its own: what stands for other tokens is not put in its place, nor the reverse.
static bool of_one_class(const struct edit_job *job, const struct edit *e, uint32_t node,
                         struct partner from)
{
    bool is_bos = !job->trie->position[node];
    bool from_bos = e->source == SOURCE_ROW ? !from.position : e->source != SOURCE_MEAN && is_bos;
    return !job->has_bos || is_bos == from_bos;
}

// One node of one variant's copy.
static bool add_row(struct collector *c, const struct edit *e, uint32_t copy, uint32_t node,
                    struct partner from)
{
    const struct edit_job *job = c->job;
    uint32_t row = row_of(c, node);
    if (row == UINT32_MAX || from.row == UINT32_MAX || !of_one_class(job, e, node, from))
        return true;
    if (c->edges)
        return add_edges(c, e, copy, node, from);
    struct row_edit out = edit_of(c, e);
    out.row = copy * job->n_rows + row;
    out.source_row = from.row;
    return push(list_of(c->lists, e->source), out, c->err);
}

static bool add_shared(struct collector *c, const struct edit *e, uint32_t copy)
{
    for (uint32_t node = 0; node < c->job->trie->n_nodes; node++)
        if (!add_row(c, e, copy, node, (struct partner){ e->layer, 0 }))
            return false;
    return true;
}

// The prompt that gives to a row, and how far back it has been looked through.
struct giver {
    uint32_t number; // in the donors' trie
    const struct prompt *prompt;
    struct trie_place at;
};

static struct giver giver_of(const struct edit_job *job, const struct edit *e, uint32_t prompt)
{
    const struct donor_rows *d = job->donors;
    uint32_t number = d->number[d->maps[e->donor][job->first_prompt + prompt]];
    return (struct giver){ number, &d->trie->prompts[number], trie_last(d->trie, number) };
}

// What gives to the i-th token from the last of the edit's position in a prompt, which is `token`.
// Among read-outs only a donor's last is a row.
static struct partner donor_row(const struct edit_job *job, const struct edit *e,
                                struct giver *from, const struct prompt *to, uint32_t token,
                                uint32_t i)
{
    const struct trie *t = job->donors->trie;
    uint32_t partner = token, last = from->prompt->n_ids - 1;
    if (!e->from_start && !position_partner(e->position, to, i, from->prompt, &partner))
        return (struct partner){ UINT32_MAX, 0 };
    if (partner > last || (job->space == ROWS_READS && partner != last))
        return (struct partner){ UINT32_MAX, 0 };
    uint32_t row
        = job->space == ROWS_NODES ? trie_back_to(t, &from->at, partner) : t->read_of[from->number];
    return (struct partner){ row, partner };
}

// Edits at a position, and those that take a donor's row: prompt by prompt.
static bool add_per_prompt(struct collector *c, const struct edit *e, uint32_t copy)
{
    const struct trie *t = c->job->trie;
    for (uint32_t p = 0; p < t->n_prompts; p++) {
        struct trie_place at = trie_last(t, p);
        struct giver from = { 0 };
        if (e->source == SOURCE_ROW)
            from = giver_of(c->job, e, p);
        for (uint32_t i = 0; i < position_count(e->position, &t->prompts[p]); i++) {
            uint32_t token = position_token(e->position, &t->prompts[p], i);
            struct partner with = e->source == SOURCE_ROW
                                      ? donor_row(c->job, e, &from, &t->prompts[p], token, i)
                                      : (struct partner){ e->layer, 0 };
            if (!add_row(c, e, copy, trie_back_to(t, &at, token), with))
                return false;
        }
    }
    return true;
}

static bool collect(struct collector *c)
{
    const struct edit_job *job = c->job;
    for (uint32_t i = 0; i < job->n_variants; i++)
        for (size_t j = 0; j < job->variants[i]->n_edits; j++) {
            const struct edit *e = &job->variants[i]->edits[j];
            if (e->layer != job->layer || e->site != job->site || edit_is_identity(e))
                continue;
            if (!(edit_is_shared(e) ? add_shared(c, e, i) : add_per_prompt(c, e, i)))
                return false;
        }
    return true;
}

static bool find_rows(struct collector *c, struct arena *a)
{
    const struct edit_job *job = c->job;
    uint32_t *row_of_node = arena_alloc(a, job->trie->n_nodes, sizeof *row_of_node);
    if (!row_of_node)
        return abl_no_memory(c->err);
    for (uint32_t i = 0; i < job->trie->n_nodes; i++)
        row_of_node[i] = UINT32_MAX;
    for (uint32_t i = 0; i < job->n_rows; i++)
        row_of_node[job->nodes[i]] = i;
    c->row_of_node = row_of_node;
    return true;
}

static bool find_edges(const struct collector *c, const struct trie *t, struct arena *a,
                       const uint32_t **out)
{
    bool reads = c->job->space == ROWS_READS;
    uint32_t *first = arena_alloc(a, (size_t)(reads ? t->n_reads : t->n_nodes) + 1, sizeof *first);
    if (!first)
        return abl_no_memory(c->err);
    trie_edges(t, reads, c->job->window, first);
    *out = first;
    return true;
}

bool edits_collect(const struct edit_job *job, struct edit_lists *lists, struct abl_err *err)
{
    lists->constant.n = lists->mean.n = lists->donor.n = 0;
    struct collector c = { .job = job, .lists = lists, .err = err };
    struct arena a = { 0 };
    bool edges = job->site == SITE_PATTERN;
    bool ok = (!job->nodes || find_rows(&c, &a))
              && (!edges || find_edges(&c, job->trie, &a, &c.edges))
              && (!edges || !job->donors || !job->donors->trie
                  || find_edges(&c, job->donors->trie, &a, &c.donor_edges))
              && collect(&c);
    arena_release(&a);
    return ok;
}

void edits_release(struct edit_lists *lists)
{
    free(lists->constant.items);
    free(lists->mean.items);
    free(lists->donor.items);
    *lists = (struct edit_lists){ 0 };
}
