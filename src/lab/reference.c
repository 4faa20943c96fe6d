#include "lab/reference.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { N_SITES = SITE_RESID_POST + 1 };

// A matrix as y = x·W wants it, row-major (k, n).
struct matrix {
    float *at;
    size_t k, n;
};

struct layer {
    uint32_t index;
    struct matrix qkv, out, mlp_in, mlp_out;
    float *ln1_gain, *ln1_bias, *ln2_gain, *ln2_bias;        // (d_model)
    float *qkv_bias, *out_bias, *mlp_in_bias, *mlp_out_bias; // (columns of the matrix)
    double *constant; // c_h of every head: (n_heads * d_head)
    double attn_scale;
    struct arena arena; // everything above
};

// One prompt under one variant, on its way through the layers.
struct state {
    const struct variant *variant; // NULL in the intact run
    uint32_t prompt;
    double *x; // residual stream: (n_ids, d_model)
};

// A prompt's intact activations in the present layer, for the edits that take them: (n_ids, width of the site).
struct donor {
    double *site[N_SITES];
};

struct walk {
    const struct reference_job *job;
    const struct model_shape *shape;
    struct state *intact; // (n_prompts)
    struct state *edited; // (n_variants * n_prompts)
    struct donor *donors; // (n_prompts)
    struct arena arena;
};

// Room for one state inside one layer.
struct scratch {
    double *h;       // (n_ids, d_model): a norm's output, then a module's
    double *qkv;     // (n_ids, q | k | v)
    double *z;       // (n_ids, n_heads * d_head)
    double *up;      // (n_ids, d_mlp)
    double *weights; // (n_ids) of one query
};

static size_t q_cols(const struct model_shape *s)
{
    return (size_t)s->n_heads * s->d_head;
}

static size_t kv_cols(const struct model_shape *s)
{
    return (size_t)s->n_kv_heads * s->d_head;
}

static size_t site_cols(const struct model_shape *s, enum site site)
{
    return site == SITE_Z ? q_cols(s) : s->d_model;
}

static void *new_array(struct arena *a, size_t rows, size_t cols, size_t size, struct abl_err *err)
{
    size_t n;
    void *p = size_mul(rows, cols, &n) ? arena_alloc(a, n, size) : NULL;
    if (!p)
        abl_no_memory(err);
    return p;
}

static double *new_doubles(struct arena *a, size_t rows, size_t cols, struct abl_err *err)
{
    return new_array(a, rows, cols, sizeof(double), err);
}

// Read the whole matrix, turning files of (out, in) round.
static bool read_matrix(const struct model *m, enum model_matrix which, uint32_t layer,
                        struct arena *a, struct matrix *out, struct abl_err *err)
{
    struct matrix_source s;
    model_matrix_source(m, which, layer, &s);
    *out = (struct matrix){ new_array(a, s.k, s.n, sizeof(float), err), s.k, s.n };
    if (!out->at || !s.out_in)
        return out->at && s.read(s.context, 0, s.k, out->at, err);
    float *row = malloc(s.k * sizeof *row);
    bool ok = row || abl_no_memory(err);
    for (uint32_t j = 0; ok && j < s.n; j++) {
        ok = s.read(s.context, j, 1, row, err);
        for (size_t i = 0; ok && i < s.k; i++)
            out->at[i * s.n + j] = row[i];
    }
    free(row);
    return ok;
}

// A vector that the family does not have reads as zeros.
static bool read_vector(const struct model *m, enum model_vector which, uint32_t layer,
                        struct arena *a, float **out, struct abl_err *err)
{
    size_t n = model_vector_len(&m->shape, which);
    *out = new_array(a, size_max(n, m->shape.d_model), 1, sizeof(float), err);
    return *out && (!n || model_read_vector(m, which, layer, *out, err));
}

// y = bias + x·w for one row; bias may be NULL.
static void row_times(double *y, const double *x, const struct matrix *w, const float *bias)
{
    for (size_t j = 0; j < w->n; j++)
        y[j] = bias ? (double)bias[j] : 0.0;
    for (size_t i = 0; i < w->k; i++)
        for (size_t j = 0; j < w->n; j++)
            y[j] += x[i] * (double)w->at[i * w->n + j];
}

