#include "experiments/ov_circuit.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "base/size.h"
#include "forward/read_back.h"

enum { CHUNK = 1024 }; // tokens at a time

// ----------------------------------------------------------------------------------------- sources

static bool add_source(uint32_t *ids, size_t *n, uint32_t id)
{
    for (size_t i = 0; i < *n; i++)
        if (ids[i] == id)
            return false;
    ids[(*n)++] = id;
    return true;
}

static bool name_source(const struct session *session, const char *text, uint32_t *out,
                        struct abl_err *err)
{
    struct token_ids ids = { 0 };
    bool ok = tokenizer_encode(session->tokenizer, text, strlen(text), &ids, err);
    if (ok && ids.n != 1)
        ok = abl_fail(err, ABL_USAGE,
                      "--source '%s' is %zu tokens: expected one, such as ' Paris' with its space",
                      text, ids.n);
    if (ok)
        *out = ids.ids[0];
    token_ids_release(&ids);
    return ok;
}

bool ov_circuit_sources(const struct session *session, struct arena *a, uint32_t **out, size_t *n,
                        struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct prompts *p = session->prompts;
    size_t most = s->n_sources;
    for (size_t i = 0; !s->n_sources && i < p->n; i++)
        most += prompt_targets(&p->items[i]).n;
    uint32_t *ids = arena_alloc(a, most, sizeof *ids), id;
    if (!ids)
        return abl_no_memory(err);
    *n = 0;
    for (size_t i = 0; i < s->n_sources; i++) {
        if (!name_source(session, s->sources[i], &id, err))
            return false;
        add_source(ids, n, id);
    }
    for (size_t i = 0; !s->n_sources && i < p->n; i++) {
        struct id_list targets = prompt_targets(&p->items[i]);
        for (uint32_t t = 0; t < targets.n; t++)
            add_source(ids, n, targets.ids[t]);
    }
    *out = ids;
    return true;
}

// -------------------------------------------------------------------------------- what they become

struct sources {
    struct session *session;
    const uint32_t *ids;
    size_t n;
    uint32_t top_k;
    float *v; // (n, n_kv_heads * d_head) of the layer at hand: norm(W_E[s])·W_V + b_V
};

// Embeddings through the layer's first norm and W_V.
static bool enter_layer(struct sources *in, uint32_t layer, struct abl_err *err)
{
    struct session *session = in->session;
    struct engine *e = session->engine;
    const struct model_shape *s = &session->model->shape;
    uint32_t n = (uint32_t)in->n, nv = s->n_kv_heads * s->d_head;
    const struct layer_weights *w;
    struct tensor x = { 0 }, kv = { 0 };
    float *host = malloc((size_t)n * s->d_model * sizeof *host);
    bool ok = host || abl_no_memory(err);
    for (uint32_t i = 0; ok && i < n; i++)
        ok = model_embed(session->model, in->ids[i], NO_POSITION, host + (size_t)i * s->d_model,
                         err);
    if (ok && weights_layer(direction_weights(session), layer, &w, err)) {
        struct epilogue bias = { .bias = w->kv_bias };
        ok = e->ops->alloc(e, n, s->d_model, &x, err) && e->ops->alloc(e, n, 2 * nv, &kv, err)
             && e->ops->upload(e, x, host, err)
             && (!norms_before(s) || e->ops->norm(e, x, x, &w->ln1, err))
             && e->ops->linear(e, kv, x, w->kv, &bias, err)
             && read_back(e, tensor_cols(kv, nv, nv), in->v, "values of tokens", err);
    } else
        ok = false;
    if (x.buffer)
        e->ops->release(e, &x);
    if (kv.buffer)
        e->ops->release(e, &kv);
    free(host);
    return ok;
}

struct source_job {
    struct sources *in;
    struct ov_circuit *circuit;
    struct arena *arena;
};

static bool keep_source(void *context, size_t i, const float *scores, struct abl_err *err)
{
    struct source_job *j = context;
    struct ov_source *to = &j->circuit->sources[i];
    uint32_t n_vocab = j->in->session->model->shape.n_vocab;
    to->own_logit = scores[to->id];
    for (uint32_t t = 0; t < n_vocab; t++)
        to->own_rank += scores[t] > to->own_logit;
    return direction_tokens(j->in->session, scores, j->in->top_k, j->arena, &to->tokens, err);
}

