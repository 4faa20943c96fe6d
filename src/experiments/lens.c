#include "experiments/lens.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiments/chosen.h"
#include "experiments/experiments.h"
#include "experiments/post_norm.h"
#include "forward/forward.h"
#include "forward/observe.h"
#include "forward/prompt_block.h"
#include "forward/read_back.h"
#include "stats/metrics.h"

const char *direct_kind_name(size_t k)
{
    static const char *const names[N_DIRECT_KINDS] = { [DIRECT_EMBED] = "embed",
                                                       [DIRECT_HEAD] = "head",
                                                       [DIRECT_ATTN_BIAS] = "attn_bias",
                                                       [DIRECT_MLP] = "mlp",
                                                       [DIRECT_BIAS] = "bias" };
    return k < N_DIRECT_KINDS ? names[k] : NULL;
}

struct lens_work {
    struct session *session;
    struct weights *weights;
    struct lens *lens;
    size_t n;       // rows
    double *along;  // (n, d_model): w_f·(W_U[target] - W_U[foil]), centred where the norm centres
    double *share;  // (n_parts, n): along each row's direction, before the final norm's scale
    double *spread; // (n) what the final norm divides by
    struct tensor aims;      // (n, d_model): `along` on the device
    struct tensor states;    // (n, d_model): residual stream of a lens point, then behind the norm
    float *host;             // (n, d_model)
    struct row_stats *stats; // (n_points, n), the arena's as is `share`
    struct abl_err *err;
};

static uint32_t parts_a_layer(const struct model_shape *s)
{
    return s->n_heads + 2;
}

static double *share_of(const struct lens_work *w, enum direct_kind kind, uint32_t layer,
                        uint32_t head)
{
    const struct model_shape *s = &w->session->model->shape;
    size_t base = 1 + (size_t)layer * parts_a_layer(s), part = 0;
    switch (kind) {
    case DIRECT_EMBED:
        part = 0;
        break;
    case DIRECT_HEAD:
        part = base + head;
        break;
    case DIRECT_ATTN_BIAS:
        part = base + s->n_heads;
        break;
    case DIRECT_MLP:
        part = base + s->n_heads + 1;
        break;
    case DIRECT_BIAS:
    case N_DIRECT_KINDS:
        part = w->lens->n_parts - 1;
        break;
    }
    return w->share + part * w->n;
}

static double dot(const double *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * (double)b[i];
    return sum;
}

// -------------------------------------------------------------------------------------- directions

// gain and bias of the final norm; bias is zeros where it has none.
static bool read_final_norm(const struct lens_work *w, float *gain, float *bias)
{
    const struct model *m = w->session->model;
    size_t d = m->shape.d_model;
    memset(bias, 0, d * sizeof *bias);
    return model_read_vector(m, VECTOR_FINAL_GAIN, 0, gain, w->err)
           && (!model_vector_len(&m->shape, VECTOR_FINAL_BIAS)
               || model_read_vector(m, VECTOR_FINAL_BIAS, 0, bias, w->err));
}

// One row's direction, and what the norm's bias adds along it.
static void aim(const struct lens_work *w, size_t row, const float *target, const float *foil,
                const float *gain, const float *bias)
{
    const struct model_shape *s = &w->session->model->shape;
    double *along = w->along + row * s->d_model, mean = 0, constant = 0;
    for (size_t i = 0; i < s->d_model; i++) {
        double difference = (double)target[i] - (double)foil[i];
        constant += (double)bias[i] * difference;
        along[i] = (double)gain[i] * difference;
        mean += along[i] / s->d_model;
    }
    // x loses its mean on the way: (x - mean(x))·u = x·(u - mean(u))
    for (size_t i = 0; s->norm == NORM_LAYER && i < s->d_model; i++)
        along[i] -= mean;
    share_of(w, DIRECT_BIAS, 0, 0)[row] = constant;
}

