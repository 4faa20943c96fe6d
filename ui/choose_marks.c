// Marks that are chosen many at once.
#include "ui/choose.h"

#include <inttypes.h>
#include <string.h>

#include "base/number.h"
#include "ui/action.h"
#include "ui/choose_parts.h"

unsigned choose_keep_only(struct state *s)
{
    choose_remember(s);
    s->marks.keep_only = !s->marks.keep_only;
    state_say(s, false,
              s->marks.keep_only ? "all heads but the marked are ablated"
                                 : "the marked heads are ablated");
    return EFFECT_JOINT;
}

unsigned choose_inverse(struct state *s)
{
    const struct snapshot *p = s->snap;
    size_t n = (size_t)p->n_layers * p->n_heads - s->marks.n;
    struct marks inverse = { .keep_only = s->marks.keep_only };
    if (n > MAX_MARKS) {
        state_say(s, true, "%zu heads would be marked: at most %d can be; c ablates them", n,
                  MAX_MARKS);
        return 0;
    }
    for (uint32_t layer = 0; layer < p->n_layers; layer++)
        for (uint32_t head = 0; head < p->n_heads; head++)
            if (!marks_has(&s->marks, (struct head){ layer, head }))
                marks_toggle(&inverse, (struct head){ layer, head });
    choose_remember(s);
    s->marks = inverse;
    state_say(s, false, "%zu heads marked", n);
    return EFFECT_JOINT;
}

unsigned choose_top(struct state *s, const char *text)
{
    const struct snapshot *p = s->snap;
    uint64_t k = 5;
    if (!state_has_grid(s))
        return 0;
    if ((*text && !number_parse_whole(text, &k)) || !k || k > MAX_MARKS) {
        state_say(s, true, "'%s' heads cannot be marked: expected a number from 1 to %d", text,
                  MAX_MARKS);
        return 0;
    }
    struct marks top = { .keep_only = s->marks.keep_only };
    for (uint32_t layer = 0; layer < p->n_layers; layer++)
        for (uint32_t head = 0; head < p->n_heads; head++) {
            size_t rank = snapshot_rank(p, (struct head){ layer, head });
            if (rank && rank <= k && top.n < MAX_MARKS)
                marks_toggle(&top, (struct head){ layer, head });
        }
    choose_remember(s);
    s->marks = top;
    state_say(s, false, "the %zu largest effects are marked", top.n);
    return EFFECT_JOINT;
}

// The place of a name; n_named_sets where there is none.
static size_t find_set(const struct state *s, const char *name)
{
    size_t i = 0;
    while (i < s->n_named_sets && strcmp(s->named_sets[i].name, name) != 0)
        i++;
    return i;
}

unsigned choose_set_name(struct state *s, const char *name)
{
    size_t at = find_set(s, name);
    if (strlen(name) >= MAX_SET_NAME || at == MAX_NAMED_SETS) {
        state_say(s, true, "'%s' is not kept: names have up to %d bytes, and there are up to %d",
                  name, MAX_SET_NAME - 1, MAX_NAMED_SETS);
        return 0;
    }
    strcpy(s->named_sets[at].name, name);
    s->named_sets[at].marks = s->marks;
    s->n_named_sets += at == s->n_named_sets;
    state_say(s, false, "%zu marked heads are kept as '%s': :set %s", s->marks.n, name, name);
    return 0;
}

unsigned choose_set(struct state *s, const char *name)
{
    size_t at = find_set(s, name);
    if (at == s->n_named_sets) {
        state_say(s, true, "no set '%s': W keeps the marked heads by a name", name);
        return 0;
    }
    choose_remember(s);
    s->marks = s->named_sets[at].marks;
    if (state_has_grid(s))
        marks_cut(&s->marks, s->snap->n_layers, s->snap->n_heads);
    state_say(s, false, "%zu heads marked: '%s'", s->marks.n, name);
    return EFFECT_JOINT;
}

void choose_sets_text(const struct state *s, struct buf *out)
{
    for (size_t i = 0; i < s->n_named_sets; i++) {
        const struct named_set *set = &s->named_sets[i];
        for (size_t k = 0; k < set->marks.n; k++)
            buf_printf(out, "%s%" PRIu32 ":%" PRIu32, k ? "+" : "", set->marks.items[k].layer,
                       set->marks.items[k].head);
        buf_printf(out, " # %s%s\n", set->name, set->marks.keep_only ? ", kept alone" : "");
    }
}