// c_h = b_V + ln1 bias·W_V of the kv head that query head h reads.
static bool find_constants(const struct model_shape *s, struct layer *l, struct abl_err *err)
{
    size_t group = s->n_heads / s->n_kv_heads;
    double *bias = new_doubles(&l->arena, s->d_model, 1, err);
    double *qkv = new_doubles(&l->arena, l->qkv.n, 1, err);
    l->constant = new_doubles(&l->arena, q_cols(s), 1, err);
    if (!bias || !qkv || !l->constant)
        return false;
    for (size_t i = 0; i < s->d_model; i++)
        bias[i] = (double)l->ln1_bias[i];
    row_times(qkv, bias, &l->qkv, l->qkv_bias);
    const double *v = qkv + q_cols(s) + kv_cols(s);
    for (size_t h = 0; h < s->n_heads; h++)
        for (size_t i = 0; i < s->d_head; i++)
            l->constant[h * s->d_head + i] = v[h / group * s->d_head + i];
    return true;
}

static bool read_layer(const struct model *m, uint32_t index, struct layer *l, struct abl_err *err)
{
    struct arena *a = &l->arena;
    l->index = index;
    l->attn_scale = m->shape.attn_scale ? 1.0 / sqrt((double)m->shape.d_head) : 1.0;
    if (m->shape.attn_scale_layer)
        l->attn_scale /= index + 1.0;
    return read_matrix(m, MATRIX_QKV, index, a, &l->qkv, err)
           && read_matrix(m, MATRIX_OUT, index, a, &l->out, err)
           && read_matrix(m, MATRIX_MLP_IN, index, a, &l->mlp_in, err)
           && read_matrix(m, MATRIX_MLP_OUT, index, a, &l->mlp_out, err)
           && read_vector(m, VECTOR_LN1_GAIN, index, a, &l->ln1_gain, err)
           && read_vector(m, VECTOR_LN1_BIAS, index, a, &l->ln1_bias, err)
           && read_vector(m, VECTOR_LN2_GAIN, index, a, &l->ln2_gain, err)
           && read_vector(m, VECTOR_LN2_BIAS, index, a, &l->ln2_bias, err)
           && read_vector(m, VECTOR_QKV_BIAS, index, a, &l->qkv_bias, err)
           && read_vector(m, VECTOR_OUT_BIAS, index, a, &l->out_bias, err)
           && read_vector(m, VECTOR_MLP_IN_BIAS, index, a, &l->mlp_in_bias, err)
           && read_vector(m, VECTOR_MLP_OUT_BIAS, index, a, &l->mlp_out_bias, err)
           && find_constants(&m->shape, l, err);
}

// LayerNorm with the biased variance (Ba, Kiros & Hinton 2016).
static void norm_row(double *y, const double *x, size_t d, const float *gain, const float *bias,
                     double eps)
{
    double mean = 0, var = 0;
    for (size_t i = 0; i < d; i++)
        mean += x[i];
    mean /= (double)d;
    for (size_t i = 0; i < d; i++)
        var += (x[i] - mean) * (x[i] - mean);
    double scale = 1.0 / sqrt(var / (double)d + eps);
    for (size_t i = 0; i < d; i++)
        y[i] = (x[i] - mean) * scale * (double)gain[i] + (double)bias[i];
}

static double activate(enum act act, double x)
{
    switch (act) {
    case ACT_IDENTITY:
        return x;
    case ACT_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    case ACT_SILU:
        return x / (1.0 + exp(-x));
    }
    assert(false && "known activation");
    return NAN;
}

// z of one head at one token: it sees itself and every token before it. q, k, v start at the head's columns of token 0.
static void attend_one(double *z, const double *q, const double *k, const double *v, size_t n_seen,
                       size_t stride, size_t d_head, double scale, double *weights)
{
    double top = -INFINITY, sum = 0;
    for (size_t t = 0; t < n_seen; t++) {
        double dot = 0;
        for (size_t i = 0; i < d_head; i++)
            dot += q[i] * k[t * stride + i];
        weights[t] = dot * scale;
        top = fmax(top, weights[t]);
    }
    for (size_t t = 0; t < n_seen; t++)
        sum += weights[t] = exp(weights[t] - top);
    for (size_t i = 0; i < d_head; i++) {
        z[i] = 0;
        for (size_t t = 0; t < n_seen; t++)
            z[i] += weights[t] / sum * v[t * stride + i];
    }
}

static void attend(const struct model_shape *s, const struct layer *l, struct scratch *t, size_t n)
{
    size_t stride = q_cols(s) + 2 * kv_cols(s), group = s->n_heads / s->n_kv_heads;
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < s->n_heads; h++) {
            const double *q = t->qkv + i * stride + h * s->d_head;
            const double *k = t->qkv + q_cols(s) + h / group * s->d_head;
            attend_one(t->z + i * q_cols(s) + h * s->d_head, q, k, k + kv_cols(s), i + 1, stride,
                       s->d_head, l->attn_scale, t->weights);
        }
}