// The mean of the unembedding's directions of some tokens; `one` holds one of them.
static bool read_mean_direction(const struct lens_work *w, const struct matrix_source *unembed,
                                struct id_list list, float *one, float *mean)
{
    size_t d = w->session->model->shape.d_model;
    memset(mean, 0, d * sizeof *mean);
    for (uint32_t i = 0; i < list.n; i++) {
        if (!unembed->read(unembed->context, list.ids[i], 1, one, w->err))
            return false;
        for (size_t k = 0; k < d; k++)
            mean[k] += one[k] / (float)list.n;
    }
    return true;
}

static double mean_of(const float *values, struct id_list list)
{
    double sum = 0;
    for (uint32_t i = 0; i < list.n; i++)
        sum += (double)values[list.ids[i]] / list.n;
    return sum;
}

// What b_U adds to ld, for when the shares have been divided by the final norm's scale.
static bool keep_bias(const struct lens_work *w)
{
    const struct model *m = w->session->model;
    size_t n = model_vector_len(&m->shape, VECTOR_UNEMBED_BIAS);
    float *bias = n ? malloc(n * sizeof *bias) : NULL;
    if (!n)
        return true;
    bool ok = (bias || abl_no_memory(w->err))
              && model_read_vector(m, VECTOR_UNEMBED_BIAS, 0, bias, w->err);
    for (size_t i = 0; ok && i < w->n; i++) {
        const struct prompt *p = &w->session->prompts->items[i];
        share_of(w, DIRECT_BIAS, 0, 0)[i]
            += mean_of(bias, prompt_targets(p)) - mean_of(bias, prompt_foils(p));
    }
    free(bias);
    return ok;
}

static bool aim_all(struct lens_work *w)
{
    const struct model *m = w->session->model;
    size_t d = m->shape.d_model;
    struct matrix_source unembed; // a file row a token
    model_matrix_source(m, MATRIX_UNEMBED, 0, &unembed);
    float *room = malloc(5 * d * sizeof *room);
    bool ok = room || abl_no_memory(w->err);
    ok = ok && read_final_norm(w, room + 2 * d, room + 3 * d);
    for (size_t i = 0; ok && i < w->n; i++) {
        const struct prompt *p = &w->session->prompts->items[i];
        ok = read_mean_direction(w, &unembed, prompt_targets(p), room + 4 * d, room)
             && read_mean_direction(w, &unembed, prompt_foils(p), room + 4 * d, room + d);
        if (ok)
            aim(w, i, room, room + d, room + 2 * d, room + 3 * d);
    }
    free(room);
    ok = ok && keep_bias(w);
    struct engine *e = w->session->engine;
    for (size_t i = 0; ok && i < w->n * d; i++)
        w->host[i] = (float)w->along[i];
    return ok && e->ops->upload(e, w->aims, w->host, w->err);
}

// ------------------------------------------------------------------------------------------ shares

// The row of an observed activation that prompt i is read out at, NULL where another block holds
// it.
static const float *row_of(const struct observed *o, size_t i)
{
    if (i < o->first_prompt || i - o->first_prompt >= o->trie->n_prompts)
        return NULL;
    return o->values + (size_t)o->trie->read_of[i - o->first_prompt] * o->n_cols;
}

static void share_module(const struct lens_work *w, const struct observed *o, double *share)
{
    size_t d = w->session->model->shape.d_model;
    for (size_t i = 0; i < w->n; i++) {
        const float *x = row_of(o, i);
        if (x)
            share[i] = dot(w->along + i * d, x, d);
    }
}

// W_O of a layer the other way round: directions in, what each column of z moves along them out.
static bool load_transposed(const struct lens_work *w, uint32_t layer, struct weight **out)
{
    struct engine *e = w->session->engine;
    struct matrix_source source;
    model_matrix_source(w->session->model, MATRIX_OUT, layer, &source);
    uint32_t k = source.k;
    source.k = source.n;
    source.n = k;
    source.out_in = !source.out_in;
    return e->ops->weight_new(e, &source, out, w->err);
}