// The sources' own vectors of one head, and their mean.
static bool leave_head(struct sources *in, struct ov_circuit *h, struct arena *a,
                       struct abl_err *err)
{
    const struct model_shape *s = &in->session->model->shape;
    size_t dh = s->d_head, nv = (size_t)s->n_kv_heads * dh, d = s->d_model;
    size_t first = h->head.head / (s->n_heads / s->n_kv_heads) * dh;
    struct source_job j = { in, h, a };
    float *z = malloc(in->n * dh * sizeof *z), *x = malloc(in->n * d * sizeof *x);
    h->sources = arena_alloc(a, in->n, sizeof *h->sources);
    bool ok = (z && x && h->sources) || abl_no_memory(err);
    for (size_t i = 0; ok && i < in->n; i++)
        memcpy(z + i * dh, in->v + i * nv + first, dh * sizeof *z);
    ok = ok && direction_write(in->session, h->head, z, in->n, x, err);
    for (size_t i = 0; ok && i < in->n; i++) {
        h->sources[i]
            = (struct ov_source){ .id = in->ids[i], .vector_norm = direction_norm(x + i * d, d) };
        h->sources[i].text = arena_strdup(a, tokenizer_text(in->session->tokenizer, in->ids[i]));
        ok = h->sources[i].text || abl_no_memory(err);
        for (size_t k = 0; k < d; k++)
            h->vector[k] += x[i * d + k] / (float)in->n;
    }
    ok = ok && direction_scores(in->session, x, in->n, keep_source, &j, err);
    free(z);
    free(x);
    return ok;
}

// ------------------------------------------------------------------------------------- eigenvalues

struct middle {
    struct session *session;
    size_t d;
    double *mean;   // (d) of the unembedding over the vocabulary
    float *gain;    // (d) of the final norm
    float *embed;   // (CHUNK, d) embeddings, normed without gain and bias
    float *unembed; // (d, CHUNK): W_U' of the same tokens, a row a dimension
    float *rows;    // (CHUNK, d) as the file has them
    struct matrix_source source;
    struct tensor sum; // (d, d) = W_U'·W_E' so far, on the device
    float *whole;      // (d, d): zeros, then the sum
};

static bool read_chunk(void *context, uint32_t first, uint32_t count, float *out,
                       struct abl_err *err)
{
    (void)err;
    const struct middle *m = context;
    memcpy(out, m->embed + first * m->d, count * m->d * sizeof *out);
    return true;
}

static void norm_plain(const struct model_shape *s, float *x)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; s->norm == NORM_LAYER && i < s->d_model; i++)
        mean += (double)x[i] / s->d_model;
    for (size_t i = 0; i < s->d_model; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean) / s->d_model;
    for (size_t i = 0; i < s->d_model; i++)
        x[i] = (float)(((double)x[i] - mean) / sqrt(squares + (double)s->norm_eps));
}

// A token's column of W_U': w_f·(W_U[t] - mean), centred over d_model as the final norm centres.
static void put_unembed(const struct middle *m, const float *row, size_t column)
{
    const struct model_shape *s = &m->session->model->shape;
    double mean = 0;
    for (size_t i = 0; s->norm == NORM_LAYER && i < m->d; i++)
        mean += (double)m->gain[i] * ((double)row[i] - m->mean[i]) / (double)m->d;
    for (size_t i = 0; i < m->d; i++)
        m->unembed[i * CHUNK + column]
            = (float)((double)m->gain[i] * ((double)row[i] - m->mean[i]) - mean);
}

// Mean over the vocabulary of the unembedding's rows.
static bool find_mean(struct middle *m, struct abl_err *err)
{
    uint32_t n = m->session->model->shape.n_vocab;
    for (uint32_t first = 0; first < n; first += CHUNK) {
        uint32_t count = n - first < CHUNK ? n - first : CHUNK;
        if (!m->source.read(m->source.context, first, count, m->rows, err))
            return false;
        for (uint32_t t = 0; t < count; t++)
            for (size_t i = 0; i < m->d; i++)
                m->mean[i] += (double)m->rows[t * m->d + i] / n;
    }
    return true;
}

