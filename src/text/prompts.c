#include "base/string_index.h"
#include "text/prompts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text/answers.h"
#include "text/checks.h"
#include "text/clusters.h"
#include "text/groups.h"
#include "text/lint.h"
#include "text/prompt_spans.h"
#include "text/seam.h"

enum { MAX_IDS = 1 << 29 }; // of all prompts: two gigabytes

// One pass over a dataset.
struct maker {
    const struct tokenizer *tokenizer;
    const struct prompts_options *options;
    struct prompts *p;
    struct lint lint;
    struct token_ids ids; // of the row at hand, without BOS
    size_t n_ids;         // of all rows so far
    struct span_names names;
};

// ----------------------------------------------------------------------------------------- one row

static uint32_t highest(struct id_list list)
{
    uint32_t id = 0;
    for (uint32_t i = 0; i < list.n; i++)
        id = list.ids[i] > id ? list.ids[i] : id;
    return id;
}

static bool check_range(struct maker *m, const struct prompt *p)
{
    bool waits = foil_is_missing(p);
    const struct id_list lists[] = { prompt_targets(p),
                                     waits ? (struct id_list){ 0 } : prompt_foils(p),
                                     { p->target_ids, p->n_target_ids },
                                     { p->foil_ids, p->n_foil_ids },
                                     { p->ids, p->n_ids } };
    uint32_t n_vocab = m->options->n_vocab, worst = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        worst = highest(lists[i]) > worst ? highest(lists[i]) : worst;
    if (!n_vocab || worst < n_vocab)
        return true;
    lint_add(&m->lint, LINT_ID_OUT_OF_RANGE, p->row->line,
             "id %" PRIu32 " of a vocabulary of %" PRIu32, worst, n_vocab);
    return false;
}

// Tokens that run behind a prompt: those of the longer answer but its last,
// behind which nothing is read.
static uint32_t answer_room(const struct prompt *p)
{
    uint32_t longest = p->n_target_ids > p->n_foil_ids ? p->n_target_ids : p->n_foil_ids;
    return longest ? longest - 1 : 0;
}

static bool check_length(struct maker *m, const struct prompt *p)
{
    uint32_t n = p->n_ids + answer_room(p);
    if (!m->options->n_ctx || n <= m->options->n_ctx)
        return true;
    lint_add(&m->lint, LINT_PROMPT_TOO_LONG, p->row->line,
             "%" PRIu32 " tokens where the model takes %" PRIu32, n, m->options->n_ctx);
    return false;
}

// Whether a whole answer is the other, or lists share a token.
static bool answers_meet(const struct prompt *p)
{
    struct id_list targets = prompt_targets(p), foils = prompt_foils(p);
    if (!p->lists)
        return id_list_compare((struct id_list){ p->target_ids, p->n_target_ids },
                               (struct id_list){ p->foil_ids, p->n_foil_ids })
               == 0;
    for (uint32_t i = 0; i < targets.n; i++)
        if (id_list_has(foils, targets.ids[i]))
            return true;
    return false;
}

static bool check_answers(struct maker *m, const struct prompt *p)
{
    const struct dataset_row *row = p->row;
    bool known = p->target != TOKEN_NONE && p->foil != TOKEN_NONE;
    if (foil_is_missing(p))
        return p->target != TOKEN_NONE;
    if (known ? answers_meet(p) : strcmp(row->target, row->foil) == 0) {
        if (p->lists)
            lint_add(&m->lint, LINT_TARGET_IS_FOIL, row->line, "%s and %s share one",
                     lint_quote(&m->lint, row->target), lint_quote(&m->lint, row->foil));
        else
            lint_add(&m->lint, LINT_TARGET_IS_FOIL, row->line, "both are %s",
                     lint_quote(&m->lint, row->target));
        if (m->lint.fates[LINT_TARGET_IS_FOIL] != LINT_KEPT)
            return false;
    }
    return known;
}