// `along` of the observed prompts before the norm behind attention: each row's is `through`
// (n, d_model), which is on the device, too; what the norm's bias adds goes to attn_bias.
static bool aim_through(const struct lens_work *w, const struct observed *o, double *through,
                        struct tensor *out)
{
    size_t d = w->session->model->shape.d_model, n = o->trie->n_prompts;
    struct post_norm p = { 0 };
    float *z = malloc(n * o->n_cols * sizeof *z);
    if (!z)
        return abl_no_memory(w->err);
    for (size_t k = 0; k < n; k++)
        memcpy(z + k * o->n_cols, row_of(o, o->first_prompt + k), o->n_cols * sizeof *z);
    bool ok = post_norm_freeze(w->session, o->layer, z, n, &p, w->err);
    for (size_t k = 0; ok && k < n; k++) {
        size_t i = o->first_prompt + k;
        const double *along = w->along + i * d;
        post_norm_pull_back(&p, k, along, through + k * d);
        share_of(w, DIRECT_ATTN_BIAS, o->layer, 0)[i] = dot(along, p.bias, d);
        for (size_t x = 0; x < d; x++)
            w->host[k * d + x] = (float)through[k * d + x];
    }
    free(z);
    post_norm_release(&p);
    *out = tensor_rows(w->states, 0, (uint32_t)n); // free between lens points
    return ok && w->session->engine->ops->upload(w->session->engine, *out, w->host, w->err);
}

// aims·W_O^T of the observed prompts: (n, n_heads * d_head) on the host, the caller's to free.
static bool pull_back(const struct lens_work *w, const struct observed *o, struct tensor aims,
                      float **out)
{
    struct engine *e = w->session->engine;
    uint32_t n = (uint32_t)o->trie->n_prompts;
    struct weight *transposed = NULL;
    struct tensor result = { 0 };
    struct epilogue plain = { 0 };
    *out = malloc((size_t)n * o->n_cols * sizeof **out);
    bool ok = (*out || abl_no_memory(w->err)) && load_transposed(w, o->layer, &transposed)
              && e->ops->alloc(e, n, o->n_cols, &result, w->err)
              && e->ops->linear(e, result, aims, transposed, &plain, w->err)
              && read_back(e, result, *out, "directions", w->err);
    if (transposed)
        e->ops->weight_free(e, transposed);
    if (result.buffer)
        e->ops->release(e, &result);
    if (!ok)
        free(*out);
    return ok;
}

// z of a layer: each head's share, and the constants and b_O for all of them.
static bool share_heads(const struct lens_work *w, const struct observed *o)
{
    struct engine *e = w->session->engine;
    const struct model_shape *s = &w->session->model->shape;
    size_t cols = o->n_cols, dh = s->d_head;
    bool folded = w->session->settings.ablation.value_bias == VALUE_BIAS_FOLDED;
    uint32_t n_bias = model_vector_len(s, VECTOR_OUT_BIAS);
    float *pull, *c = calloc(cols + s->d_model, sizeof *c), *bias = c ? c + cols : NULL;
    size_t n = o->trie->n_prompts;
    double *along = w->along + o->first_prompt * s->d_model, *through = NULL;
    struct tensor aims = tensor_rows(w->aims, (uint32_t)o->first_prompt, (uint32_t)n);
    if (!c)
        return abl_no_memory(w->err);
    if (norms_after(s)) {
        along = through = malloc(n * s->d_model * sizeof *through);
        if (!(through || abl_no_memory(w->err)) || !aim_through(w, o, through, &aims)) {
            free(through);
            free(c);
            return false;
        }
    }
    struct tensor constant = tensor_rows(w->weights->z_constant, o->layer, 1);
    bool ok = (!folded || read_back(e, constant, c, "constant parts of heads", w->err))
              && (!n_bias
                  || model_read_vector(w->session->model, VECTOR_OUT_BIAS, o->layer, bias, w->err))
              && pull_back(w, o, aims, &pull);
    for (size_t k = 0; ok && k < n; k++) {
        size_t i = o->first_prompt + k;
        const float *z = row_of(o, i), *p = pull + k * cols;
        double *rest = &share_of(w, DIRECT_ATTN_BIAS, o->layer, 0)[i];
        *rest += dot(along + k * s->d_model, bias, s->d_model);
        for (uint32_t h = 0; h < s->n_heads; h++) {
            double own = 0, fixed = 0;
            for (size_t x = h * dh; x < (h + 1) * dh; x++) {
                own += ((double)z[x] - (double)c[x]) * (double)p[x];
                fixed += (double)c[x] * (double)p[x];
            }
            share_of(w, DIRECT_HEAD, o->layer, h)[i] = own;
            *rest += fixed;
        }
    }
    if (ok)
        free(pull);
    free(through);
    free(c);
    return ok;
}