// What an edit at token `at` of a prompt takes its columns from; NULL: nothing, so that the source counts as 0.
// *keeps: a donor too short to have a partner for the token, which then keeps its value.
static const double *edit_source(const struct walk *w, const struct layer *l, const struct edit *e,
                                 uint32_t prompt, size_t at, bool *keeps)
{
    *keeps = false;
    if (e->source == SOURCE_NONE)
        return NULL;
    if (e->source == SOURCE_CONSTANT)
        return l->constant;
    uint32_t donor = e->donor[prompt];
    size_t back = w->job->prompts[prompt].n_ids - at, n = w->job->prompts[donor].n_ids;
    *keeps = back > n;
    return *keeps ? NULL
                  : w->donors[donor].site[e->site] + (n - back) * site_cols(w->shape, e->site);
}

static void edit_row(const struct edit *e, double *row, const double *source, size_t n_cols)
{
    for (size_t i = 0; i < n_cols; i++) {
        double from = source ? source[i] : 0.0, factor = (double)e->factor;
        double c = e->source == SOURCE_CONSTANT ? from : 0.0;
        switch (e->op) {
        case EDIT_SCALE:
            row[i] = factor * (row[i] - c) + c;
            break;
        case EDIT_SET:
            row[i] = from;
            break;
        case EDIT_ADD:
            row[i] += factor * from;
            break;
        }
    }
}

static void run_edit(const struct walk *w, const struct layer *l, const struct edit *e,
                     uint32_t prompt, double *rows)
{
    const struct model_shape *s = w->shape;
    int64_t n = w->job->prompts[prompt].n_ids;
    size_t width = site_cols(s, e->site), first = 0, n_cols = width;
    if (e->head != ALL_HEADS) {
        first = (size_t)e->head * s->d_head;
        n_cols = s->d_head;
    }
    for (int64_t i = 0; i < n; i++) {
        bool keeps;
        if (e->position != ALL_POSITIONS && i != n + e->position)
            continue;
        const double *source = edit_source(w, l, e, prompt, (size_t)i, &keeps);
        if (!keeps)
            edit_row(e, rows + (size_t)i * width + first, source ? source + first : NULL, n_cols);
    }
}

// The activation at a site has been computed: an intact state keeps it for donors, another runs its edits.
static void at_site(const struct walk *w, const struct layer *l, enum site site,
                    const struct state *s, double *rows)
{
    size_t n = w->job->prompts[s->prompt].n_ids;
    if (!s->variant) {
        memcpy(w->donors[s->prompt].site[site], rows, n * site_cols(w->shape, site) * sizeof *rows);
        return;
    }
    for (size_t i = 0; i < s->variant->n_edits; i++)
        if (s->variant->edits[i].layer == l->index && s->variant->edits[i].site == site)
            run_edit(w, l, &s->variant->edits[i], s->prompt, rows);
}

