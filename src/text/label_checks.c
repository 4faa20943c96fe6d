#include "text/label_checks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/string_index.h"
#include "text/foils.h"
#include "text/unicode.h"

// Below these numbers of rows a share says nothing.
enum { LEAST_FOR_SHARE = 6, LEAST_FOR_PAIRS = 8, ROWS_PER_PAIR = 4 };

static bool same_targets(const struct prompts *p)
{
    for (size_t i = 1; i < p->n; i++)
        if (strcmp(p->items[i].row->target, p->items[0].row->target) != 0)
            return false;
    return p->n >= 2;
}

// Foils that the model chooses are none yet.
static bool have_foils(const struct prompts *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (foil_is_missing(&p->items[i]))
            return false;
    return true;
}

static bool same_foils(const struct prompts *p)
{
    if (!have_foils(p))
        return false;
    for (size_t i = 1; i < p->n; i++)
        if (strcmp(p->items[i].row->foil, p->items[0].row->foil) != 0)
            return false;
    return p->n >= 2;
}

// One target in more than two thirds of the rows.
static bool check_share(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    struct string_index numbers = { 0 };
    uint32_t *rows = calloc(p->n + 1, sizeof *rows), *label = calloc(p->n + 1, sizeof *label);
    uint32_t most = 0;
    bool ok = rows && label;
    for (size_t i = 0; ok && i < p->n; i++) {
        const char *target = p->items[i].row->target;
        const uint32_t *number
            = string_index_put(&numbers, target, strlen(target), (uint32_t)numbers.n);
        ok = number != NULL;
        if (!ok)
            break;
        label[i] = *number;
        rows[label[i]]++;
        most = rows[label[i]] > rows[most] ? label[i] : most;
    }
    for (size_t i = 0; ok && rows[most] > p->n / 3 * 2 + p->n % 3 * 2 / 3 && i < p->n; i++)
        if (label[i] == most)
            lint_add(l, LINT_LOPSIDED_LABEL, p->items[i].row->line, "%s in %" PRIu32 " of %zu rows",
                     lint_quote(l, p->items[i].row->target), rows[most], p->n);
    string_index_release(&numbers);
    free(rows);
    free(label);
    return ok || abl_no_memory(err);
}

bool label_key(const char *a, const char *b, const char *c, struct buf *out)
{
    out->len = 0;
    buf_add(out, a, strlen(a) + 1);
    buf_add(out, b, strlen(b) + 1);
    buf_add(out, c, strlen(c) + 1);
    return !out->failed;
}

// Few pairs of words, each always the same way round: whoever knows which word of a pair is the
// target needs no prompt.
static bool check_sides(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    struct string_index pairs = { 0 };
    struct buf key = { 0 };
    bool ok = true, swapped = false;
    for (size_t i = 0; ok && i < p->n; i++) {
        const struct dataset_row *row = p->items[i].row;
        ok = label_key(row->target, row->foil, "", &key)
             && string_index_put_copy(&pairs, key.data, key.len, row->line);
        ok = ok && label_key(row->foil, row->target, "", &key);
        swapped |= ok && string_index_find(&pairs, key.data, key.len);
    }
    for (size_t i = 0; ok && !swapped && pairs.n * ROWS_PER_PAIR <= p->n && i < p->n; i++)
        lint_add(l, LINT_ONE_SIDED, p->items[i].row->line, "never %s against %s",
                 lint_quote(l, p->items[i].row->foil), lint_quote(l, p->items[i].row->target));
    string_index_release(&pairs);
    buf_release(&key);
    return ok || abl_no_memory(err);
}

// More than half of the prompts end with their own target.
static bool check_ends(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    bool *ends = calloc(p->n + 1, sizeof *ends), ok = ends != NULL;
    size_t n = 0;
    for (size_t i = 0; ok && i < p->n; i++) {
        struct text_list targets = row_targets(p->items[i].row);
        for (size_t k = 0; ok && !ends[i] && k < targets.n; k++)
            ok = unicode_ends_with_word(p->items[i].row->clean, targets.items[k], &ends[i]);
        n += ends[i];
    }
    for (size_t i = 0; ok && n > p->n / 2 && n > 1 && i < p->n; i++)
        if (ends[i])
            lint_add(l, LINT_ANSWER_AT_END, p->items[i].row->line, "%s ends with %s",
                     lint_quote(l, p->items[i].row->clean), lint_quote(l, p->items[i].row->target));
    free(ends);
    return ok || abl_no_memory(err);
}

// The same prompt with target and foil the other way round.
static bool check_contradictions(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    struct string_index seen = { 0 };
    struct buf key = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < p->n; i++) {
        const struct dataset_row *row = p->items[i].row;
        ok = label_key(row->clean, row->foil, row->target, &key);
        const uint32_t *line = ok ? string_index_find(&seen, key.data, key.len) : NULL;
        if (line)
            lint_add(l, LINT_CONTRADICTION, row->line,
                     "line %" PRIu32 " asks %s the other way round", *line,
                     lint_quote(l, row->clean));
        ok = ok && label_key(row->clean, row->target, row->foil, &key)
             && string_index_put_copy(&seen, key.data, key.len, row->line);
    }
    string_index_release(&seen);
    buf_release(&key);
    return ok || abl_no_memory(err);
}

static bool check_constants(const struct prompts *p, struct lint *l)
{
    bool target = same_targets(p), foil = !target && same_foils(p);
    for (size_t i = 0; (target || foil) && i < p->n; i++)
        lint_add(l, target ? LINT_CONSTANT_LABEL : LINT_CONSTANT_FOIL, p->items[i].row->line, "%s",
                 lint_quote(l, target ? p->items[i].row->target : p->items[i].row->foil));
    return target || foil;
}

// A set with one target or one foil is lopsided and one-sided anyhow: it is said once.
bool label_checks_run(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    bool constant = check_constants(p, l);
    return (constant || p->n < LEAST_FOR_SHARE || check_share(p, l, err))
           && (constant || p->n < LEAST_FOR_PAIRS || !have_foils(p) || check_sides(p, l, err))
           && check_ends(p, l, err) && check_contradictions(p, l, err);
}