// Answers that are lists are kept as such.
static bool keep_answers(struct maker *m, const struct answer *target, const struct answer *foil,
                         struct prompt *p, struct abl_err *err)
{
    bool waits = foil_is_missing(p), known = target->firsts.n && (foil->firsts.n || waits);
    p->target = target->firsts.n ? target->firsts.ids[0] : TOKEN_NONE;
    p->target_ids = target->tokens.ids;
    p->n_target_ids = target->tokens.n;
    p->foil = foil->firsts.n ? foil->firsts.ids[0] : TOKEN_NONE;
    p->foil_ids = foil->tokens.ids;
    p->n_foil_ids = foil->tokens.n;
    if (!known || (target->firsts.n == 1 && foil->firsts.n <= 1))
        return true;
    struct answer_lists *lists = arena_alloc(&m->p->arena, 1, sizeof *lists);
    if (!lists)
        return abl_no_memory(err);
    *lists = (struct answer_lists){ target->firsts, foil->firsts, m->options->answers };
    p->lists = lists;
    return true;
}

// m->ids with BOS in front, kept in the arena.
static bool keep_ids(struct maker *m, const uint32_t **out, uint32_t *n, struct abl_err *err)
{
    bool has_bos = m->p->bos != TOKEN_NONE;
    m->n_ids += m->ids.n;
    if (m->n_ids > MAX_IDS)
        return abl_fail(
            err, ABL_BAD_DATA,
            "'%s': the prompts have more than %d tokens: expected fewer or shorter rows",
            m->p->source, MAX_IDS);
    uint32_t *ids = arena_alloc(&m->p->arena, m->ids.n + has_bos, sizeof *ids);
    if (!ids)
        return abl_no_memory(err);
    if (has_bos)
        ids[0] = m->p->bos;
    if (m->ids.n)
        memcpy(ids + has_bos, m->ids.ids, m->ids.n * sizeof *ids);
    *out = ids;
    *n = (uint32_t)(m->ids.n + has_bos);
    return true;
}

// The ids of the corrupt prompt; one that cannot be encoded, or not be run, counts as none.
static bool keep_corrupt(struct maker *m, struct prompt *p, struct abl_err *err)
{
    struct abl_err why;
    const char *text = p->row->corrupt;
    size_t most = m->options->n_ctx ? m->options->n_ctx : UINT32_MAX;
    m->ids.n = 0;
    if (!text)
        return true;
    if (!tokenizer_encode(m->tokenizer, text, strlen(text), &m->ids, &why))
        return why.code == ABL_BAD_DATA || abl_fail(err, why.code, "%s", why.text);
    for (size_t i = 0; m->options->n_vocab && i < m->ids.n; i++)
        if (m->ids.ids[i] >= m->options->n_vocab)
            return true;
    if (!m->ids.n || m->ids.n + (m->p->bos != TOKEN_NONE) + answer_room(p) > most)
        return true;
    return keep_ids(m, &p->corrupt_ids, &p->n_corrupt_ids, err)
           && prompt_spans_make(m->tokenizer, text, &p->row->corrupt_spans, &m->ids,
                                m->p->bos != TOKEN_NONE, &m->names, &m->p->arena, &p->corrupt_spans,
                                NULL, err)
           && prompt_spans_share(p, &m->p->arena, err)
           && prompt_find_differences(p, &m->p->arena, err);
}

// The tokens of the row's spans.
static bool keep_spans(struct maker *m, struct prompt *p, struct abl_err *err)
{
    const struct dataset_row *row = p->row;
    const struct row_span *lost = NULL;
    if (!prompt_spans_make(m->tokenizer, row->clean, &row->spans, &m->ids, m->p->bos != TOKEN_NONE,
                           &m->names, &m->p->arena, &p->spans, &lost, err))
        return false;
    if (lost)
        lint_add(&m->lint, LINT_SPAN_WITHOUT_TOKENS, row->line, "%s of %s",
                 lint_quote(&m->lint, lost->name), lint_quote(&m->lint, row->clean));
    return true;
}

// The clean prompt's ids into m->ids; *fit is false where there are none.
static bool encode_clean(struct maker *m, const struct dataset_row *row, bool *fit,
                         struct abl_err *err)
{
    struct abl_err why;
    m->ids.n = 0;
    *fit = false;
    if (!tokenizer_encode(m->tokenizer, row->clean, strlen(row->clean), &m->ids, &why)) {
        if (why.code != ABL_BAD_DATA)
            return abl_fail(err, why.code, "%s", why.text);
        lint_add(&m->lint, LINT_NO_TOKEN, row->line, "%s", why.text);
        return true;
    }
    *fit = m->ids.n > 0;
    if (!*fit)
        lint_add(&m->lint, LINT_EMPTY_PROMPT, row->line, "the answer would be %s",
                 lint_quote(&m->lint, row->target));
    return true;
}

