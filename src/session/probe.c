#include "session/probe.h"

#include <stdlib.h>

#include "base/clock.h"
#include "model/model.h"

enum { MOST_ROWS = 1024 };
static const double enough_seconds = 0.1;

// Of the rate of its products a sweep reaches this much; the rest is attention, norms and
// statistics (bench/limit.py).
static const double sustained = 0.85;

struct probe {
    struct engine *engine;
    struct weight *w;
    struct tensor x, y;
};

static bool upload_rows(struct probe *p, uint32_t rows, const struct model_shape *s,
                        struct abl_err *err)
{
    const struct engine_ops *ops = p->engine->ops;
    float *host = malloc((size_t)rows * s->d_model * sizeof *host);
    if (!host)
        return abl_no_memory(err);
    for (size_t i = 0; i < (size_t)rows * s->d_model; i++)
        host[i] = (float)(i % 17) / 16.0f - 0.5f;
    bool ok = ops->alloc(p->engine, rows, s->d_model, &p->x, err)
              && ops->alloc(p->engine, rows, s->d_mlp, &p->y, err)
              && ops->upload(p->engine, p->x, host, err);
    free(host);
    return ok;
}

// FLOP a second of products, once the first has made whatever a device makes once.
static bool time_products(struct probe *p, double flop, double *rate, struct abl_err *err)
{
    const struct engine_ops *ops = p->engine->ops;
    const struct epilogue plain = { .act = ACT_IDENTITY };
    double start = 0, seconds = 0;
    for (uint32_t n = 0; n == 0 || seconds < enough_seconds; n++) {
        if (!ops->linear(p->engine, p->y, p->x, p->w, &plain, err) || !ops->finish(p->engine, err))
            return false;
        if (n == 0)
            start = now_seconds();
        seconds = now_seconds() - start;
        *rate = seconds > 0 ? n * flop / seconds : 0;
    }
    return true;
}

bool probe_rates(const struct session *session, struct engine *engine, struct device_rates *out,
                 struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    const struct engine_ops *ops = engine->ops;
    struct probe p = { .engine = engine };
    struct matrix_source source;
    uint64_t rows = 0;
    const struct prompts *prompts = session_prompts(session);
    for (size_t i = 0; i < prompts->n; i++)
        rows += prompts->items[i].n_ids;
    uint32_t m = rows < MOST_ROWS ? (uint32_t)rows : MOST_ROWS;
    model_matrix_source(session->model, MATRIX_MLP_IN, 0, &source);
    source.stays = weights_are_stored(session->settings.weights, s, &engine->info);
    double start = now_seconds(), rate = 0, elements = (double)source.k * source.n;
    bool ok = m > 0 && ops->weight_new(engine, &source, &p.w, err) && ops->finish(engine, err);
    double seconds = now_seconds() - start;
    ok = ok && upload_rows(&p, m, s, err) && time_products(&p, 2 * elements * m, &rate, err);
    if (ok)
        *out = (struct device_rates){ .flop = sustained * rate,
                                      .load = elements
                                              * (double)precision_bytes(engine->info.precision)
                                              / (seconds > 0 ? seconds : 1) };
    if (p.x.buffer)
        ops->release(engine, &p.x);
    if (p.y.buffer)
        ops->release(engine, &p.y);
    if (p.w)
        ops->weight_free(engine, p.w);
    return ok;
}
