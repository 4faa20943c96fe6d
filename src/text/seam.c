#include "text/seam.h"

#include <string.h>

#include "text/unicode.h"

static bool is_glued(const char *prompt, const char *answer)
{
    size_t len = strlen(prompt);
    unsigned char before = len ? (unsigned char)prompt[len - 1] : ' ';
    return before < 0x80 && (unsigned char)*answer < 0x80 && unicode_is_word(before)
           && unicode_is_word((unsigned char)*answer);
}

static const char *first_glued(const char *prompt, struct text_list answer)
{
    for (size_t i = 0; i < answer.n; i++)
        if (is_glued(prompt, answer.items[i]))
            return answer.items[i];
    return NULL;
}

const char *seam_glued(const struct dataset_row *row)
{
    const char *glued = first_glued(row->clean, row_targets(row));
    return glued ? glued : first_glued(row->clean, row_foils(row));
}

// ----------------------------------------------------------------------------------- giving spaces

static bool lacks_space(const char *answer)
{
    size_t n;
    return !unicode_is_space(utf8_first(answer, strlen(answer), &n));
}

static bool give(const char **text, struct arena *a, bool *given)
{
    if (!**text || !lacks_space(*text))
        return true;
    *text = arena_printf(a, " %s", *text);
    *given = true;
    return *text;
}

static bool give_list(struct text_list *list, const char **all, struct arena *a, bool *given)
{
    if (!list->n)
        return give(all, a, given);
    const char **items = arena_alloc(a, list->n, sizeof *items);
    for (size_t i = 0; items && i < list->n; i++) {
        items[i] = list->items[i];
        if (!give(&items[i], a, given))
            return false;
    }
    *list = (struct text_list){ items, list->n };
    *all = items ? text_list_join(*list, a) : NULL;
    return *all;
}

static bool all_are_one(const struct answer_query *q, const struct dataset_row *row)
{
    return answer_is_one(q, row_targets(row)) && answer_is_one(q, row_foils(row));
}

bool seam_give_space(struct answer_query *q, bool *given, struct abl_err *err)
{
    const struct dataset_row *row = q->row;
    const char *glued = seam_glued(row);
    size_t len = strlen(row->clean), n;
    bool lacks = false;
    *given = false;
    if (!len || unicode_is_space(utf8_last(row->clean, len, &n))
        || (!glued && (q->whole || all_are_one(q, row))))
        return true;
    struct dataset_row *copy = arena_alloc(q->arena, 1, sizeof *copy);
    if (!copy)
        return abl_no_memory(err);
    *copy = *row;
    if (!give_list(&copy->targets, &copy->target, q->arena, &lacks)
        || !give_list(&copy->foils, &copy->foil, q->arena, &lacks))
        return abl_no_memory(err);
    *given = lacks && (q->whole || all_are_one(q, copy));
    if (!*given)
        return true;
    q->row = copy;
    lint_add(q->lint, LINT_GAVE_SPACE, row->line, "%s is %s", lint_quote(q->lint, row->target),
             lint_quote(q->lint, copy->target));
    return true;
}
