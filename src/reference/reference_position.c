#include "reference/reference_position.h"

#include "plan/position.h"

static bool is_in_span(int32_t position, const struct prompt *p, size_t token)
{
    uint32_t code = (uint32_t)position - POSITION_SPANS;
    for (size_t i = 0; i < p->spans.n; i++) {
        const struct token_span *s = &p->spans.items[i];
        if (s->name != code / 4)
            continue;
        switch ((enum position_part)(code % 4)) {
        case POSITION_FIRST:
            return token == s->first;
        case POSITION_LAST:
            return token + 1 == s->end;
        case POSITION_WHOLE:
        case N_POSITION_PARTS:
            break;
        }
        return token >= s->first && token < s->end;
    }
    return false;
}

bool exact_is_at(int32_t position, const struct prompt *p, size_t token)
{
    if (position == ALL_POSITIONS)
        return true;
    for (uint32_t i = 0; position == POSITION_DIFF && i < p->n_differs; i++)
        if (token + 1 + p->differs[i] == p->n_ids)
            return true;
    if (position < 0)
        return token + (size_t) - (int64_t)position == p->n_ids;
    if (position < POSITION_SPANS)
        return token == (size_t)position;
    return position < POSITION_DIFF && is_in_span(position, p, token);
}

bool exact_partner(int32_t position, const struct prompt *p, const struct prompt *donor, size_t at,
                   size_t *out)
{
    size_t behind = 0;
    if (position == POSITION_DIFF) {
        *out = at + donor->n_ids - p->n_ids;
        return at + donor->n_ids >= p->n_ids;
    }
    for (size_t i = at + 1; i < p->n_ids; i++)
        behind += exact_is_at(position, p, i);
    for (size_t i = donor->n_ids; i-- > 0;)
        if (exact_is_at(position, donor, i) && !behind--) {
            *out = i;
            return true;
        }
    return false;
}