static void add_rows(double *x, const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void attention_block(const struct walk *w, const struct layer *l, const struct state *s,
                            struct scratch *t, size_t n)
{
    size_t d = w->shape->d_model;
    for (size_t i = 0; i < n; i++) {
        norm_row(t->h + i * d, s->x + i * d, d, l->ln1_gain, l->ln1_bias,
                 (double)w->shape->norm_eps);
        row_times(t->qkv + i * l->qkv.n, t->h + i * d, &l->qkv, l->qkv_bias);
    }
    attend(w->shape, l, t, n);
    at_site(w, l, SITE_Z, s, t->z);
    for (size_t i = 0; i < n; i++)
        row_times(t->h + i * d, t->z + i * l->out.k, &l->out, l->out_bias);
    at_site(w, l, SITE_ATTN_OUT, s, t->h);
    add_rows(s->x, t->h, n * d);
}

static void mlp_block(const struct walk *w, const struct layer *l, const struct state *s,
                      struct scratch *t, size_t n)
{
    size_t d = w->shape->d_model, d_mlp = l->mlp_in.n;
    for (size_t i = 0; i < n; i++) {
        double *h = t->h + i * d, *up = t->up + i * d_mlp;
        norm_row(h, s->x + i * d, d, l->ln2_gain, l->ln2_bias, (double)w->shape->norm_eps);
        row_times(up, h, &l->mlp_in, l->mlp_in_bias);
        for (size_t j = 0; j < d_mlp; j++)
            up[j] = activate(w->shape->act, up[j]);
        row_times(h, up, &l->mlp_out, l->mlp_out_bias);
    }
    at_site(w, l, SITE_MLP_OUT, s, t->h);
    add_rows(s->x, t->h, n * d);
}

static bool layer_state(const struct walk *w, const struct layer *l, const struct state *s,
                        struct abl_err *err)
{
    size_t n = w->job->prompts[s->prompt].n_ids;
    struct arena a = { 0 };
    struct scratch t = { .h = new_doubles(&a, n, w->shape->d_model, err),
                         .qkv = new_doubles(&a, n, l->qkv.n, err),
                         .z = new_doubles(&a, n, q_cols(w->shape), err),
                         .up = new_doubles(&a, n, w->shape->d_mlp, err),
                         .weights = new_doubles(&a, n, 1, err) };
    bool ok = t.h && t.qkv && t.z && t.up && t.weights;
    if (ok) {
        at_site(w, l, SITE_RESID_PRE, s, s->x);
        attention_block(w, l, s, &t, n);
        mlp_block(w, l, s, &t, n);
        at_site(w, l, SITE_RESID_POST, s, s->x);
    }
    arena_release(&a);
    return ok;
}

// States are independent of one another, so that sharing them out over cores changes no bit.
static bool layer_states(const struct walk *w, const struct layer *l, const struct state *states,
                         size_t n, struct abl_err *err)
{
    bool failed = false;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < n; i++)
        if (!layer_state(w, l, &states[i], NULL)) {
#pragma omp atomic write
            failed = true;
        }
    return !failed || abl_no_memory(err);
}

static size_t n_edited(const struct walk *w)
{
    return w->job->variants ? w->job->variants->n * w->job->n_prompts : 0;
}

// Intact states go first: donors are intact.
static bool run_layer(const struct walk *w, uint32_t index, struct abl_err *err)
{
    struct layer l = { 0 };
    bool ok = read_layer(w->job->model, index, &l, err)
              && layer_states(w, &l, w->intact, w->job->n_prompts, err)
              && layer_states(w, &l, w->edited, n_edited(w), err);
    arena_release(&l.arena);
    return ok;
}

static bool state_init(struct walk *w, uint32_t prompt, const struct variant *v, struct state *out,
                       struct abl_err *err)
{
    size_t d = w->shape->d_model, n = w->job->prompts[prompt].n_ids;
    *out = (struct state){ v, prompt, new_doubles(&w->arena, n, d, err) };
    if (!out->x)
        return false;
    if (v) {
        memcpy(out->x, w->intact[prompt].x, n * d * sizeof *out->x);
        return true;
    }
    float *row = malloc(d * sizeof *row);
    bool ok = row || abl_no_memory(err);
    for (uint32_t i = 0; ok && i < n; i++) {
        ok = model_embed(w->job->model, w->job->prompts[prompt].ids[i], i, row, err);
        for (size_t j = 0; ok && j < d; j++)
            out->x[i * d + j] = (double)row[j];
    }
    free(row);
    return ok;
}

static bool walk_init(struct walk *w, struct abl_err *err)
{
    size_t n = w->job->n_prompts, n_all = n_edited(w);
    w->intact = new_array(&w->arena, n, 1, sizeof *w->intact, err);
    w->edited = new_array(&w->arena, n_all, 1, sizeof *w->edited, err);
    w->donors = new_array(&w->arena, n, 1, sizeof *w->donors, err);
    bool ok = w->intact && w->edited && w->donors;
    for (uint32_t p = 0; ok && p < n; p++) {
        ok = state_init(w, p, NULL, &w->intact[p], err);
        for (int s = 0; ok && s < N_SITES; s++) {
            w->donors[p].site[s] = new_doubles(&w->arena, w->job->prompts[p].n_ids,
                                               site_cols(w->shape, (enum site)s), err);
            ok = w->donors[p].site[s] != NULL;
        }
    }
    for (size_t i = 0; ok && i < n_all; i++)
        ok = state_init(w, (uint32_t)(i % n), &w->job->variants->items[i / n], &w->edited[i], err);
    return ok;
}

static double log_sum_exp(const double *logits, size_t n)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, logits[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(logits[i] - top);
    return top + log(sum);
}

