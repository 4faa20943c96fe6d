#include "text/answers.h"

#include <inttypes.h>
#include <string.h>

// The tokens of one text into found; none, and noted, where it is unfit.
static bool find_text(const struct answer_query *q, const char *text, enum lint_kind kind,
                      struct token_ids *found, struct abl_err *err)
{
    struct abl_err why;
    found->n = 0;
    bool ok = tokenizer_span(q->tokenizer, q->row->clean, q->prompt, text, found, &why);
    if (ok && (!found->n || (found->n > 1 && !q->whole)))
        ok = abl_fail(&why, ABL_BAD_DATA, "'%s' is %zu tokens", text, found->n);
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
