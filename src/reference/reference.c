#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference_attention.h"
#include "reference/reference_layer.h"
#include "reference/reference_position.h"

// One prompt under one variant, on its way through the layers.
struct pass_state {
    const struct variant *variant; // NULL in the intact run
    const struct prompt *prompt;
    uint32_t number; // of the prompt in the run
    double *x;       // residual stream: (n_ids, d_model)
    // Of an intact state: its activations in the present layer, for the edits that take them:
    // (n_ids, width of the site); of patterns (n_ids, n_ids, n_heads), query by query, and NULL
    // where no variant takes any.
    double *site[N_SITES];
};

struct walk {
    const struct reference_job *job;
    const struct model_shape *shape;
    struct pass_state *intact; // (n_prompts)
    struct pass_state *edited; // (n_variants * n_prompts)
    // (n_donors): what SOURCE_ROW edits take from; the intact ones where the job names none
    struct pass_state *donors;
    double *mean; // of z over all tokens but BOS, in the present layer: (n_heads * d_head)
    struct arena arena;
};

// Room for one state inside one layer.
struct scratch {
    double *h;    // (n_ids, d_model): a norm's output, then a module's
    double *qkv;  // (n_ids, q | k | v)
    double *z;    // (n_ids, n_heads * d_head)
    double *mlp;  // (n_ids, d_model): what the MLP gives
    double *up;   // (n_ids, d_mlp)
    double *gate; // (d_mlp) of one token
    // (n_ids, n_ids, n_heads) of each query, key and head; the keys it does not see are 0
    double *weights;
};

// The weights that token i gives to those it sees, from the first on.
static double *weights_of(const struct walk *w, const struct exact_layer *l, double *pattern,
                          size_t n, size_t i, size_t h)
{
    return pattern + (i * n + exact_first_seen(w->shape, l, i)) * w->shape->n_heads + h;
}

// The token of the donor that token `at` of a prompt takes from. False: it has no partner there and
// keeps its value. BOS and other tokens are never partners.
static bool find_partner(const struct walk *w, const struct edit *e, const struct prompt *prompt,
                         const struct prompt *donor, size_t at, size_t *partner)
{
    *partner = at;
    if (e->from_start ? at >= donor->n_ids
                      : !exact_partner(e->position, prompt, donor, at, partner))
        return false;
    return !w->job->has_bos || (at == 0) == (*partner == 0);
}

