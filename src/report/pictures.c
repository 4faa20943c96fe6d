#include "report/pictures.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { SECONDS = 60 };

const char *const picture_kinds[2] = { "svg", "png" };

// The same program reads what is packed: a structure itself, its cells and its texts one behind the
// other.
static void pack_text(struct buf *out, const char *text)
{
    buf_add(out, text, strlen(text) + 1);
}

static void pack_texts(struct buf *out, const char *const *texts, uint32_t n)
{
    for (uint32_t i = 0; texts && i < n; i++)
        pack_text(out, texts[i]);
}

static void pack_heatmap(const struct heatmap *m, struct buf *out)
{
    size_t cells = (size_t)m->n_layers * m->n_heads * sizeof *m->cells;
    buf_add(out, m, sizeof *m);
    buf_add(out, m->cells, cells);
    if (m->judged)
        buf_add(out, m->judged, cells);
    pack_text(out, m->title);
    pack_text(out, m->subtitle);
    pack_text(out, m->quantity);
    pack_texts(out, m->rows, m->n_layers);
    pack_texts(out, m->columns, m->n_heads);
    pack_texts(out, m->below, m->n_heads);
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
    pack_texts(out, f->panels, f->n_panels);
    pack_texts(out, f->groups, f->n_groups);
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

// NULL stays NULL, as it was packed.
static bool unpack_texts(const char **at, uint32_t n, struct arena *a, const char *const **texts)
{
    if (!*texts)
        return true;
    const char **list = arena_alloc(a, n, sizeof *list);
    for (uint32_t i = 0; list && i < n; i++)
        list[i] = unpack_text(at);
    *texts = list;
    return list;
}

static bool unpack_heatmap(const char **at, struct arena *a, struct heatmap *m)
{
    memcpy(m, *at, sizeof *m);
    *at += sizeof *m;
    size_t n = (size_t)m->n_layers * m->n_heads;
    m->cells = unpack(at, n, sizeof *m->cells, a);
    if (m->judged && !(m->judged = unpack(at, n, sizeof *m->judged, a)))
        return false;
    m->title = unpack_text(at);
    m->subtitle = unpack_text(at);
    m->quantity = unpack_text(at);
    return m->cells && unpack_texts(at, m->n_layers, a, &m->rows)
           && unpack_texts(at, m->n_heads, a, &m->columns)
           && unpack_texts(at, m->n_heads, a, &m->below);
}

static bool unpack_forest(const char **at, struct arena *a, struct forest_figure *f)
{
    memcpy(f, *at, sizeof *f);
    *at += sizeof *f;
    f->cells = unpack(at, n_cells(f), sizeof *f->cells, a);
    f->title = unpack_text(at);
    f->subtitle = unpack_text(at);
    f->quantity = unpack_text(at);
    for (uint32_t i = 0; i < f->n_panels; i++)
        f->panels[i] = unpack_text(at);
    return f->cells && unpack_texts(at, f->n_groups, a, &f->groups);
}

static bool put(bool drawn, struct buf *picture, struct job_outlet *to, struct abl_err *err)
{
    bool ok = drawn && job_put(to, picture, err);
    buf_release(picture);
    return ok;
}

// The next figure, as two pictures.
static bool draw_figure(const char **at, struct arena *a, struct job_outlet *to,
                        struct abl_err *err)
{
    struct buf svg = { 0 }, png = { 0 };
    struct heatmap m;
    struct forest_figure f;
    bool is_map = *(*at)++ == 'm';
    if (!(is_map ? unpack_heatmap(at, a, &m) : unpack_forest(at, a, &f)))
        return abl_no_memory(err);
    return put(is_map ? heatmap_svg(&m, &svg, err) : forest_svg(&f, &svg, err), &svg, to, err)
           && put(is_map ? heatmap_png(&m, &png, err) : forest_png(&f, &png, err), &png, to, err);
}

static bool draw(const struct buf *in, struct job_outlet *to, struct abl_err *err)
{
    struct arena a = { 0 };
    const char *at = in->data, *end = in->data + in->len;
    bool ok = true;
    while (ok && at < end)
        ok = draw_figure(&at, &a, to, err);
    arena_release(&a);
    return ok;
}

bool pictures_begin(struct jobs *jobs, const struct figure *figures, size_t n, struct job **out,
                    struct abl_err *err)
{
    struct buf in = { 0 };
    for (size_t i = 0; i < n; i++) {
        buf_char(&in, figures[i].map ? 'm' : 'f');
        if (figures[i].map)
            pack_heatmap(figures[i].map, &in);
        else
            pack_forest(figures[i].forest, &in);
    }
    bool ok = job_begin(jobs, draw, &in, SECONDS, out, err);
    buf_release(&in);
    return ok;
}