// What the final norm divides by.
static void measure_spread(const struct lens_work *w, const struct observed *o)
{
    const struct model_shape *s = &w->session->model->shape;
    for (size_t i = 0; i < w->n; i++) {
        const float *x = row_of(o, i);
        double mean = 0, squares = 0;
        for (size_t k = 0; x && s->norm == NORM_LAYER && k < s->d_model; k++)
            mean += (double)x[k] / s->d_model;
        for (size_t k = 0; x && k < s->d_model; k++)
            squares += ((double)x[k] - mean) * ((double)x[k] - mean) / s->d_model;
        if (x)
            w->spread[i] = sqrt(squares + (double)s->norm_eps);
    }
}

// -------------------------------------------------------------------------------------------- lens

// Final norm, unembedding and metrics of the residual stream that is observed, for the block's
// prompts.
static bool read_point(struct lens_work *w, const struct observed *o, size_t point)
{
    struct engine *e = w->session->engine;
    size_t first = o->first_prompt, n = o->trie->n_prompts;
    struct readout_ask *asks = calloc(n, sizeof *asks);
    if (!asks)
        return abl_no_memory(w->err);
    for (size_t i = 0; i < n; i++) {
        const struct prompt *p = &w->session->prompts->items[first + i];
        asks[i] = (struct readout_ask){
            .row = (uint32_t)i, .target = p->target, .foil = p->foil, .lists = p->lists
        };
        memcpy(w->host + i * o->n_cols, row_of(o, first + i), o->n_cols * sizeof *w->host);
    }
    struct tensor x = tensor_rows(w->states, 0, (uint32_t)n);
    bool ok
        = e->ops->upload(e, x, w->host, w->err) && e->ops->norm(e, x, x, &w->weights->final, w->err)
          && e->ops->readout(e, x, w->weights->unembed, &w->weights->logits, (struct tensor){ 0 },
                             asks, (uint32_t)n, w->stats + point * w->n + first, w->err);
    for (size_t i = 0; ok && i < n; i++)
        ok = check_logits(e, &w->stats[point * w->n + first + i], first + i, w->err);
    free(asks);
    return ok;
}

static bool see(void *context, const struct observed *o, struct abl_err *err)
{
    struct lens_work *w = context;
    (void)err; // the same as w->err
    bool last = o->layer + 1 == w->session->model->shape.n_layers;
    switch (o->site) {
    case SITE_RESID_PRE:
        // the layer before ended with it
        if (o->layer)
            return true;
        share_module(w, o, share_of(w, DIRECT_EMBED, 0, 0));
        return read_point(w, o, 0);
    case SITE_Z:
        return share_heads(w, o);
    case SITE_MLP_OUT:
        share_module(w, o, share_of(w, DIRECT_MLP, o->layer, 0));
        return true;
    case SITE_RESID_POST:
        if (last)
            measure_spread(w, o);
        return read_point(w, o, o->layer + 1);
    default:
        return true;
    }
}