// Tokenise one row. *fit: it can be run.
static bool make_prompt(struct maker *m, const struct dataset_row *row, struct prompt *out,
                        bool *fit, struct abl_err *err)
{
    *out = (struct prompt){ .row = row, .target = TOKEN_NONE, .foil = TOKEN_NONE };
    if (!encode_clean(m, row, fit, err) || !keep_ids(m, &out->ids, &out->n_ids, err)
        || !keep_spans(m, out, err))
        return false;
    if (!*fit)
        return true;
    struct answer_query q = { .tokenizer = m->tokenizer,
                              .row = row,
                              .prompt = &m->ids,
                              .whole = m->options->whole_answers,
                              .arena = &m->p->arena,
                              .lint = &m->lint };
    struct answer target, foil = { 0 };
    bool spaced = false;
    if (m->options->fix_spaces && !seam_give_space(&q, &spaced, err))
        return false;
    m->p->n_spaced += spaced;
    out->row = q.row;
    if (!answer_find(&q, row_targets(q.row), LINT_MULTI_TOKEN_TARGET, &target, err)
        || (!foil_is_missing(out)
            && !answer_find(&q, row_foils(q.row), LINT_MULTI_TOKEN_FOIL, &foil, err))
        || !keep_answers(m, &target, &foil, out, err))
        return false;
    bool answers = check_answers(m, out), length = check_length(m, out);
    *fit = answers && length && check_range(m, out);
    return keep_corrupt(m, out, err);
}

// ----------------------------------------------------------------------------------------- the set

static bool make_all(struct maker *m, const struct dataset *data, struct abl_err *err)
{
    struct prompts *p = m->p;
    p->items = arena_alloc(&p->arena, data->n_rows, sizeof *p->items);
    p->dropped = arena_alloc(&p->arena, data->n_rows, sizeof *p->dropped);
    if (!p->items || !p->dropped)
        return abl_no_memory(err);
    for (size_t i = 0; i < data->n_rows; i++) {
        bool fit;
        m->lint.row_kind = m->lint.row_why = NULL;
        m->lint.row_refused = false;
        if (!make_prompt(m, &data->rows[i], &p->items[p->n], &fit, err))
            return false;
        if (fit || m->lint.row_refused)
            p->n++;
        else
            p->dropped[p->n_dropped++]
                = (struct prompt_drop){ &data->rows[i], m->lint.row_kind, m->lint.row_why };
    }
    return true;
}

// Set more findings behind those that p has. False when memory is out.
static bool append_findings(struct prompts *p, const struct finding *more, size_t n)
{
    struct finding *all = arena_alloc(&p->arena, p->n_findings + n, sizeof *all);
    if (!all)
        return false;
    if (p->n_findings)
        memcpy(all, p->findings, p->n_findings * sizeof *all);
    if (n)
        memcpy(all + p->n_findings, more, n * sizeof *all);
    p->findings = all;
    p->n_findings += n;
    return true;
}

// How the model's files were read comes first: it holds for every row. notes NULL: nothing.
static bool add_readings(struct prompts *p, const struct owner_notes *notes, struct abl_err *err)
{
    for (size_t i = 0; notes && i < notes->n; i++) {
        struct finding f = { .level = FINDING_WARNING, .kind = "reading" };
        f.text = arena_strdup(&p->arena, notes->lines[i]);
        if (!f.text || !append_findings(p, &f, 1))
            return abl_no_memory(err);
    }
    return true;
}

const char *prompts_doubt(const struct prompts *p, const struct tokenizer *t)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct dataset_row *row = p->items[i].row;
        const char *doubt = tokenizer_doubt(t, row->clean);
        if (!doubt && row->corrupt)
            doubt = tokenizer_doubt(t, row->corrupt);
        if (doubt)
            return doubt;
    }
    return NULL;
}

static bool add_doubt(struct prompts *p, const struct tokenizer *t, struct abl_err *err)
{
    const char *line = prompts_doubt(p, t);
    struct owner_notes notes = { .lines = &line, .n = line != NULL };
    return add_readings(p, &notes, err);
}