// base: the intact run's logits and their lse, or NULL in that run itself.
static struct reference_row read_logits(const double *logits, size_t n, const struct prompt *p,
                                        const double *base, double base_lse)
{
    struct reference_row r = { .target_logit = logits[p->target],
                               .foil_logit = logits[p->foil],
                               .lse = log_sum_exp(logits, n),
                               .rank_margin = INFINITY,
                               .argmax_margin = INFINITY };
    for (uint32_t i = 0; i < n; i++) {
        double ln_p = logits[i] - r.lse;
        r.entropy -= exp(ln_p) * ln_p;
        if (base)
            r.kl += exp(base[i] - base_lse) * (base[i] - base_lse - ln_p);
        r.rank += logits[i] > r.target_logit;
        if (i != p->target)
            r.rank_margin = fmin(r.rank_margin, fabs(logits[i] - r.target_logit));
        if (logits[i] > logits[r.argmax])
            r.argmax = i;
    }
    for (uint32_t i = 0; i < n; i++)
        if (i != r.argmax)
            r.argmax_margin = fmin(r.argmax_margin, logits[r.argmax] - logits[i]);
    return r;
}

struct reader {
    struct matrix unembed; // (d_model, n_vocab)
    float *gain, *bias;    // of the final norm
    double *h;             // (d_model)
    double *base, *logits; // (n_vocab) of the intact state and of another
    struct arena arena;
};

static void final_logits(const struct walk *w, struct reader *r, const struct state *s, double *out)
{
    size_t d = w->shape->d_model, last = w->job->prompts[s->prompt].n_ids - 1;
    norm_row(r->h, s->x + last * d, d, r->gain, r->bias, (double)w->shape->norm_eps);
    row_times(out, r->h, &r->unembed, NULL);
}

static void read_prompt(const struct walk *w, struct reader *r, size_t p,
                        struct reference_row *intact, struct reference_row *rows)
{
    const struct prompt *prompt = &w->job->prompts[p];
    size_t n = r->unembed.n, n_prompts = w->job->n_prompts;
    final_logits(w, r, &w->intact[p], r->base);
    intact[p] = read_logits(r->base, n, prompt, NULL, 0);
    for (size_t i = p; i < n_edited(w); i += n_prompts) {
        final_logits(w, r, &w->edited[i], r->logits);
        rows[i] = read_logits(r->logits, n, prompt, r->base, intact[p].lse);
    }
}

static bool read_out(const struct walk *w, struct reference_row *intact, struct reference_row *rows,
                     struct abl_err *err)
{
    const struct model *m = w->job->model;
    struct reader r = { 0 };
    r.h = new_doubles(&r.arena, w->shape->d_model, 1, err);
    r.base = new_doubles(&r.arena, w->shape->n_vocab, 1, err);
    r.logits = new_doubles(&r.arena, w->shape->n_vocab, 1, err);
    bool ok = r.h && r.base && r.logits
              && read_matrix(m, MATRIX_UNEMBED, 0, &r.arena, &r.unembed, err)
              && read_vector(m, VECTOR_FINAL_GAIN, 0, &r.arena, &r.gain, err)
              && read_vector(m, VECTOR_FINAL_BIAS, 0, &r.arena, &r.bias, err);
    for (size_t p = 0; ok && p < w->job->n_prompts; p++)
        read_prompt(w, &r, p, intact, rows);
    arena_release(&r.arena);
    return ok;
}

bool reference_run(const struct reference_job *job, struct reference_row *intact,
                   struct reference_row *rows, struct abl_err *err)
{
    struct walk w = { .job = job, .shape = &job->model->shape };
    bool ok = walk_init(&w, err);
    for (uint32_t l = 0; ok && l < w.shape->n_layers; l++)
        ok = run_layer(&w, l, err);
    ok = ok && read_out(&w, intact, rows, err);
    arena_release(&w.arena);
    return ok;
}

double reference_metric(enum metric m, const struct reference_row *row,
                        const struct reference_row *intact)
{
    switch (m) {
    case METRIC_LD:
        return row->target_logit - row->foil_logit;
    case METRIC_LOGPROB:
        return row->target_logit - row->lse;
    case METRIC_PROB:
        return exp(row->target_logit - row->lse);
    case METRIC_KL:
        return row->kl;
    case METRIC_RANK:
        return row->rank;
    case METRIC_FLIP:
        return row->argmax != intact->argmax;
    case METRIC_ENTROPY:
        return row->entropy;
    case N_METRICS:
        break;
    }
    assert(false && "known metric");
    return NAN;
}
