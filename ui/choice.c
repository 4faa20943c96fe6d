#include "ui/choice.h"

#include <stdio.h>
#include <string.h>

static void copy_name(char *to, const char *from)
{
    snprintf(to, MAX_NAME, "%s", from ? from : "");
}

void choice_init(struct choice *c, const struct settings *settings)
{
    *c = (struct choice){ .ablation = settings->ablation,
                          .kinds = settings_ablations(settings),
                          .metric = settings->metric,
                          .experiment = settings->experiment,
                          .sites = settings->sites,
                          .direction = settings->direction };
    copy_name(c->model, settings->model);
    copy_name(c->data, settings->data);
    copy_name(c->device, settings->device);
    snprintf(c->positions, sizeof c->positions, "%s",
             settings->positions ? settings->positions : "");
}

bool choice_apply(const struct choice *c, struct settings *to, struct arena *a, struct abl_err *err)
{
    to->ablation = c->kinds.items[0];
    to->also.n = c->kinds.n - 1;
    memcpy(to->also.items, c->kinds.items + 1, to->also.n * sizeof *to->also.items);
    to->metric = c->metric;
    to->experiment = c->experiment;
    to->sites = c->sites;
    to->direction = c->direction;
    to->positions = *c->positions ? arena_strdup(a, c->positions) : NULL;
    if (*c->sets) {
        to->sets = arena_strdup(a, c->sets);
        to->pairs = to->triplets = NULL;
    }
    return (!*c->positions == !to->positions && (!*c->sets || to->sets)) || abl_no_memory(err);
}

// Which of its two prompts a row is read with.
static bool same_prompts(const struct choice *a, const struct choice *b)
{
    const unsigned by_prompts = READS_OTHER | SWAPS_PROMPTS;
    unsigned of_a = a->experiment->traits & by_prompts;
    return of_a == (b->experiment->traits & by_prompts) && (!of_a || a->direction == b->direction);
}

bool choice_same_inputs(const struct choice *a, const struct choice *b)
{
    return !strcmp(a->model, b->model) && !strcmp(a->data, b->data) && !strcmp(a->device, b->device)
           && same_prompts(a, b);
}

static bool same_kinds(const struct ablations *a, const struct ablations *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!ablation_same(&a->items[i], &b->items[i]))
            return false;
    return true;
}

bool choice_same_variants(const struct choice *a, const struct choice *b)
{
    return same_kinds(&a->kinds, &b->kinds) && a->experiment == b->experiment
           && a->sites == b->sites && !strcmp(a->sets, b->sets)
           && !strcmp(a->positions, b->positions);
}

void choice_set_kinds(struct choice *c, const struct ablations *kinds)
{
    c->kinds = *kinds;
    c->ablation = kinds->items[0];
}

void choice_set_ablation(struct choice *c, struct ablation one)
{
    choice_set_kinds(c, &(struct ablations){ .items = { one }, .n = 1 });
}

size_t choice_find_kind(const struct choice *c, const struct ablation *one)
{
    size_t i = 0;
    while (i < c->kinds.n && !ablation_same(&c->kinds.items[i], one))
        i++;
    return i;
}

void ablation_name(struct ablation a, char *out, size_t size)
{
    if (ablation_has_factor(a))
        snprintf(out, size, "scale %g", (double)a.scale);
    else
        snprintf(out, size, "%s", ablation_kind_name(a.kind));
}