static bool add_lint(struct prompts *p, struct lint *l, struct abl_err *err)
{
    struct finding *found;
    size_t n;
    return lint_findings(l, &found, &n, err)
           && (append_findings(p, found, n) || abl_no_memory(err));
}

static void decide_fates(struct lint *l, const struct prompts_options *o)
{
    for (size_t kind = 0; kind < N_LINTS; kind++)
        l->fates[kind] = o->skip_bad ? LINT_DROPPED : LINT_REFUSED;
    if (!o->skip_bad || o->equal_answers == LINT_KEPT)
        l->fates[LINT_TARGET_IS_FOIL] = o->equal_answers;
}

static bool keep_names(struct maker *m, struct abl_err *err)
{
    const char **names = arena_alloc(&m->p->arena, m->names.n, sizeof *names);
    if (!names)
        return abl_no_memory(err);
    for (size_t i = 0; i < m->names.n; i++)
        names[i] = m->names.names[i];
    m->p->span_names = names;
    m->p->n_span_names = m->names.n;
    return true;
}

static bool draw_foils(struct maker *m, struct abl_err *err)
{
    const struct prompts_options *o = m->options;
    return o->foil.from != FOIL_OTHERS
           || foils_draw(m->p, m->tokenizer, o->foil.n, o->seed, o->answers, err);
}

static bool fill(struct maker *m, const struct dataset *data, struct abl_err *err)
{
    struct prompts *p = m->p;
    m->lint.arena = &p->arena;
    decide_fates(&m->lint, m->options);
    p->source = data->path;
    p->pad = TOKEN_NONE;
    return tokenizer_bos(m->tokenizer, m->options->bos, &p->bos, err) && make_all(m, data, err)
           && keep_names(m, err) && draw_foils(m, err)
           && clusters_number(p, m->options->cluster, err) && groups_number(p, m->options->by, err)
           && checks_run(p, m->tokenizer, m->options->cluster == CLUSTER_TEMPLATE, &m->lint, err)
           && add_readings(p, m->options->notes, err)
           && add_readings(p, tokenizer_notes(m->tokenizer), err) && add_doubt(p, m->tokenizer, err)
           && add_lint(p, &m->lint, err);
}

bool prompts_make(const struct dataset *data, const struct tokenizer *t,
                  const struct prompts_options *options, struct prompts **out, struct abl_err *err)
{
    struct prompts *p = calloc(1, sizeof *p);
    if (!p)
        return abl_no_memory(err);
    struct maker m = { .tokenizer = t, .options = options, .p = p };
    bool ok = fill(&m, data, err);
    token_ids_release(&m.ids);
    span_names_release(&m.names);
    if (!ok) {
        prompts_free(p);
        return false;
    }
    *out = p;
    return true;
}

bool prompts_judge(struct prompts *p, const bool *prefers, struct abl_err *err)
{
    struct lint l = { .arena = &p->arena };
    size_t n_right = 0;
    for (size_t i = 0; i < p->n; i++)
        n_right += prefers[i];
    if (n_right * 10 >= p->n * 6)
        return true;
    for (size_t i = 0; i < p->n; i++)
        if (!prefers[i])
            lint_add(&l, LINT_LOW_ACCURACY, p->items[i].row->line, "it does in %zu of %zu", n_right,
                     p->n);
    return add_lint(p, &l, err);
}

bool prompts_refuse(const struct prompts *p, struct abl_err *err)
{
    const struct finding *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < p->n_findings; i++) {
        if (p->findings[i].level != FINDING_ERROR)
            continue;
        more += first != NULL;
        first = first ? first : &p->findings[i];
    }
    if (first && more)
        return abl_fail(err, ABL_BAD_DATA, "'%s': %s (and %zu more: see abltui check)", p->source,
                        first->text, more);
    if (first)
        return abl_fail(err, ABL_BAD_DATA, "'%s': %s", p->source, first->text);
    if (!p->n)
        return abl_fail(err, ABL_BAD_DATA,
                        "'%s': no row is left, %zu dropped; abltui check says why", p->source,
                        p->n_dropped);
    return true;
}

void prompts_free(struct prompts *p)
{
    if (!p)
        return;
    arena_release(&p->arena);
    free(p);
}
