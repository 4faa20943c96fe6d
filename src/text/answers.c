#include "text/answers.h"

#include <inttypes.h>
#include <string.h>

static bool is_one(const struct answer_query *q, const char *text)
{
    struct abl_err why;
    struct token_ids found = { 0 };
    if (!*text) // a foil that is still to come
        return true;
    bool one = tokenizer_span(q->tokenizer, q->row->clean, q->prompt, text, &found, &why)
               && found.n == 1;
    token_ids_release(&found);
    return one;
}

bool answer_is_one(const struct answer_query *q, struct text_list texts)
{
    for (size_t i = 0; i < texts.n; i++)
        if (!is_one(q, texts.items[i]))
            return false;
    return true;
}

// That a text is too many tokens, and whether a space in front would mend that.
static bool is_several(const struct answer_query *q, const char *text, size_t n,
                       struct abl_err *why)
{
    const char *spaced = arena_printf(q->arena, " %s", text);
    if (spaced && *text != ' ' && is_one(q, spaced))
        return abl_fail(why, ABL_BAD_DATA,
                        "'%s' is %zu tokens, '%s' is one, as --fix-spaces makes it", text, n,
                        spaced);
    return abl_fail(why, ABL_BAD_DATA, "'%s' is %zu tokens", text, n);
}

// The tokens of one text into found; none, and noted, where it is unfit.
static bool find_text(const struct answer_query *q, const char *text, enum lint_kind kind,
                      struct token_ids *found, struct abl_err *err)
{
    struct abl_err why;
    found->n = 0;
    bool ok = tokenizer_span(q->tokenizer, q->row->clean, q->prompt, text, found, &why);
    if (ok && (!found->n || (found->n > 1 && !q->whole)))
        ok = is_several(q, text, found->n, &why);
    if (ok)
        return true;
    found->n = 0;
    if (why.code != ABL_BAD_DATA)
        return abl_fail(err, why.code, "%s", why.text);
    lint_add(q->lint, kind, q->row->line, "%s", why.text);
    return true;
}

static bool keep_tokens(const struct token_ids *found, struct arena *a, struct id_list *out,
                        struct abl_err *err)
{
    uint32_t *ids = arena_alloc(a, found->n, sizeof *ids);
    if (!ids)
        return abl_no_memory(err);
    memcpy(ids, found->ids, found->n * sizeof *ids);
    *out = (struct id_list){ ids, (uint32_t)found->n };
    return true;
}

static bool find_all(const struct answer_query *q, struct text_list texts, enum lint_kind kind,
                     struct token_ids *found, struct answer *out, struct abl_err *err)
{
    uint32_t *firsts = arena_alloc(q->arena, texts.n, sizeof *firsts);
    struct answer a = { .firsts = { firsts, 0 } };
    if (!firsts)
        return abl_no_memory(err);
    for (size_t i = 0; i < texts.n; i++) {
        if (!find_text(q, texts.items[i], kind, found, err))
            return false;
        if (!found->n)
            return true;
        if (id_list_has(a.firsts, found->ids[0])) {
            lint_add(q->lint, LINT_REPEATED_ANSWER, q->row->line, "%s stands in it twice",
                     lint_quote(q->lint, texts.items[i]));
            continue;
        }
        firsts[a.firsts.n++] = found->ids[0];
        if (!i && !keep_tokens(found, q->arena, &a.tokens, err))
            return false;
    }
    *out = a;
    return true;
}

bool answer_find(const struct answer_query *q, struct text_list texts, enum lint_kind kind,
                 struct answer *out, struct abl_err *err)
{
    struct token_ids found = { 0 };
    *out = (struct answer){ 0 };
    if (q->whole && texts.n > 1)
        return abl_fail(err, ABL_USAGE,
                        "--span full scores one target and one foil a row: line %" PRIu32
                        " has a list; take --span first, which reads each of its tokens",
                        q->row->line);
    bool ok = find_all(q, texts, kind, &found, out, err);
    token_ids_release(&found);
    return ok;
}