static bool add_chunk(struct middle *m, uint32_t first, uint32_t count, struct abl_err *err)
{
    struct engine *e = m->session->engine;
    const struct model_shape *s = &m->session->model->shape;
    memset(m->unembed, 0, m->d * CHUNK * sizeof *m->unembed);
    memset(m->embed, 0, CHUNK * m->d * sizeof *m->embed);
    bool ok = m->source.read(m->source.context, first, count, m->rows, err);
    for (uint32_t t = 0; ok && t < count; t++) {
        put_unembed(m, m->rows + t * m->d, t);
        ok = model_embed(m->session->model, first + t, NO_POSITION, m->embed + t * m->d, err);
        if (norms_before(s))
            norm_plain(s, m->embed + t * m->d);
    }
    struct matrix_source chunk = { .k = CHUNK, .n = s->d_model, .read = read_chunk, .context = m };
    struct weight *w = NULL;
    struct tensor x = { 0 };
    struct epilogue add = { .accumulate = true };
    ok = ok && e->ops->weight_new(e, &chunk, &w, err)
         && e->ops->alloc(e, s->d_model, CHUNK, &x, err) && e->ops->upload(e, x, m->unembed, err)
         && e->ops->linear(e, m->sum, x, w, &add, err) && e->ops->finish(e, err);
    if (x.buffer)
        e->ops->release(e, &x);
    if (w)
        e->ops->weight_free(e, w);
    return ok;
}

static void middle_release(struct middle *m)
{
    if (m->sum.buffer)
        m->session->engine->ops->release(m->session->engine, &m->sum);
    free(m->mean);
    free(m->gain);
    free(m->embed);
    free(m->unembed);
    free(m->rows);
    free(m->whole);
}

// Of the host's copy: several threads ask at once.
static bool read_middle(void *context, uint32_t first, uint32_t count, float *out,
                        struct abl_err *err)
{
    (void)err;
    const struct middle *m = context;
    memcpy(out, m->whole + first * m->d, count * m->d * sizeof *out);
    return true;
}

// W_U'·W_E', (d_model, d_model), as a weight: rows are multiplied by it. W_E' is without a layer's
// gain.
static bool make_middle(struct session *session, atomic_bool *cancel, struct weight **out,
                        struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    struct engine *e = session->engine;
    size_t d = s->d_model;
    struct middle m = { .session = session,
                        .d = d,
                        .mean = calloc(d, sizeof *m.mean),
                        .gain = malloc(d * sizeof *m.gain),
                        .embed = malloc(CHUNK * d * sizeof *m.embed),
                        .unembed = malloc(d * CHUNK * sizeof *m.unembed),
                        .rows = malloc(CHUNK * d * sizeof *m.rows),
                        .whole = calloc(d * d, sizeof *m.whole) };
    model_matrix_source(session->model, MATRIX_UNEMBED, 0, &m.source);
    bool ok = (m.mean && m.gain && m.embed && m.unembed && m.rows && m.whole) || abl_no_memory(err);
    ok = ok && model_read_vector(session->model, VECTOR_FINAL_GAIN, 0, m.gain, err)
         && find_mean(&m, err) && e->ops->alloc(e, s->d_model, s->d_model, &m.sum, err)
         && e->ops->upload(e, m.sum, m.whole, err);
    for (uint32_t first = 0; ok && first < s->n_vocab; first += CHUNK) {
        if (cancel && atomic_load(cancel))
            ok = abl_fail(err, ABL_INTERRUPTED, "interrupted");
        uint32_t left = s->n_vocab - first;
        ok = ok && add_chunk(&m, first, left < CHUNK ? left : CHUNK, err);
    }
    struct matrix_source source
        = { .k = s->d_model, .n = s->d_model, .read = read_middle, .context = &m };
    ok = ok && read_back(e, m.sum, m.whole, "products of embeddings", err)
         && e->ops->weight_new(e, &source, out, err) && e->ops->finish(e, err);
    middle_release(&m);
    return ok;
}

// A whole matrix of the model as (k, n) on the host; the caller frees it.
static float *read_matrix(const struct model *m, enum model_matrix which, uint32_t layer,
                          struct abl_err *err)
{
    struct matrix_source s;
    model_matrix_source(m, which, layer, &s);
    uint32_t rows = s.out_in ? s.n : s.k, cols = s.out_in ? s.k : s.n;
    float *file = malloc((size_t)rows * cols * sizeof *file), *out = file;
    if (!file) {
        abl_no_memory(err);
        return NULL;
    }
    for (uint32_t first = 0; first < rows; first += CHUNK) {
        uint32_t count = rows - first < CHUNK ? rows - first : CHUNK;
        if (!s.read(s.context, first, count, file + (size_t)first * cols, err)) {
            free(file);
            return NULL;
        }
    }
    if (s.out_in) {
        out = malloc((size_t)rows * cols * sizeof *out);
        for (size_t r = 0; out && r < rows; r++)
            for (size_t c = 0; c < cols; c++)
                out[c * rows + r] = file[r * cols + c];
        free(file);
        if (!out)
            abl_no_memory(err);
    }
    return out;
}

