#include "session/tinylab_measure.h"

#include <math.h>
#include <stdlib.h>

#include "forward/prompt_block.h"
#include "forward/read_back.h"
#include "plan/plan.h"

enum { ROWS = 16 }; // whose logits are on the host at once
#define NO_SLOT UINT32_MAX

static const double least = 1e-8;

void tinylab_measure_free(struct tinylab_measure *m)
{
    if (!m)
        return;
    tinylab_delta_release(&m->delta);
    free(m->base);
    free(m->slot);
    free(m->n_columns);
    free(m->intact);
    free(m);
}

// --------------------------------------------------------------------------------- which row is it

static enum span_part part_of(const struct tinylab_measure *m, size_t prompt)
{
    return m->s.sequences ? m->s.sequences->part[prompt] : SPAN_FIRST;
}

static size_t row_of(const struct tinylab_measure *m, size_t prompt)
{
    return m->s.sequences ? m->s.sequences->row[prompt] : prompt;
}

// ------------------------------------------------------------------------------------- divergences

static double log_sum_exp(const float *x, uint32_t n)
{
    double most = x[0], sum = 0;
    for (uint32_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (uint32_t i = 0; i < n; i++)
        sum += exp(x[i] - most);
    return most + log(sum);
}

// of_raised: the logarithm of what is raised to 1e-8 is that of 1e-8, as kl_div has it; in
// sequences it stays the probability's own.
static double divergence(const float *base, const float *logits, uint32_t n, bool of_raised)
{
    double lse = log_sum_exp(logits, n), sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        double p = exp(base[i]);
        bool raised = p < least;
        double log_p = raised && of_raised ? log(least) : base[i];
        sum += (raised ? least : p) * (log_p - (logits[i] - lse));
    }
    return sum;
}

// A pass over the logits of every row of `states`; see is called for each prompt that reads a row.
struct walk {
    const struct tinylab_measure *m;
    const struct block *b;
    struct tinylab_row *const *out; // of each copy
    bool keeps;                     // what is compared with: of these parts
    unsigned parts;                 // 1 << enum span_part
};

static void keep_row(const struct walk *w, size_t prompt, const float *logits)
{
    uint32_t n = w->m->s.n_vocab, slot = w->m->slot[prompt];
    float *to = w->m->base + (size_t)slot * n;
    double lse = log_sum_exp(logits, n);
    for (uint32_t i = 0; i < n; i++)
        to[i] = (float)(logits[i] - lse);
}

static void compare_row(const struct walk *w, size_t prompt, struct tinylab_row *to,
                        const float *logits)
{
    const struct tinylab_measure *m = w->m;
    bool first = part_of(m, prompt) == SPAN_FIRST;
    double kl
        = divergence(m->base + (size_t)m->slot[prompt] * m->s.n_vocab, logits, m->s.n_vocab, first);
    if (first)
        to->kl = kl;
    else
        to->seq_kl = (isnan(to->seq_kl) ? 0 : to->seq_kl) + kl / m->n_columns[row_of(m, prompt)];
}

static void see(const struct walk *w, uint32_t row, const float *logits)
{
    const struct trie *t = &w->b->trie;
    uint32_t copy = row / t->n_reads, read = row % t->n_reads;
    for (uint32_t p = 0; p < t->n_prompts; p++) {
        size_t prompt = w->b->first + p;
        if (t->read_of[p] != read || !(w->parts & 1u << part_of(w->m, prompt)))
            continue;
        if (w->keeps)
            keep_row(w, prompt, logits);
        else
            compare_row(w, prompt, w->out[copy] + row_of(w->m, prompt), logits);
    }
}

static bool walk_rows(const struct walk *w, struct tensor states, uint32_t copies,
                      struct abl_err *err)
{
    struct engine *e = w->b->weights->s.engine;
    uint32_t n = copies * w->b->trie.n_reads, n_vocab = w->m->s.n_vocab;
    struct epilogue plain = { 0 };
    struct tensor logits = { 0 };
    float *host = malloc(ROWS * (size_t)n_vocab * sizeof *host);
    bool ok = (host || abl_no_memory(err)) && e->ops->alloc(e, ROWS, n_vocab, &logits, err);
    for (uint32_t at = 0; ok && at < n; at += ROWS) {
        uint32_t m = n - at < ROWS ? n - at : ROWS;
        struct tensor rows = tensor_rows(logits, 0, m);
        ok = e->ops->linear(e, rows, tensor_rows(states, at, m), w->b->weights->unembed, &plain,
                            err)
             && read_back(e, rows, host, "logits", err);
        for (uint32_t i = 0; ok && i < m; i++)
            see(w, at + i, host + (size_t)i * n_vocab);
    }
    if (logits.buffer)
        e->ops->release(e, &logits);
    free(host);
    return ok;
}

// -------------------------------------------------------------------------------------------- taps

// Rows are compared with the run that gives, sequences with their own intact run.
static bool keep(void *context, const struct block *b, enum pass_kind kind, struct tensor states,
                 struct abl_err *err)
{
    struct tinylab_measure *m = context;
    bool of_rows = kind == (m->s.of_other ? PASS_OTHER : PASS_INTACT);
    bool of_sequences = kind == PASS_INTACT && m->s.sequences;
    struct walk w
        = { .m = m,
            .b = b,
            .keeps = true,
            .parts = (of_rows ? 1u << SPAN_FIRST : 0) | (of_sequences ? 1u << SPAN_TARGET : 0) };
    return walk_rows(&w, states, 1, err);
}