// What an edit at token `at` of a prompt takes its columns from; NULL: nothing, so that
// the source counts as 0. *keeps: the token has no partner and keeps its value.
static const double *edit_source(const struct walk *w, const struct exact_layer *l,
                                 const struct edit *e, uint32_t prompt, size_t at, bool *keeps)
{
    *keeps = false;
    if (e->source == SOURCE_NONE)
        return NULL;
    if (e->source == SOURCE_CONSTANT)
        return l->constant;
    if (e->source == SOURCE_MEAN) {
        *keeps = w->job->has_bos && at == 0;
        return w->mean;
    }
    const struct pass_state *donor = &w->donors[w->job->donor_maps[e->donor][prompt]];
    size_t partner;
    *keeps = !find_partner(w, e, &w->job->prompts[prompt], donor->prompt, at, &partner);
    return *keeps ? NULL : donor->site[e->site] + partner * site_cols(w->shape, e->site);
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

// The rows of an activation: n tokens, `stride` numbers apart.
struct row_matrix {
    double *at;
    size_t stride;
};

static void run_edit(const struct walk *w, const struct exact_layer *l, const struct edit *e,
                     uint32_t prompt, struct row_matrix rows)
{
    const struct prompt *p = &w->job->prompts[prompt];
    size_t first = 0, n_cols = site_cols(w->shape, e->site);
    size_t head_cols = site_head_cols(w->shape, e->site);
    if (head_cols && e->head != ALL_HEADS) {
        first = (size_t)e->head * head_cols;
        n_cols = head_cols;
    }
    for (size_t i = 0; i < p->n_ids; i++) {
        bool keeps;
        if (!exact_is_at(e->position, p, i))
            continue;
        const double *source = edit_source(w, l, e, prompt, i, &keeps);
        if (!keeps)
            edit_row(e, rows.at + i * rows.stride + first, source ? source + first : NULL, n_cols);
    }
}

// Edits of the weights of one query and head: those to keys as far from the end as any that the
// donor's query sees, and BOS like BOS alone.
static void edit_weights(const struct walk *w, const struct exact_layer *l, const struct edit *e,
                         const struct pass_state *s, double *pattern, size_t i, size_t h)
{
    size_t n = s->prompt->n_ids, n_seen = i + 1 - exact_first_seen(w->shape, l, i), skip = 0;
    size_t cols = w->shape->n_heads;
    double *to = weights_of(w, l, pattern, n, i, h);
    const double *from = NULL;
    size_t query = i; // of the donor
    if (e->source == SOURCE_ROW) {
        const struct pass_state *donor = &w->donors[w->job->donor_maps[e->donor][s->number]];
        size_t n_donor = donor->prompt->n_ids;
        if (!find_partner(w, e, s->prompt, donor->prompt, i, &query))
            return;
        size_t has = query + 1 - exact_first_seen(w->shape, l, query);
        from = weights_of(w, l, donor->site[SITE_PATTERN], n_donor, query, h);
        if (has > n_seen)
            from += (has - n_seen) * cols;
        else
            skip = n_seen - has;
    }
    for (size_t t = skip; t < n_seen; t++) {
        size_t back = n_seen - 1 - t; // the keys: i - back and query - back
        bool of_one_class = !w->job->has_bos || (i == back) == (query == back);
        if (of_one_class)
            edit_row(e, to + t * cols, from ? from + (t - skip) * cols : NULL, 1);
    }
}

// The pattern of a layer has been computed: as at_site, but its rows are pairs of tokens.
static void at_pattern(const struct walk *w, const struct exact_layer *l,
                       const struct pass_state *s, double *pattern)
{
    size_t n = s->prompt->n_ids, n_heads = w->shape->n_heads;
    if (!s->variant && s->site[SITE_PATTERN])
        memcpy(s->site[SITE_PATTERN], pattern, n * n * n_heads * sizeof *pattern);
    for (size_t k = 0; s->variant && k < s->variant->n_edits; k++) {
        const struct edit *e = &s->variant->edits[k];
        if (e->layer != l->index || e->site != SITE_PATTERN)
            continue;
        for (size_t i = 0; i < n; i++)
            for (size_t h = 0; h < n_heads; h++)
                if (exact_is_at(e->position, s->prompt, i)
                    && (e->head == ALL_HEADS || e->head == h))
                    edit_weights(w, l, e, s, pattern, i, h);
    }
}

// z from q, k and v, the pattern edited on the way.
static void attend(const struct walk *w, const struct exact_layer *l, const struct pass_state *s,
                   struct scratch *t, size_t n)
{
    const struct model_shape *shape = w->shape;
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < shape->n_heads; h++) {
            struct exact_attention a = exact_attention_of(shape, l, t->qkv, i, h);
            exact_weigh(weights_of(w, l, t->weights, n, i, h), &a);
        }
    at_pattern(w, l, s, t->weights);
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < shape->n_heads; h++) {
            struct exact_attention a = exact_attention_of(shape, l, t->qkv, i, h);
            exact_mix(t->z + i * exact_q_cols(shape) + h * shape->d_head, &a,
                      weights_of(w, l, t->weights, n, i, h));
        }
}

// The activation at a site has been computed: an intact state keeps it, another runs its edits.
static void at_site(const struct walk *w, const struct exact_layer *l, enum site site,
                    const struct pass_state *s, struct row_matrix rows)
{
    size_t n = s->prompt->n_ids, cols = site_cols(w->shape, site);
    for (size_t i = 0; !s->variant && i < n; i++)
        memcpy(s->site[site] + i * cols, rows.at + i * rows.stride, cols * sizeof *rows.at);
    for (size_t i = 0; s->variant && i < s->variant->n_edits; i++)
        if (s->variant->edits[i].layer == l->index && s->variant->edits[i].site == site)
            run_edit(w, l, &s->variant->edits[i], s->number, rows);
}

