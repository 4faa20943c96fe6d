#include "report/pictures.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { SECONDS = 60 };

const char *const picture_names[N_PICTURES]
    = { "artifacts/impact_heatmap.svg", "artifacts/impact_heatmap.png", "artifacts/by_group.svg",
        "artifacts/by_group.png" };

// The same program reads what is packed: a structure itself, its cells and its texts one behind the
// other.
static void pack_text(struct buf *out, const char *text)
{
    buf_add(out, text, strlen(text) + 1);
}

static void pack_heatmap(const struct heatmap *m, struct buf *out)
{
    buf_add(out, m, sizeof *m);
    buf_add(out, m->cells, (size_t)m->n_layers * m->n_heads * sizeof *m->cells);
    pack_text(out, m->title);
    pack_text(out, m->subtitle);
    pack_text(out, m->quantity);
}

static size_t n_cells(const struct forest_figure *f)
{
    return (size_t)f->n_panels * (f->n_groups + 1);
}

static void pack_forest(const struct forest_figure *f, struct buf *out)
{
    buf_add(out, f, sizeof *f);
    buf_add(out, f->cells, n_cells(f) * sizeof *f->cells);
    pack_text(out, f->title);
    pack_text(out, f->subtitle);
    pack_text(out, f->quantity);
    for (uint32_t i = 0; i < f->n_panels; i++)
        pack_text(out, f->panels[i]);
    for (uint32_t k = 0; k < f->n_groups; k++)
        pack_text(out, f->groups[k]);
}

// A copy in the arena, as nothing is aligned in what was packed; NULL when memory is out.
static void *unpack(const char **at, size_t n, size_t size, struct arena *a)
{
    void *copy = arena_alloc(a, n, size);
    if (copy)
        memcpy(copy, *at, n * size);
    *at += n * size;
    return copy;
}

static const char *unpack_text(const char **at)
{
    const char *text = *at;
    *at += strlen(text) + 1;
    return text;
}

static bool unpack_heatmap(const char **at, struct arena *a, struct heatmap *m)
{
    memcpy(m, *at, sizeof *m);
    *at += sizeof *m;
    m->cells = unpack(at, (size_t)m->n_layers * m->n_heads, sizeof *m->cells, a);
    m->title = unpack_text(at);
    m->subtitle = unpack_text(at);
    m->quantity = unpack_text(at);
    return m->cells;
}

static bool unpack_forest(const char **at, struct arena *a, struct forest_figure *f)
{
    memcpy(f, *at, sizeof *f);
    *at += sizeof *f;
    const char **groups = arena_alloc(a, f->n_groups, sizeof *groups);
    f->cells = unpack(at, n_cells(f), sizeof *f->cells, a);
    f->title = unpack_text(at);
    f->subtitle = unpack_text(at);
    f->quantity = unpack_text(at);
    for (uint32_t i = 0; i < f->n_panels; i++)
        f->panels[i] = unpack_text(at);
    for (uint32_t k = 0; groups && k < f->n_groups; k++)
        groups[k] = unpack_text(at);
    f->groups = groups;
    return f->cells && groups;
}

static bool put(bool drawn, struct buf *picture, struct job_outlet *to, struct abl_err *err)
{
    bool ok = drawn && job_put(to, picture, err);
    buf_release(picture);
    return ok;
}

static bool draw(const struct buf *in, struct job_outlet *to, struct abl_err *err)
{
    struct arena a = { 0 };
    struct heatmap m;
    struct forest_figure f;
    struct buf one = { 0 };
    const char *at = in->data, *end = in->data + in->len;
    bool ok = unpack_heatmap(&at, &a, &m) || abl_no_memory(err);
    ok = ok && put(heatmap_svg(&m, &one, err), &one, to, err);
    ok = ok && put(heatmap_png(&m, &one, err), &one, to, err);
    if (ok && at < end) {
        ok = unpack_forest(&at, &a, &f) || abl_no_memory(err);
        ok = ok && put(forest_svg(&f, &one, err), &one, to, err);
        ok = ok && put(forest_png(&f, &one, err), &one, to, err);
    }
    arena_release(&a);
    return ok;
}

bool pictures_begin(struct jobs *jobs, const struct heatmap *m, const struct forest_figure *f,
                    struct job **out, struct abl_err *err)
{
    struct buf in = { 0 };
    pack_heatmap(m, &in);
    if (f)
        pack_forest(f, &in);
    bool ok = job_begin(jobs, draw, &in, SECONDS, out, err);
    buf_release(&in);
    return ok;
}
