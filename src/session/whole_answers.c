#include "session/whole_answers.h"

#include <string.h>

#include "session/settings.h"

static bool takes_from_other_rows(const struct settings *s)
{
    struct ablations all = settings_ablations(s);
    for (size_t i = 0; i < all.n; i++) {
        enum ablation_needs needs = ablation_needs(all.items[i].kind);
        if (needs == NEEDS_MEANS || needs == NEEDS_RESAMPLED)
            return true;
    }
    return false;
}

bool whole_answers_allow(const struct settings *s, struct abl_err *err)
{
    if (!s->whole_answers)
        return true;
    if (s->foil.from != FOIL_GIVEN)
        return abl_fail(err, ABL_USAGE,
                        "--foil gives tokens, --span full scores whole answers: leave one out");
    if (!(s->experiment->traits & SCORES_ANSWERS))
        return abl_fail(
            err, ABL_USAGE,
            "--span full scores answers under ablation: --experiment %s reads one token",
            s->experiment->name);
    if (settings_ablate(s) && takes_from_other_rows(s))
        return abl_fail(err, ABL_USAGE,
                        "--span full runs prompts with answers behind them, of which there are no "
                        "means and no other rows: expected --ablate zero, scale=S or patch");
    bool patches_some
        = s->experiment->options & READS_PATCH && s->positions && strcmp(s->positions, "all") != 0;
    if (patches_some || settings_ablated_at(s))
        return abl_fail(err, ABL_USAGE,
                        "--span full changes the answer's positions too: expected --positions all");
    return true;
}

struct maker {
    struct whole_answers *answers;
    struct prompt *items;
    uint32_t *row;
    enum span_part *part;
    struct arena *arena;
};

// ids with the first n of an answer behind them; NULL when memory is out.
static const uint32_t *lengthen(const uint32_t *ids, uint32_t n_ids, const uint32_t *answer,
                                uint32_t n, struct arena *a)
{
    uint32_t *both = arena_alloc(a, (size_t)n_ids + n, sizeof *both);
    if (!both)
        return NULL;
    memcpy(both, ids, n_ids * sizeof *both);
    memcpy(both + n_ids, answer, n * sizeof *both);
    return both;
}

// The prompt behind which token number `at` of an answer stands.
static bool add(struct maker *m, const struct prompt *row, size_t number, enum span_part part,
                const uint32_t *answer, uint32_t at)
{
    struct whole_answers *s = m->answers;
    struct prompt *p = &m->items[s->prompts.n];
    *p = *row;
    if (at) {
        p->target = p->foil = answer[at];
        p->lists = NULL;
        p->ids = lengthen(row->ids, row->n_ids, answer, at, m->arena);
        p->n_ids = row->n_ids + at;
        if (!p->ids)
            return false;
    }
    if (at && row->n_corrupt_ids) {
        p->corrupt_ids = lengthen(row->corrupt_ids, row->n_corrupt_ids, answer, at, m->arena);
        p->n_corrupt_ids = row->n_corrupt_ids + at;
        if (!p->corrupt_ids)
            return false;
    }
    m->row[s->prompts.n] = (uint32_t)number;
    m->part[s->prompts.n++] = part;
    return true;
}

static bool add_row(struct maker *m, const struct prompt *row, size_t number)
{
    bool ok = add(m, row, number, SPAN_FIRST, NULL, 0);
    for (uint32_t i = 1; ok && i < row->n_target_ids; i++)
        ok = add(m, row, number, SPAN_TARGET, row->target_ids, i);
    for (uint32_t i = 1; ok && i < row->n_foil_ids; i++)
        ok = add(m, row, number, SPAN_FOIL, row->foil_ids, i);
    return ok;
}

bool whole_answers_make(const struct prompts *rows, struct arena *a, struct whole_answers **out,
                        struct abl_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const struct prompt *p = &rows->items[i];
        n += 1 + (p->n_target_ids ? p->n_target_ids - 1 : 0)
             + (p->n_foil_ids ? p->n_foil_ids - 1 : 0);
    }
    struct maker m = { .answers = arena_alloc(a, 1, sizeof *m.answers),
                       .items = arena_alloc(a, n, sizeof *m.items),
                       .row = arena_alloc(a, n, sizeof *m.row),
                       .part = arena_alloc(a, n, sizeof *m.part),
                       .arena = a };
    if (!m.answers || !m.items || !m.row || !m.part)
        return abl_no_memory(err);
    m.answers->prompts.items = m.items;
    m.answers->row = m.row;
    m.answers->part = m.part;
    m.answers->n_rows = rows->n;
    for (size_t i = 0; i < rows->n; i++)
        if (!add_row(&m, &rows->items[i], i))
            return abl_no_memory(err);
    *out = m.answers;
    return true;
}

void whole_answers_fold(const struct whole_answers *s, const struct row_stats *run,
                        struct row_stats *rows)
{
    for (size_t i = 0; i < s->prompts.n; i++) {
        struct row_stats *to = &rows[s->row[i]];
        float token = run[i].target_logit - run[i].lse;
        switch (s->part[i]) {
        case SPAN_FIRST: // comes before the others of its row
            *to = run[i];
            if (s->beside)
                break;
            to->target_logit = to->target_lse = token;
            to->foil_logit = run[i].foil_logit - run[i].lse;
            to->lse = 0;
            break;
        case SPAN_TARGET:
            to->target_logit += s->beside ? 0 : token;
            to->target_lse = to->target_logit;
            break;
        case SPAN_FOIL:
            to->foil_logit += s->beside ? 0 : token;
            break;
        }
    }
}
