#include "text/checks.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/string_index.h"
#include "text/label_checks.h"
#include "text/text_checks.h"
#include "text/unicode.h"

// A prompt in two splits is said; a cluster, or a template that stands for one, only where its
// prompts differ.
static void check_leak(const struct prompt *p, bool by_template, struct lint *l)
{
    const struct dataset_row *row = p->row;
    const char *cluster = by_template ? row->template_name : row->cluster;
    uint32_t line = by_template ? row->template_leak_line : row->cluster_leak_line;
    if (row->leak_line)
        lint_add(l, LINT_SPLIT_LEAK, row->line, "%s is line %" PRIu32 " as well",
                 lint_quote(l, row->clean), row->leak_line);
    else if (line)
        lint_add(l, LINT_CLUSTER_LEAK, row->line, "%s has line %" PRIu32 " as well",
                 lint_quote(l, cluster), line);
}

static bool check_target_in_prompt(const struct prompt *p, struct lint *l, struct abl_err *err)
{
    struct text_list targets = row_targets(p->row);
    for (size_t i = 0; i < targets.n; i++) {
        bool found;
        if (!unicode_has_word(p->row->clean, targets.items[i], &found))
            return abl_no_memory(err);
        if (!found)
            continue;
        lint_add(l, LINT_TARGET_IN_PROMPT, p->row->line, "%s is in %s",
                 lint_quote(l, targets.items[i]), lint_quote(l, p->row->clean));
        return true;
    }
    return true;
}

// The first special token among ids, TOKEN_NONE without one.
static uint32_t find_special(const struct tokenizer *t, const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tokenizer_is_special(t, ids[i]))
            return ids[i];
    return TOKEN_NONE;
}

static void check_special(const struct prompt *p, bool has_bos, const struct token_ids *corrupt,
                          const struct tokenizer *t, struct lint *l)
{
    struct id_list targets = prompt_targets(p), foils = prompt_foils(p);
    uint32_t id = find_special(t, p->ids + has_bos, p->n_ids - has_bos);
    if (id == TOKEN_NONE)
        id = find_special(t, corrupt->ids, corrupt->n);
    if (id == TOKEN_NONE)
        id = find_special(t, targets.ids, targets.n);
    if (id == TOKEN_NONE)
        id = find_special(t, foils.ids, foils.n);
    if (id != TOKEN_NONE)
        lint_add(l, LINT_SPECIAL_TOKEN, p->row->line, "%s in %s",
                 lint_quote(l, tokenizer_text(t, id)), lint_quote(l, p->row->clean));
}

// Encode the corrupt prompt and compare; a corrupt prompt that cannot be encoded counts as none.
static bool check_corrupt(const struct prompt *p, bool has_bos, const struct tokenizer *t,
                          struct token_ids *ids, struct lint *l, struct abl_err *err)
{
    const struct dataset_row *row = p->row;
    struct abl_err why;
    ids->n = 0;
    if (!row->corrupt) {
        lint_add(l, LINT_NO_CORRUPT, row->line, "%s has none", lint_quote(l, row->clean));
        return true;
    }
    if (!tokenizer_encode(t, row->corrupt, strlen(row->corrupt), ids, &why)) {
        if (why.code != ABL_BAD_DATA)
            return abl_fail(err, why.code, "%s", why.text);
        lint_add(l, LINT_NO_CORRUPT, row->line, "%s", why.text);
        return true;
    }
    if (!p->n_corrupt_ids && p->n_ids > has_bos) // beyond context or vocabulary
        lint_add(l, LINT_NO_CORRUPT, row->line, "%s cannot be run: %zu tokens",
                 lint_quote(l, row->corrupt), ids->n);
    else if (strcmp(row->corrupt, row->clean) == 0)
        lint_add(l, LINT_CORRUPT_IS_CLEAN, row->line, "both are %s", lint_quote(l, row->clean));
    else if (ids->n != p->n_ids - has_bos)
        lint_add(l, LINT_UNEQUAL_LENGTHS, row->line, "%" PRIu32 " and %zu tokens for %s",
                 p->n_ids - has_bos, ids->n, lint_quote(l, row->clean));
    return true;
}

static bool check_each(const struct prompts *p, const struct tokenizer *t, struct lint *l,
                       bool by_template, struct abl_err *err)
{
    struct token_ids corrupt = { 0 };
    bool ok = true, has_bos = p->bos != TOKEN_NONE;
    for (size_t i = 0; ok && i < p->n; i++) {
        check_leak(&p->items[i], by_template, l);
        ok = check_target_in_prompt(&p->items[i], l, err)
             && check_corrupt(&p->items[i], has_bos, t, &corrupt, l, err);
        if (ok)
            check_special(&p->items[i], has_bos, &corrupt, t, l);
    }
    token_ids_release(&corrupt);
    return ok;
}

// The line that had a key before, 0 where this is the first; false when memory is out.
static bool seen_before(struct string_index *seen, const char *key, size_t len, uint32_t line,
                        uint32_t *before)
{
    size_t n = seen->n;
    const uint32_t *first = string_index_put_copy(seen, key, len, line);
    *before = first && seen->n == n ? *first : 0;
    return first;
}

static bool check_repeats(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    struct string_index rows = { 0 }, cleans = { 0 };
    struct buf key = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < p->n; i++) {
        const struct dataset_row *row = p->items[i].row;
        uint32_t same_row = 0, same_clean = 0;
        ok = label_key(row->clean, row->target, row->foil, &key)
             && seen_before(&rows, key.data, key.len, row->line, &same_row)
             && seen_before(&cleans, row->clean, strlen(row->clean), row->line, &same_clean);
        if (ok && same_row)
            lint_add(l, LINT_DUPLICATE_ROW, row->line, "%s is line %" PRIu32 " as well",
                     lint_quote(l, row->clean), same_row);
        else if (ok && same_clean && p->n_clusters < p->n)
            lint_add(l, LINT_DUPLICATE_PROMPT, row->line, "%s is line %" PRIu32 " as well",
                     lint_quote(l, row->clean), same_clean);
    }
    string_index_release(&rows);
    string_index_release(&cleans);
    buf_release(&key);
    return ok || abl_no_memory(err);
}

bool checks_run(const struct prompts *p, const struct tokenizer *t, bool by_template,
                struct lint *l, struct abl_err *err)
{
    return check_each(p, t, l, by_template, err) && check_repeats(p, l, err)
           && label_checks_run(p, l, err) && text_checks_run(p, l, err);
}