static int largest_first(const void *a, const void *b)
{
    const struct ov_eigenvalue *x = a, *y = b;
    double mx = hypot(x->re, x->im), my = hypot(y->re, y->im);
    if (mx > my || mx < my)
        return mx > my ? -1 : 1;
    if (x->re > y->re || x->re < y->re)
        return x->re > y->re ? -1 : 1;
    return (x->im < y->im) - (x->im > y->im);
}

typedef __typeof__(LAPACKE_dgeev) geev_function;

static bool load_geev(geev_function **out, struct abl_err *err)
{
#ifdef __APPLE__
    static const char *const names[] = { "liblapacke.3.dylib", "liblapacke.dylib", NULL };
#else
    static const char *const names[] = { "liblapacke.so.3", "liblapacke.so", NULL };
#endif
    void *library = library_open(names);
    if (library && library_function(library, "LAPACKE_dgeev", out))
        return true;
    return abl_fail(err, ABL_FAILED,
                    "no LAPACKE (%s) on this machine, which eigenvalues need: install it",
                    names[0]);
}

// Eigenvalues of `product` (n, n), which is overwritten.
static bool find_eigenvalues(double *product, size_t n, struct ov_circuit *h, struct arena *a,
                             struct abl_err *err)
{
    double *re = malloc(2 * n * sizeof *re), *im = re ? re + n : NULL, sum = 0, moduli = 0;
    h->eigenvalues = arena_alloc(a, n, sizeof *h->eigenvalues);
    geev_function *geev;
    bool ok = ((re && h->eigenvalues) || abl_no_memory(err)) && load_geev(&geev, err);
    lapack_int order = (lapack_int)n;
    if (ok
        && geev(LAPACK_ROW_MAJOR, 'N', 'N', order, product, order, re, im, NULL, order, NULL, order)
               != 0)
        ok = abl_fail(err, ABL_FAILED, "the eigenvalues of head %u:%u did not converge",
                      (unsigned)h->head.layer, (unsigned)h->head.head);
    for (size_t i = 0; ok && i < n; i++) {
        h->eigenvalues[i] = (struct ov_eigenvalue){ re[i], im[i] };
        sum += re[i]; // imaginary parts come in pairs that cancel
        moduli += hypot(re[i], im[i]);
    }
    if (ok) {
        qsort(h->eigenvalues, n, sizeof *h->eigenvalues, largest_first);
        h->copying = moduli > 0 ? sum / moduli : NAN;
    }
    free(re);
    return ok;
}

// What the heads of one layer are multiplied from.
struct layer_products {
    float *qkv;      // (d_model, q | k | v)
    float *out;      // (n_heads * d_head, d_model)
    float *gain;     // (d_model) of the layer's first norm; ones where it has none
    float *left;     // (n_heads * d_head, d_model): W_O·middle
    double *product; // (d_head, d_head)
};

// W_O·middle of all heads of a layer.
static bool multiply_left(struct session *session, const struct weight *middle,
                          struct layer_products *p, struct abl_err *err)
{
    struct engine *e = session->engine;
    const struct model_shape *s = &session->model->shape;
    uint32_t rows = site_cols(s, SITE_Z);
    struct tensor x = { 0 }, y = { 0 };
    struct epilogue plain = { 0 };
    bool ok = e->ops->alloc(e, rows, s->d_model, &x, err)
              && e->ops->alloc(e, rows, s->d_model, &y, err) && e->ops->upload(e, x, p->out, err)
              && e->ops->linear(e, y, x, middle, &plain, err)
              && read_back(e, y, p->left, "products of weights", err);
    if (x.buffer)
        e->ops->release(e, &x);
    if (y.buffer)
        e->ops->release(e, &y);
    return ok;
}

// (W_O,h·middle·gain)·W_V,h
static void multiply_head(const struct model_shape *s, struct head h,
                          const struct layer_products *p)
{
    size_t d = s->d_model, dh = s->d_head;
    size_t width = (size_t)(s->n_heads + 2 * s->n_kv_heads) * dh;
    size_t v = (s->n_heads + s->n_kv_heads + h.head / (s->n_heads / s->n_kv_heads)) * dh;
    memset(p->product, 0, dh * dh * sizeof *p->product);
    for (size_t r = 0; r < dh; r++)
        for (size_t k = 0; k < d; k++) {
            double l = (double)p->left[(h.head * dh + r) * d + k] * (double)p->gain[k];
            for (size_t c = 0; c < dh; c++)
                p->product[r * dh + c] += l * (double)p->qkv[k * width + v + c];
        }
}

