#include "text/padding.h"

#include <inttypes.h>
#include <string.h>

#include "text/prompt_spans.h"

static bool fill_up(struct prompts *p, const uint32_t **ids, uint32_t *n, uint32_t longest,
                    struct abl_err *err)
{
    if (*n == longest)
        return true;
    uint32_t *padded = arena_alloc(&p->arena, longest, sizeof *padded);
    if (!padded)
        return abl_no_memory(err);
    memcpy(padded, *ids, *n * sizeof *padded);
    for (uint32_t i = *n; i < longest; i++)
        padded[i] = p->pad;
    *ids = padded;
    *n = longest;
    return true;
}

bool prompts_pad(struct prompts *p, const struct tokenizer *t, uint32_t n_vocab,
                 struct abl_err *err)
{
    uint32_t longest = 0, longest_corrupt = 0;
    p->pad = tokenizer_pad(t);
    if (p->pad == TOKEN_NONE)
        return abl_fail(err, ABL_BAD_DATA,
                        "--compat tinylab pads prompts, and this tokenizer has neither a padding "
                        "token nor one that ends a text: expected \"eos_token\" in its "
                        "tokenizer_config.json");
    if (n_vocab && p->pad >= n_vocab)
        return abl_fail(err, ABL_BAD_DATA,
                        "--compat tinylab pads prompts with token %" PRIu32
                        ", and the model has %" PRIu32 ": tokenizer and weights do not fit",
                        p->pad, n_vocab);
    for (size_t i = 0; i < p->n; i++) {
        const struct prompt *item = &p->items[i];
        longest = item->n_ids > longest ? item->n_ids : longest;
        longest_corrupt
            = item->n_corrupt_ids > longest_corrupt ? item->n_corrupt_ids : longest_corrupt;
    }
    for (size_t i = 0; i < p->n; i++) {
        struct prompt *item = &p->items[i];
        p->n_padded += item->n_ids < longest;
        if (!fill_up(p, &item->ids, &item->n_ids, longest, err)
            || (item->n_corrupt_ids
                && !fill_up(p, &item->corrupt_ids, &item->n_corrupt_ids, longest_corrupt, err))
            || !prompt_find_differences(item, &p->arena, err))
            return false;
    }
    return true;
}