static void name_points(const struct lens_work *w)
{
    for (size_t i = 0; i < w->lens->n_points; i++)
        w->lens->points[i] = (struct lens_point){ .layer = i ? (uint32_t)i - 1 : 0,
                                                  .site = i ? SITE_RESID_POST : SITE_RESID_PRE,
                                                  .rows = w->stats + i * w->n };
}

static struct direct_part name_part(const struct model_shape *s, size_t part, size_t n_parts)
{
    struct direct_part p = { .kind = DIRECT_EMBED, .layer = NO_LAYER, .head = ALL_HEADS };
    if (part + 1 == n_parts)
        p.kind = DIRECT_BIAS;
    if (!part || part + 1 == n_parts)
        return p;
    uint32_t place = (uint32_t)(part - 1) % parts_a_layer(s);
    p.layer = (uint32_t)(part - 1) / parts_a_layer(s);
    p.kind = place < s->n_heads ? DIRECT_HEAD : place == s->n_heads ? DIRECT_ATTN_BIAS : DIRECT_MLP;
    if (p.kind == DIRECT_HEAD)
        p.head = place;
    return p;
}

// ld before the logits' soft cap, as its parts add up to it. Of answers that are lists: what the
// parts say, since a mean of capped logits is not the mean's own.
static double uncapped_ld(const struct lens_work *w, size_t i, const struct row_stats *intact,
                          double sum)
{
    double cap = (double)w->session->model->shape.logit_cap;
    if (!(cap > 0))
        return metric_value(METRIC_LD, intact, intact);
    if (w->session->prompts->items[i].lists)
        return sum;
    return cap
           * (atanh((double)intact->target_logit / cap) - atanh((double)intact->foil_logit / cap));
}

// Shares over the final norm's scale, and how far their sum is from ld.
static void scale_parts(const struct lens_work *w)
{
    struct lens *l = w->lens;
    for (size_t i = 0; i < w->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < l->n_parts; k++) {
            double *share = &w->share[k * w->n + i];
            *share /= k + 1 < l->n_parts ? w->spread[i] : 1;
            sum += *share;
        }
        const struct row_stats *intact = &w->session->intact[i];
        double ld = uncapped_ld(w, i, intact, sum);
        if (!(fabs(sum - ld) <= l->worst_sum)) // NaN counts
            l->worst_sum = fabs(sum - ld);
    }
    for (size_t k = 0; k < l->n_parts; k++) {
        l->parts[k] = name_part(&w->session->model->shape, k, l->n_parts);
        l->parts[k].rows = w->share + k * w->n;
    }
}

static bool make_room(struct lens_work *w, struct arena *a)
{
    const struct model_shape *s = &w->session->model->shape;
    struct engine *e = w->session->engine;
    struct lens *l = w->lens;
    l->n_parts = 2 + (size_t)s->n_layers * parts_a_layer(s);
    l->n_points = 1 + (size_t)s->n_layers;
    l->n_rows = w->n;
    l->parts = arena_alloc(a, l->n_parts, sizeof *l->parts);
    l->points = arena_alloc(a, l->n_points, sizeof *l->points);
    w->along = calloc(w->n * s->d_model, sizeof *w->along);
    w->host = calloc(w->n * s->d_model, sizeof *w->host);
    w->share = arena_alloc(a, l->n_parts * w->n, sizeof *w->share);
    w->spread = calloc(w->n, sizeof *w->spread);
    w->stats = arena_alloc(a, l->n_points * w->n, sizeof *w->stats);
    if (!l->parts || !l->points || !w->along || !w->host || !w->share || !w->spread || !w->stats)
        return abl_no_memory(w->err);
    return e->ops->alloc(e, (uint32_t)w->n, s->d_model, &w->aims, w->err)
           && e->ops->alloc(e, (uint32_t)w->n, s->d_model, &w->states, w->err);
}