static bool layer_eigenvalues(struct session *session, const struct weight *middle,
                              struct ov_circuits *all, uint32_t layer, struct arena *a,
                              struct abl_err *err)
{
    const struct model *m = session->model;
    size_t d = m->shape.d_model, dh = m->shape.d_head;
    struct layer_products p = { .qkv = read_matrix(m, MATRIX_QKV, layer, err),
                                .gain = malloc(d * sizeof *p.gain),
                                .left = malloc(m->shape.n_heads * dh * d * sizeof *p.left),
                                .product = malloc(dh * dh * sizeof *p.product) };
    p.out = p.qkv ? read_matrix(m, MATRIX_OUT, layer, err) : NULL;
    for (size_t i = 0; p.gain && i < d; i++)
        p.gain[i] = 1;
    bool ok = p.qkv && p.out && ((p.gain && p.left && p.product) || abl_no_memory(err))
              && (!norms_after(&m->shape)
                  || direction_times_post_gain(m, layer, p.out, site_cols(&m->shape, SITE_Z), err))
              && model_read_vector(m, VECTOR_LN1_GAIN, layer, p.gain, err)
              && multiply_left(session, middle, &p, err);
    for (size_t i = 0; ok && i < all->n; i++)
        if (all->items[i].head.layer == layer) {
            multiply_head(&m->shape, all->items[i].head, &p);
            ok = find_eigenvalues(p.product, dh, &all->items[i], a, err);
        }
    free(p.qkv);
    free(p.out);
    free(p.gain);
    free(p.left);
    free(p.product);
    return ok;
}

static bool layer_circuits(struct sources *in, const struct weight *middle, struct ov_circuits *all,
                           uint32_t layer, struct arena *a, struct abl_err *err)
{
    bool any = false;
    for (size_t i = 0; i < all->n; i++)
        any = any || all->items[i].head.layer == layer;
    if (!any)
        return true;
    if (!enter_layer(in, layer, err))
        return false;
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].head.layer == layer && !leave_head(in, &all->items[i], a, err))
            return false;
    return layer_eigenvalues(in->session, middle, all, layer, a, err);
}

bool ov_circuits_make(struct session *session, const struct ov_circuit_request *request,
                      atomic_bool *cancel, struct arena *a, struct ov_circuits *all,
                      struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    struct weight *middle = NULL;
    struct sources in
        = { .session = session,
            .ids = request->sources,
            .n = request->n_sources,
            .top_k = request->top_k,
            .v = malloc(request->n_sources * s->n_kv_heads * s->d_head * sizeof *in.v) };
    bool ok = (in.v || abl_no_memory(err)) && make_middle(session, cancel, &middle, err);
    for (uint32_t l = 0; ok && l < s->n_layers; l++) {
        if (cancel && atomic_load(cancel))
            ok = abl_fail(err, ABL_INTERRUPTED, "interrupted");
        ok = ok && layer_circuits(&in, middle, all, l, a, err);
    }
    if (middle)
        session->engine->ops->weight_free(session->engine, middle);
    free(in.v);
    return ok;
}

// Layers in which some head is asked.
static uint32_t count_layers(const struct head_set *heads)
{
    uint32_t n = 0;
    for (size_t i = 0; i < heads->n; i++)
        n += !i || heads->heads[i].layer != heads->heads[i - 1].layer;
    return n;
}

bool ov_circuits_observe(const struct session *session, const struct head_set *heads,
                         struct observations *out, struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    uint32_t *sources, z = site_cols(s, SITE_Z), d = s->d_model;
    size_t n;
    if (!ov_circuit_sources(session, &out->arena, &sources, &n, err))
        return false;
    uint64_t chunks = (s->n_vocab + CHUNK - 1) / CHUNK, layers = count_layers(heads);
    struct observed_product middle = { .rows = chunks * d, .k = CHUNK, .n = d };
    struct observed_product enter = { .rows = layers * n, .k = d, .n = 2 * site_cols(s, SITE_V) };
    struct observed_product leave = { .rows = heads->n * n, .k = z, .n = d };
    struct observed_product scores = { .rows = heads->n * n, .k = d, .n = s->n_vocab };
    struct observed_product left = { .rows = layers * z, .k = d, .n = d };
    return observations_add_product(out, middle, err) && observations_add_product(out, enter, err)
           && observations_add_product(out, leave, err)
           && observations_add_product(out, scores, err)
           && observations_add_product(out, left, err);
}
