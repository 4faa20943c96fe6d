#include "text/text_prompts.h"

#include <stdlib.h>
#include <string.h>

#include "text/prompts.h"

static bool add(struct token_ids *ids, uint32_t id, struct abl_err *err)
{
    uint32_t *grown = realloc(ids->ids, (ids->n + 1) * sizeof *grown);
    if (!grown)
        return abl_no_memory(err);
    ids->ids = grown;
    ids->ids[ids->n++] = id;
    ids->cap = ids->n;
    return true;
}

bool text_prompt_ids(const struct tokenizer *t, uint32_t bos, const char *text,
                     struct token_ids *out, struct abl_err *err)
{
    out->n = 0;
    size_t before = bos != TOKEN_NONE;
    if ((before && !add(out, bos, err)) || !tokenizer_encode(t, text, strlen(text), out, err))
        return false;
    return out->n > before
           || abl_fail(err, ABL_BAD_DATA, "the prompt '%s' has no tokens: expected a text", text);
}

static bool fill(struct prompts *p, const struct tokenizer *t, const char *text,
                 struct token_ids *ids, struct abl_err *err)
{
    if (!text_prompt_ids(t, p->bos, text, ids, err))
        return false;
    uint32_t *kept = arena_alloc(&p->arena, ids->n, sizeof *kept);
    p->items = arena_alloc(&p->arena, 1, sizeof *p->items);
    if (!kept || !p->items)
        return abl_no_memory(err);
    memcpy(kept, ids->ids, ids->n * sizeof *kept);
    p->items[0] = (struct prompt){ .ids = kept, .n_ids = (uint32_t)ids->n };
    p->n = p->n_clusters = 1;
    return true;
}

bool text_prompts_make(const struct tokenizer *t, enum bos_mode bos, const char *text,
                       struct prompts **out, struct abl_err *err)
{
    struct token_ids ids = { 0 };
    struct prompts *p = calloc(1, sizeof *p);
    if (!p)
        return abl_no_memory(err);
    p->source = "the prompt";
    p->pad = TOKEN_NONE;
    bool ok = tokenizer_bos(t, bos, &p->bos, err) && fill(p, t, text, &ids, err);
    token_ids_release(&ids);
    if (!ok) {
        prompts_free(p);
        return false;
    }
    *out = p;
    return true;
}
