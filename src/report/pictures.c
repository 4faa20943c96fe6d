#include "report/pictures.h"

#include <stdlib.h>
#include <string.h>

enum { SECONDS = 60 };

const char *const picture_names[N_PICTURES]
    = { "artifacts/impact_heatmap.svg", "artifacts/impact_heatmap.png" };

// The same program reads it: the structure itself, its cells and its texts one behind the other.
static void pack(const struct heatmap *m, struct buf *out)
{
    buf_add(out, m, sizeof *m);
    buf_add(out, m->cells, (size_t)m->n_layers * m->n_heads * sizeof *m->cells);
    buf_add(out, m->title, strlen(m->title) + 1);
    buf_add(out, m->subtitle, strlen(m->subtitle) + 1);
    buf_add(out, m->quantity, strlen(m->quantity) + 1);
}

// *cells is malloc'd, as they are not aligned in `in`; the texts lie in it.
static bool unpack(const struct buf *in, struct heatmap *m, struct estimate **cells,
                   struct abl_err *err)
{
    memcpy(m, in->data, sizeof *m);
    size_t size = (size_t)m->n_layers * m->n_heads * sizeof *m->cells;
    *cells = malloc(size);
    if (!*cells)
        return abl_no_memory(err);
    memcpy(*cells, in->data + sizeof *m, size);
    m->cells = *cells;
    m->title = in->data + sizeof *m + size;
    m->subtitle = m->title + strlen(m->title) + 1;
    m->quantity = m->subtitle + strlen(m->subtitle) + 1;
    return true;
}

static bool draw(const struct buf *in, struct job_outlet *to, struct abl_err *err)
{
    static bool (*const drawings[N_PICTURES])(const struct heatmap *m, struct buf *out,
                                              struct abl_err *err)
        = { heatmap_svg, heatmap_png };
    struct heatmap m;
    struct estimate *cells;
    bool ok = unpack(in, &m, &cells, err);
    for (size_t i = 0; ok && i < N_PICTURES; i++) {
        struct buf one = { 0 };
        ok = drawings[i](&m, &one, err) && job_put(to, &one, err);
        buf_release(&one);
    }
    free(cells);
    return ok;
}

bool pictures_begin(struct jobs *jobs, const struct heatmap *m, struct job **out,
                    struct abl_err *err)
{
    struct buf in = { 0 };
    pack(m, &in);
    bool ok = job_begin(jobs, draw, &in, SECONDS, out, err);
    buf_release(&in);
    return ok;
}