static bool read(void *context, const struct block *b, struct tensor states, const size_t *numbers,
                 uint32_t n, struct abl_err *err)
{
    struct tinylab_measure *m = context;
    struct tinylab_row *out[MAX_COPIES];
    for (uint32_t i = 0; m->rows && i < n; i++)
        out[i] = m->rows + numbers[i] * m->s.n_rows;
    struct walk w = { .m = m, .b = b, .out = out, .parts = 1u << SPAN_FIRST | 1u << SPAN_TARGET };
    return !m->rows || walk_rows(&w, states, n, err);
}

static bool keep_every(void *context, const struct block *b, struct tensor states,
                       struct abl_err *err)
{
    struct tinylab_measure *m = context;
    return tinylab_delta_keep(&m->delta, b, states, err);
}

static bool read_every(void *context, const struct block *b, struct tensor states,
                       const size_t *numbers, uint32_t n, struct abl_err *err)
{
    struct tinylab_measure *m = context;
    if (!m->rows)
        return true;
    double *most = malloc(n * b->n * sizeof *most);
    bool ok
        = (most || abl_no_memory(err)) && tinylab_delta_read(&m->delta, b, states, n, most, err);
    for (uint32_t i = 0; ok && i < n; i++)
        for (size_t p = 0; p < b->n; p++)
            if (part_of(m, b->first + p) == SPAN_FIRST)
                m->rows[numbers[i] * m->s.n_rows + row_of(m, b->first + p)].max_delta
                    = most[i * b->n + p];
    free(most);
    return ok;
}

unsigned tinylab_kinds(bool of_other, const struct whole_answers *sequences)
{
    return 1u << PASS_VARIANTS | 1u << (of_other ? PASS_OTHER : PASS_INTACT)
           | (sequences ? 1u << PASS_INTACT : 0);
}

// ------------------------------------------------------------------------------------------ making

// Which prompts have something to compare with, and how many columns the targets' sequences have.
static bool number_slots(struct tinylab_measure *m, uint32_t *n, struct abl_err *err)
{
    m->slot = calloc(m->s.n_run + 1, sizeof *m->slot);
    m->n_columns = calloc(m->s.n_rows + 1, sizeof *m->n_columns);
    if (!m->slot || !m->n_columns)
        return abl_no_memory(err);
    for (size_t i = 0; i < m->s.n_run; i++) {
        m->slot[i] = part_of(m, i) == SPAN_FOIL ? NO_SLOT : (*n)++;
        m->n_columns[row_of(m, i)] += part_of(m, i) == SPAN_TARGET;
    }
    return true;
}

static bool make(struct tinylab_measure *m, struct abl_err *err)
{
    uint32_t n = 0;
    if (!number_slots(m, &n, err))
        return false;
    m->base = calloc(n * (size_t)m->s.n_vocab, sizeof *m->base);
    m->intact = calloc(m->s.n_rows + 1, sizeof *m->intact);
    if (!m->base || !m->intact)
        return abl_no_memory(err);
    return !m->s.compared
           || tinylab_delta_init(&m->delta, m->s.compared, m->s.n_run, m->s.n_vocab, m->s.d_model,
                                 err);
}

bool tinylab_measure_new(const struct tinylab_settings *s, struct tinylab_measure **out,
                         struct abl_err *err)
{
    struct tinylab_measure *m = calloc(1, sizeof *m);
    if (!m)
        return abl_no_memory(err);
    *m = (struct tinylab_measure){ .s = *s,
                                   .tap = { .kinds = tinylab_kinds(s->of_other, s->sequences),
                                            .on_intact = keep,
                                            .on_variants = read,
                                            .compared = s->compared,
                                            .on_every_intact = keep_every,
                                            .on_every_variant = read_every,
                                            .context = m } };
    if (!make(m, err)) {
        tinylab_measure_free(m);
        return false;
    }
    *out = m;
    return true;
}

struct tinylab_row *tinylab_rows_new(size_t n)
{
    struct tinylab_row *rows = malloc((n + 1) * sizeof *rows);
    for (size_t i = 0; rows && i < n; i++)
        rows[i] = (struct tinylab_row){ NAN, NAN, NAN, NAN, NAN };
    return rows;
}

// --------------------------------------------------------------------------------------- sequences

void tinylab_sum_sequences(const struct tinylab_measure *m, const struct row_stats *run,
                           struct tinylab_row *rows)
{
    const struct whole_answers *s = m->s.sequences;
    for (size_t i = 0; s && i < m->s.n_rows; i++)
        rows[i].seq_target = rows[i].seq_foil = 0;
    for (size_t i = 0; s && i < s->prompts.n; i++) {
        struct tinylab_row *to = &rows[s->row[i]];
        double token = (double)run[i].target_logit - (double)run[i].lse;
        to->seq_target += s->part[i] == SPAN_TARGET ? token : 0;
        to->seq_foil += s->part[i] == SPAN_FOIL ? token : 0;
    }
}

void tinylab_keep_intact(struct tinylab_measure *m, const struct row_stats *run)
{
    const struct whole_answers *s = m->s.sequences;
    for (size_t i = 0; s && i < s->prompts.n; i++)
        if (s->part[i] == SPAN_TARGET)
            m->intact[s->row[i]] += (double)run[i].target_logit - (double)run[i].lse;
}
