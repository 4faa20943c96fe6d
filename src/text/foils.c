#include "text/foils.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/rng.h"
#include "base/string_index.h"

static const char *const kinds[] = { [FOIL_TOP] = "top:", [FOIL_OTHERS] = "others:" };

bool foil_rule_parse(const char *text, struct foil_rule *out)
{
    for (enum foil_from from = FOIL_TOP; from <= FOIL_OTHERS; from++) {
        size_t len = strlen(kinds[from]);
        uint64_t n;
        if (strncmp(text, kinds[from], len) != 0)
            continue;
        if (!number_parse_whole(text + len, &n) || n < 1 || n > MAX_FOILS)
            return false;
        *out = (struct foil_rule){ from, (uint32_t)n };
        return true;
    }
    return false;
}

const char *foil_rule_text(struct foil_rule rule, char out[FOIL_RULE_SIZE])
{
    if (rule.from == FOIL_GIVEN)
        return NULL;
    snprintf(out, FOIL_RULE_SIZE, "%s%" PRIu32, kinds[rule.from], rule.n);
    return out;
}

bool foil_is_missing(const struct prompt *p)
{
    return !*p->row->foil;
}

// A row with these texts for a foil.
static const struct dataset_row *with_foils(const struct dataset_row *row, const char *const *texts,
                                            uint32_t n, struct arena *a)
{
    struct dataset_row *copy = arena_alloc(a, 1, sizeof *copy);
    const char **items = arena_alloc(a, n, sizeof *items);
    bool ok = copy && items;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = (items[i] = arena_strdup(a, texts[i])) != NULL;
    if (!ok)
        return NULL;
    *copy = *row;
    copy->foils = (struct text_list){ items, n > 1 ? n : 0 };
    copy->foil = text_list_join((struct text_list){ items, n }, a);
    return copy->foil ? copy : NULL;
}

bool foils_set(struct prompts *p, size_t i, const uint32_t *ids, const char *const *texts,
               uint32_t n, enum answer_rule how, struct abl_err *err)
{
    struct prompt *of = &p->items[i];
    struct id_list targets = prompt_targets(of);
    const struct dataset_row *row = with_foils(of->row, texts, n, &p->arena);
    struct answer_lists *lists = arena_alloc(&p->arena, 1, sizeof *lists);
    uint32_t *foils = arena_alloc(&p->arena, n, sizeof *foils);
    uint32_t *own = arena_alloc(&p->arena, targets.n, sizeof *own);
    if (!row || !lists || !foils || !own)
        return abl_no_memory(err);
    memcpy(foils, ids, n * sizeof *foils);
    memcpy(own, targets.ids, targets.n * sizeof *own);
    *lists = (struct answer_lists){ { own, targets.n }, { foils, n }, how };
    of->row = row;
    of->foil = foils[0];
    of->foil_ids = foils;
    of->n_foil_ids = 1;
    of->lists = n > 1 || targets.n > 1 ? lists : NULL;
    return true;
}

// ------------------------------------------------------------------------------- targets of others

struct draw {
    struct prompts *p;
    const struct tokenizer *t;
    const char **texts; // distinct targets of all rows
    uint32_t *order, n_texts;
    struct rng rng;
    struct token_ids prompt, found;
};

static bool list_targets(struct draw *d, struct abl_err *err)
{
    struct string_index seen = { 0 };
    size_t most = 0;
    for (size_t i = 0; i < d->p->n; i++)
        most += row_targets(d->p->items[i].row).n;
    d->texts = malloc((most + 1) * sizeof *d->texts);
    d->order = malloc((most + 1) * sizeof *d->order);
    bool ok = d->texts && d->order && most < UINT32_MAX;
    for (size_t i = 0; ok && i < d->p->n; i++) {
        struct text_list list = row_targets(d->p->items[i].row);
        for (size_t k = 0; ok && k < list.n; k++) {
            size_t n = seen.n;
            ok = string_index_put(&seen, list.items[k], strlen(list.items[k]), 0) != NULL;
            if (ok && seen.n > n) {
                d->order[d->n_texts] = d->n_texts;
                d->texts[d->n_texts++] = list.items[k];
            }
        }
    }
    string_index_release(&seen);
    return ok || abl_no_memory(err);
}

// The text's token behind a prompt; TOKEN_NONE where it is not one.
static bool token_of(struct draw *d, const struct prompt *p, const char *text, uint32_t *out,
                     struct abl_err *err)
{
    struct abl_err why;
    d->found.n = 0;
    *out = TOKEN_NONE;
    if (!tokenizer_span(d->t, p->row->clean, &d->prompt, text, &d->found, &why))
        return why.code == ABL_BAD_DATA || abl_fail(err, why.code, "%s", why.text);
    if (d->found.n == 1)
        *out = d->found.ids[0];
    return true;
}

// The rest of a permutation, one by one.
static const char *next_text(struct draw *d, uint32_t at)
{
    uint32_t other = at + rng_below(&d->rng, d->n_texts - at), taken = d->order[other];
    d->order[other] = d->order[at];
    d->order[at] = taken;
    return d->texts[taken];
}

static bool draw_row(struct draw *d, size_t i, uint32_t n, uint32_t *ids, const char **texts,
                     enum answer_rule how, struct abl_err *err)
{
    const struct prompt *p = &d->p->items[i];
    uint32_t got = 0, id;
    d->prompt.n = 0;
    if (!tokenizer_encode(d->t, p->row->clean, strlen(p->row->clean), &d->prompt, err))
        return false;
    for (uint32_t at = 0; got < n && at < d->n_texts; at++) {
        texts[got] = next_text(d, at);
        if (!token_of(d, p, texts[got], &id, err))
            return false;
        if (id == TOKEN_NONE || id_list_has(prompt_targets(p), id)
            || id_list_has((struct id_list){ ids, got }, id))
            continue;
        ids[got++] = id;
    }
    return got == n ? foils_set(d->p, i, ids, texts, n, how, err)
                    : abl_fail(err, ABL_BAD_DATA,
                               "'%s' line %" PRIu32 ": --foil others:%" PRIu32 " finds %" PRIu32
                               " other targets that are one token there: take "
                               "a smaller number, or name foils",
                               d->p->source, p->row->line, n, got);
}

bool foils_draw(struct prompts *p, const struct tokenizer *t, uint32_t n, uint64_t seed,
                enum answer_rule how, struct abl_err *err)
{
    struct draw d = { .p = p, .t = t };
    uint32_t *ids = malloc(n * sizeof *ids);
    const char **texts = malloc(n * sizeof *texts);
    rng_seed(&d.rng, seed);
    bool ok = ((ids && texts) || abl_no_memory(err)) && list_targets(&d, err);
    for (size_t i = 0; ok && i < p->n; i++)
        if (p->items[i].target != TOKEN_NONE && foil_is_missing(&p->items[i]))
            ok = draw_row(&d, i, n, ids, texts, how, err);
    token_ids_release(&d.prompt);
    token_ids_release(&d.found);
    free(d.texts);
    free(d.order);
    free(ids);
    free(texts);
    return ok;
}
