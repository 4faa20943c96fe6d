#include "ui/choose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "experiments/experiments.h"
#include "ui/action.h"
#include "ui/choose_parts.h"
#include "ui/presentation.h"

// Before they change.
static void remember(struct state *s, const struct marks *marks)
{
    if (s->n_undo == MAX_UNDO)
        memmove(s->undo, s->undo + 1, --s->n_undo * sizeof *s->undo);
    s->undo[s->n_undo++] = (struct undo_entry){ *marks, s->choice.ablation, s->choice.kinds };
}

void choose_remember(struct state *s)
{
    remember(s, &s->marks);
}

unsigned choose_undo(struct state *s)
{
    if (!s->n_undo)
        return 0;
    const struct undo_entry *was = &s->undo[--s->n_undo];
    struct choice before = s->choice;
    s->marks = was->marks;
    s->choice.ablation = was->ablation;
    s->choice.kinds = was->kinds;
    bool ablation = !ablation_same(&before.ablation, &s->choice.ablation)
                    || !choice_same_variants(&before, &s->choice);
    state_say(s, false, "undone: %zu head%s marked", s->marks.n, s->marks.n == 1 ? "" : "s");
    return EFFECT_JOINT | (ablation ? EFFECT_RUN : 0u);
}

unsigned choose_mark(struct state *s)
{
    struct marks before = s->marks;
    if (!state_has_grid(s))
        return 0;
    if (!marks_toggle(&s->marks, s->cursor)) {
        state_say(s, true, "%d heads are marked already: unmark one first", MAX_MARKS);
        return 0;
    }
    remember(s, &before);
    return EFFECT_JOINT;
}

unsigned choose_no_marks(struct state *s)
{
    choose_remember(s);
    s->marks = (struct marks){ .n = 0 };
    return EFFECT_JOINT;
}

// kinds: what is run from now on, what is shown among them.
static unsigned set_ablation(struct state *s, struct ablation a, const struct ablations *kinds)
{
    if (!(s->choice.experiment->options & READS_ABLATION)) {
        state_say(s, true, "%s ablates nothing: E chooses another experiment",
                  s->choice.experiment->name);
        return 0;
    }
    choose_remember(s);
    choice_set_kinds(&s->choice, kinds);
    s->choice.ablation = a;
    char name[64], place[32] = "";
    ablation_name(a, name, sizeof name);
    if (kinds->n > 1)
        snprintf(place, sizeof place, ", %zu of %zu", choice_find_kind(&s->choice, &a) + 1,
                 kinds->n);
    state_say(s, false, "ablation: %s%s", name, place);
    return EFFECT_RUN;
}

static unsigned show_ablation(struct state *s, struct ablation a)
{
    struct ablations one = { .items = { a }, .n = 1 };
    bool runs = choice_find_kind(&s->choice, &a) < s->choice.kinds.n;
    if (ablation_same(&a, &s->choice.ablation))
        return 0;
    return set_ablation(s, a, runs ? &s->choice.kinds : &one);
}

unsigned choose_kinds(struct state *s, const char *text)
{
    struct ablations kinds = { .items = { s->choice.ablation } };
    char names[NAMES_SIZE];
    if (ablations_parse(text, &kinds))
        return set_ablation(s, kinds.items[0], &kinds);
    state_say(s, true, "'%s' are no kinds of ablation: expected %s or scale=S, each once", text,
              names_join(ablation_kind_name, 0, ", ", ", ", names, sizeof names));
    return 0;
}

unsigned choose_scale(struct state *s, const char *text)
{
    char *end;
    float scale = strtof(text, &end);
    if (end == text || *end || !isfinite(scale)) {
        state_say(s, true, "'%s' is not a scale: expected a number such as 0.5", text);
        return 0;
    }
    if (scale == 1.0f) {
        state_say(s, true, "scale 1 changes nothing: choose another");
        return 0;
    }
    return show_ablation(
        s, (struct ablation){ .scale = scale, .value_bias = s->choice.ablation.value_bias });
}

unsigned choose_kind(struct state *s, enum ablate_kind kind)
{
    return show_ablation(
        s, (struct ablation){ .kind = kind, .value_bias = s->choice.ablation.value_bias });
}

// zero -> half -> mean -> … -> zero.
unsigned choose_next_ablation(struct state *s)
{
    struct ablation a = s->choice.ablation;
    const struct ablations *kinds = &s->choice.kinds;
    if (kinds->n > 1)
        return show_ablation(s, kinds->items[(choice_find_kind(&s->choice, &a) + 1) % kinds->n]);
    if (a.kind == ABLATE_SCALE && !ablation_has_factor(a))
        return choose_scale(s, "0.5");
    return choose_kind(s, (enum ablate_kind)((a.kind + 1) % N_ABLATE_KINDS));
}

unsigned choose_experiment(struct state *s, const char *name)
{
    const struct experiment *e = experiment_named(name);
    if (!e) {
        state_say(s, true, "no experiment '%s': E shows the list", name);
        return 0;
    }
    if (e->options & READS_SETS) {
        char sets[MAX_SETS];
        if (marks_text(&s->marks, sets, sizeof sets))
            memcpy(s->choice.sets, sets, sizeof sets);
        if (!*s->choice.sets) {
            state_say(s, true, "%s needs a set: mark two heads or more with space first", name);
            return 0;
        }
    }
    if (!(e->options & READS_ABLATION)) // they ablate nothing
        choice_set_ablation(&s->choice,
                            (struct ablation){ .value_bias = s->choice.ablation.value_bias });
    unsigned changed = e->options ^ s->choice.experiment->options;
    if (changed & (READS_PATCH | READS_ABLATION)) // places of patches are none of ablations
        s->choice.positions[0] = '\0';
    s->choice.experiment = e;
    state_focus(s, presentation_of(e)->pane);
    state_say(s, false, "experiment: %s", name);
    return EFFECT_RUN;
}

unsigned choose_site(struct state *s, const char *name)
{
    size_t site;
    if (!name_find(site_name, 0, name, strlen(name), &site)) {
        state_say(s, true, "no site '%s': S shows the list", name);
        return 0;
    }
    s->choice.sites = 1u << site;
    return s->choice.experiment->options & READS_PATCH ? EFFECT_RUN : 0;
}

unsigned choose_direction(struct state *s, const char *argument)
{
    size_t direction;
    char names[NAMES_SIZE];
    if (!name_find(direction_name, 0, argument, strlen(argument), &direction)) {
        state_say(s, true, "unknown direction '%s': expected %s", argument,
                  names_join(direction_name, 0, ", ", " or ", names, sizeof names));
        return 0;
    }
    s->choice.direction = (enum direction)direction;
    return s->choice.experiment->options & READS_PATCH ? EFFECT_RUN : 0;
}

unsigned choose_positions(struct state *s, const char *argument)
{
    if (strlen(argument) >= sizeof s->choice.positions) {
        state_say(s, true, "too many positions: expected last, all, each, diff or a short list");
        return 0;
    }
    strcpy(s->choice.positions, argument);
    return s->choice.experiment->options & READS_PATCH ? EFFECT_RUN : 0;
}