static void add_rows(double *x, const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

// h = what attention gives, z edited on the way.
static void run_attention(const struct walk *w, const struct exact_layer *l,
                          const struct pass_state *s, struct scratch *t, size_t n)
{
    size_t d = w->shape->d_model;
    for (size_t i = 0; i < n; i++) {
        exact_norm_row(t->h + i * d, s->x + i * d, d, &l->ln1);
        exact_times(t->qkv + i * l->qkv.n, t->h + i * d, &l->qkv, l->qkv_bias);
        exact_place(w->shape, l, t->qkv + i * l->qkv.n, i);
    }
    at_site(w, l, SITE_Q, s, (struct row_matrix){ t->qkv, l->qkv.n });
    at_site(w, l, SITE_K, s, (struct row_matrix){ t->qkv + exact_q_cols(w->shape), l->qkv.n });
    at_site(
        w, l, SITE_V, s,
        (struct row_matrix){ t->qkv + exact_q_cols(w->shape) + exact_kv_cols(w->shape), l->qkv.n });
    attend(w, l, s, t, n);
    at_site(w, l, SITE_Z, s, (struct row_matrix){ t->z, exact_q_cols(w->shape) });
    for (size_t i = 0; i < n; i++) {
        exact_times(t->h + i * d, t->z + i * exact_q_cols(w->shape), &l->out, l->out_bias);
        exact_norm_row(t->h + i * d, t->h + i * d, d, &l->post_attn);
    }
    at_site(w, l, SITE_ATTN_OUT, s, (struct row_matrix){ t->h, d });
}

// mlp = what the MLP makes of the residual stream.
static void run_mlp(const struct walk *w, const struct exact_layer *l, const struct pass_state *s,
                    struct scratch *t, size_t n)
{
    const struct model_shape *shape = w->shape;
    size_t d = shape->d_model, d_mlp = l->mlp_in.n;
    for (size_t i = 0; i < n; i++) {
        double *y = t->mlp + i * d, *up = t->up + i * d_mlp;
        exact_norm_row(y, s->x + i * d, d, &l->ln2);
        exact_times(up, y, &l->mlp_in, l->mlp_in_bias);
        if (shape->gated)
            exact_times(t->gate, y, &l->mlp_gate, l->mlp_gate_bias);
        for (size_t j = 0; j < d_mlp; j++)
            up[j] = shape->gated ? exact_activate(shape->act, t->gate[j]) * up[j]
                                 : exact_activate(shape->act, up[j]);
        exact_times(y, up, &l->mlp_out, l->mlp_out_bias);
        exact_norm_row(y, y, d, &l->post_mlp);
    }
    at_site(w, l, SITE_MLP_OUT, s, (struct row_matrix){ t->mlp, d });
}

// x + attn(x) + mlp(x), or x' = x + attn(x) and then x' + mlp(x').
static void run_modules(const struct walk *w, const struct exact_layer *l,
                        const struct pass_state *s, struct scratch *t, size_t n)
{
    size_t d = w->shape->d_model;
    run_attention(w, l, s, t, n);
    if (w->shape->parallel)
        run_mlp(w, l, s, t, n);
    add_rows(s->x, t->h, n * d);
    if (!w->shape->parallel)
        run_mlp(w, l, s, t, n);
    add_rows(s->x, t->mlp, n * d);
}

static bool layer_state(const struct walk *w, const struct exact_layer *l,
                        const struct pass_state *s, struct abl_err *err)
{
    size_t n = s->prompt->n_ids;
    struct arena a = { 0 };
    struct scratch t = { .h = exact_doubles(&a, n, w->shape->d_model, err),
                         .qkv = exact_doubles(&a, n, l->qkv.n, err),
                         .z = exact_doubles(&a, n, exact_q_cols(w->shape), err),
                         .mlp = exact_doubles(&a, n, w->shape->d_model, err),
                         .up = exact_doubles(&a, n, w->shape->d_mlp, err),
                         .gate = exact_doubles(&a, w->shape->d_mlp, 1, err),
                         .weights = exact_doubles(&a, n * n, w->shape->n_heads, err) };
    bool ok = t.h && t.qkv && t.z && t.mlp && t.up && t.gate && t.weights;
    if (ok) {
        at_site(w, l, SITE_RESID_PRE, s, (struct row_matrix){ s->x, w->shape->d_model });
        run_modules(w, l, s, &t, n);
        at_site(w, l, SITE_RESID_POST, s, (struct row_matrix){ s->x, w->shape->d_model });
    }
    arena_release(&a);
    return ok;
}

// States are independent of one another, so that sharing them out over cores changes no bit.
static bool layer_states(const struct walk *w, const struct exact_layer *l,
                         const struct pass_state *states, size_t n, struct abl_err *err)
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

// The mean of z over every token of every prompt but BOS.
static void find_mean(const struct walk *w)
{
    size_t cols = exact_q_cols(w->shape), n = 0;
    memset(w->mean, 0, cols * sizeof *w->mean);
    for (size_t p = 0; p < w->job->n_prompts; p++)
        for (size_t i = w->job->has_bos; i < w->intact[p].prompt->n_ids; i++, n++)
            for (size_t k = 0; k < cols; k++)
                w->mean[k] += w->intact[p].site[SITE_Z][i * cols + k];
    for (size_t k = 0; n && k < cols; k++)
        w->mean[k] /= (double)n;
}

// Intact states go first: what edits take is intact.
static bool run_layer(const struct walk *w, uint32_t index, struct abl_err *err)
{
    struct exact_layer l = { 0 };
    bool ok = exact_read_layer(w->job->model, index, &l, err)
              && layer_states(w, &l, w->intact, w->job->n_prompts, err)
              && (!w->job->donors || layer_states(w, &l, w->donors, w->job->n_donors, err));
    if (ok) {
        find_mean(w);
        ok = layer_states(w, &l, w->edited, n_edited(w), err);
    }
    arena_release(&l.arena);
    return ok;
}

static bool takes_patterns(const struct walk *w)
{
    const struct variants *v = w->job->variants;
    for (size_t i = 0; v && i < v->n; i++)
        for (size_t k = 0; k < v->items[i].n_edits; k++)
            if (v->items[i].edits[k].site == SITE_PATTERN
                && v->items[i].edits[k].source == SOURCE_ROW)
                return true;
    return false;
}

// A prompt's intact state, with room for what is taken from it.
static bool intact_init(struct walk *w, const struct prompt *prompts, uint32_t number,
                        struct pass_state *out, struct abl_err *err)
{
    const struct prompt *p = &prompts[number];
    *out = (struct pass_state){ .prompt = p,
                                .number = number,
                                .x = exact_doubles(&w->arena, p->n_ids, w->shape->d_model, err) };
    for (int s = 0; s < N_SITES; s++) {
        size_t rows = s == SITE_PATTERN ? (size_t)p->n_ids * p->n_ids : p->n_ids;
        if (s == SITE_PATTERN && !takes_patterns(w))
            continue;
        out->site[s] = exact_doubles(&w->arena, rows, site_cols(w->shape, (enum site)s), err);
        if (!out->site[s])
            return false;
    }
    return out->x && exact_embed(w->job->model, p, out->x, err);
}

static bool edited_init(struct walk *w, const struct pass_state *intact, const struct variant *v,
                        struct pass_state *out, struct abl_err *err)
{
    size_t d = w->shape->d_model, n = intact->prompt->n_ids;
    *out = (struct pass_state){ .variant = v,
                                .prompt = intact->prompt,
                                .number = intact->number,
                                .x = exact_doubles(&w->arena, n, d, err) };
    if (out->x)
        memcpy(out->x, intact->x, n * d * sizeof *out->x);
    return out->x != NULL;
}

static bool walk_init(struct walk *w, struct abl_err *err)
{
    const struct reference_job *job = w->job;
    size_t n = job->n_prompts, n_all = n_edited(w);
    w->intact = exact_array(&w->arena, n, 1, sizeof *w->intact, err);
    w->edited = exact_array(&w->arena, n_all + 1, 1, sizeof *w->edited, err);
    w->donors = job->donors ? exact_array(&w->arena, job->n_donors, 1, sizeof *w->donors, err)
                            : w->intact;
    w->mean = exact_doubles(&w->arena, exact_q_cols(w->shape), 1, err);
    bool ok = w->intact && w->edited && w->donors && w->mean;
    for (uint32_t p = 0; ok && p < n; p++)
        ok = intact_init(w, job->prompts, p, &w->intact[p], err);
    for (uint32_t p = 0; ok && job->donors && p < job->n_donors; p++)
        ok = intact_init(w, job->donors, p, &w->donors[p], err);
    for (size_t i = 0; ok && i < n_all; i++)
        ok = edited_init(w, &w->intact[i % n], &job->variants->items[i / n], &w->edited[i], err);
    return ok;
}

// The logits of an answer's tokens as one, by how; their highest.
static double answer_logit(const double *logits, struct id_list list, enum answer_rule how,
                           double *best)
{
    double mean = 0, sum = 0;
    *best = -INFINITY;
    for (uint32_t i = 0; i < list.n; i++)
        *best = fmax(*best, logits[list.ids[i]]);
    for (uint32_t i = 0; i < list.n; i++) {
        mean += logits[list.ids[i]] / list.n;
        sum += exp(logits[list.ids[i]] - *best);
    }
    return how == ANSWERS_MEAN ? mean : *best + log(sum);
}

// base: the intact run's logits and their lse, or NULL in that run itself.
static struct reference_row read_logits(const double *logits, size_t n, const struct prompt *p,
                                        const double *base, double base_lse)
{
    enum answer_rule how = p->lists ? p->lists->how : ANSWERS_MEAN;
    struct id_list targets = prompt_targets(p);
    double best, best_foil;
    struct reference_row r = { .target_logit = answer_logit(logits, targets, how, &best),
                               .foil_logit = answer_logit(logits, prompt_foils(p), how, &best_foil),
                               .target_lse = answer_logit(logits, targets, ANSWERS_LSE, &best),
                               .lse = exact_log_sum_exp(logits, n),
                               .rank_margin = INFINITY,
                               .argmax_margin = INFINITY };
    for (uint32_t i = 0; i < n; i++) {
        double ln_p = logits[i] - r.lse;
        r.entropy -= exp(ln_p) * ln_p;
        if (base)
            r.kl += exp(base[i] - base_lse) * (base[i] - base_lse - ln_p);
        r.rank += logits[i] > best;
        if (!id_list_has(targets, i))
            r.rank_margin = fmin(r.rank_margin, fabs(logits[i] - best));
        if (logits[i] > logits[r.argmax])
            r.argmax = i;
    }
    for (uint32_t i = 0; i < n; i++)
        if (i != r.argmax)
            r.argmax_margin = fmin(r.argmax_margin, logits[r.argmax] - logits[i]);
    return r;
}

struct reader {
    struct matrix unembed;  // (d_model, n_vocab)
    float *bias;            // b_U, or NULL
    struct exact_norm norm; // the final one
    double *h;              // (d_model)
    double *base, *logits;  // (n_vocab) of the intact state and of another
    struct arena arena;
};

static void final_logits(const struct walk *w, struct reader *r, const struct pass_state *s,
                         double *out)
{
    size_t d = w->shape->d_model, last = s->prompt->n_ids - 1;
    exact_norm_row(r->h, s->x + last * d, d, &r->norm);
    exact_times(out, r->h, &r->unembed, r->bias);
    for (size_t i = 0; i < r->unembed.n; i++)
        out[i] = exact_cap(out[i], (double)w->shape->logit_cap);
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
    r.h = exact_doubles(&r.arena, w->shape->d_model, 1, err);
    r.base = exact_doubles(&r.arena, w->shape->n_vocab, 1, err);
    r.logits = exact_doubles(&r.arena, w->shape->n_vocab, 1, err);
    bool ok = r.h && r.base && r.logits
              && exact_read_matrix(m, MATRIX_UNEMBED, 0, &r.arena, &r.unembed, err)
              && exact_read_vector(m, VECTOR_UNEMBED_BIAS, 0, &r.arena, &r.bias, err)
              && exact_read_norm(m, VECTOR_FINAL_GAIN, true, 0, &r.arena, &r.norm, err);
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

static struct readout readout_of(const struct reference_row *row)
{
    return (struct readout){ .target_logit = row->target_logit,
                             .foil_logit = row->foil_logit,
                             .target_lse = row->target_lse,
                             .lse = row->lse,
                             .entropy = row->entropy,
                             .kl = row->kl,
                             .rank = row->rank,
                             .argmax = row->argmax };
}

double reference_metric(enum metric m, const struct reference_row *row,
                        const struct reference_row *intact)
{
    struct readout own = readout_of(row), base = readout_of(intact);
    return metric_info(m)->value(&own, &base);
}

// Half the distance of two logits is what each of them may drift.
bool reference_near_tie(enum metric m, const struct reference_row *row,
                        const struct reference_row *intact, double tolerance)
{
    unsigned parts = metric_info(m)->parts;
    double room = 2 * tolerance * fmax(1.0, fabs(row->target_logit));
    return (parts & OF_RANK && row->rank_margin < room)
           || (parts & OF_ARGMAX && fmin(row->argmax_margin, intact->argmax_margin) < room);
}