static void release_room(struct lens_work *w)
{
    struct engine *e = w->session->engine;
    if (w->aims.buffer)
        e->ops->release(e, &w->aims);
    if (w->states.buffer)
        e->ops->release(e, &w->states);
    free(w->along);
    free(w->host);
    free(w->spread);
}

bool lens_make(struct session *session, atomic_bool *cancel, struct arena *a, struct lens **out,
               struct abl_err *err)
{
    size_t n_blocks;
    struct lens *l = arena_alloc(a, 1, sizeof *l);
    if (!l)
        return abl_no_memory(err);
    struct lens_work w = { .session = session,
                           .weights = forward_blocks(session->forward, &n_blocks)->weights,
                           .lens = l,
                           .n = session->prompts->n,
                           .err = err };
    struct observer o = { .sites = 1u << SITE_RESID_PRE | 1u << SITE_Z | 1u << SITE_MLP_OUT
                                   | 1u << SITE_RESID_POST,
                          .on_activation = see,
                          .context = &w,
                          .cancel = cancel };
    bool ok = make_room(&w, a) && aim_all(&w) && session_observe(session, &o, err);
    if (ok) {
        scale_parts(&w);
        name_points(&w);
        // an effect on capped logits less a share of uncapped ones would be neither
        l->taken = session->model->shape.logit_cap > 0
                       ? NAN
                       : lens_taken(&session->settings.ablation,
                                    settings_ablated_at(&session->settings));
        *out = l;
    }
    release_room(&w);
    return ok;
}

double lens_taken(const struct ablation *how, const char *at)
{
    bool at_read_out
        = !at || strcmp(at, "last") == 0 || strcmp(at, "END") == 0 || strcmp(at, "-1") == 0;
    return how->kind == ABLATE_SCALE && at_read_out ? 1 - (double)how->scale : NAN;
}

static bool read_lens(struct session *session, const struct results *t, atomic_bool *cancel,
                      struct readings *out, struct abl_err *err)
{
    (void)t;
    return lens_make(session, cancel, &out->arena, &out->lens, err);
}

// Shares of what is no sum would add up to nothing.
static bool list_lens(const struct session *session, struct variants *out, struct abl_err *err)
{
    const struct prompts *p = session->prompts;
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i].lists && p->items[i].lists->how == ANSWERS_LSE)
            return abl_fail(err, ABL_USAGE,
                            "direct effects are shares of ld, and a log-sum-exp has none: "
                            "expected --answers mean with --experiment lens");
    return chosen_list_heads(session, out, err);
}

// Read-outs of every point, and for each layer directions through W_O the other way round.
static bool observe_lens(const struct session *session, struct observations *out,
                         struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    size_t n = session->prompts->n;
    struct observation rows = { .prompts = session->prompts->items, .n = n };
    struct observed_product points
        = { .rows = n * (1 + (uint64_t)s->n_layers), .k = s->d_model, .n = s->n_vocab };
    struct observed_product heads
        = { .rows = n * (uint64_t)s->n_layers, .k = s->d_model, .n = site_cols(s, SITE_Z) };
    struct observed_product norms = post_norm_product(s, n * (uint64_t)s->n_layers);
    return observations_add(out, rows, err) && observations_add_product(out, points, err)
           && observations_add_product(out, heads, err)
           && (!norms_after(s) || observations_add_product(out, norms, err));
}

const struct experiment experiment_lens = {
    .name = "lens",
    .about = "logit lens and direct effects beside total ones",
    .help = "logit lens and direct effects",
    .options = READS_ABLATION | READS_HEADS,
    .traits = ONE_KIND,
    .makes = MAKES(ROLE_HEAD),
    .swept = ROLE_HEAD,
    .list = list_lens,
    .observe = observe_lens,
    .read = read_lens,
};
