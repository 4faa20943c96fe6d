#include "plan/ablation.h"

#include <math.h>
#include <string.h>

#include "base/names.h"
#include "base/number.h"

static void scaled(struct edit *e, struct ablation how)
{
    e->op = EDIT_SCALE;
    e->factor = how.scale;
    e->source = how.value_bias == VALUE_BIAS_FOLDED ? SOURCE_CONSTANT : SOURCE_NONE;
}

static void averaged(struct edit *e, struct ablation how)
{
    (void)how;
    e->source = SOURCE_MEAN;
}

static void given(struct edit *e, struct ablation how)
{
    e->source = SOURCE_ROW;
    e->donor = how.donor;
}

#define ABLATION_ROW(id, name, key, about, needs, edit) [ABLATE_##id] = { name, needs, edit },
static const struct {
    const char *name;
    enum ablation_needs needs;
    void (*edit)(struct edit *e, struct ablation how);
} kinds[N_ABLATE_KINDS] = { ABLATION_ROWS(ABLATION_ROW) };

const char *value_bias_name(size_t v)
{
    static const char *const names[]
        = { [VALUE_BIAS_FOLDED] = "folded", [VALUE_BIAS_HEAD] = "head" };
    return v < sizeof names / sizeof *names ? names[v] : NULL;
}

const char *ablation_kind_name(size_t kind)
{
    return kind < N_ABLATE_KINDS ? kinds[kind].name : NULL;
}

enum ablation_needs ablation_needs(enum ablate_kind kind)
{
    return kinds[kind].needs;
}

bool ablation_has_factor(struct ablation how)
{
    return how.kind == ABLATE_SCALE && how.scale != 0.0f;
}

bool ablation_same(const struct ablation *a, const struct ablation *b)
{
    return a->kind == b->kind && a->scale == b->scale && a->value_bias == b->value_bias;
}

bool ablation_parse(const char *text, struct ablation *out)
{
    double scale = 0;
    size_t kind = ABLATE_SCALE;
    if (!name_find(ablation_kind_name, 0, text, strlen(text), &kind)
        && (strncmp(text, "scale=", 6) != 0 || !number_parse(text + 6, &scale)
            || fabs(scale) > 1e6))
        return false;
    out->kind = (enum ablate_kind)kind;
    out->scale = (float)scale;
    return true;
}

bool ablations_parse(const char *text, struct ablations *out)
{
    struct ablations all = { .n = 0 };
    for (const char *end; text; text = *end ? end + 1 : NULL) {
        char one[64];
        end = text + strcspn(text, ",");
        size_t len = (size_t)(end - text);
        if (all.n == MAX_ABLATIONS || len >= sizeof one)
            return false;
        memcpy(one, text, len);
        one[len] = '\0';
        struct ablation *a = &all.items[all.n];
        *a = out->items[0];
        if (!ablation_parse(one, a))
            return false;
        for (size_t i = 0; i < all.n; i++)
            if (ablation_same(&all.items[i], a))
                return false;
        all.n++;
    }
    *out = all;
    return true;
}

struct edit head_edit(struct head h, struct ablation how)
{
    struct edit e = {
        .site = SITE_Z, .layer = h.layer, .head = h.head, .position = ALL_POSITIONS, .op = EDIT_SET
    };
    if (how.at_position) {
        e.position = how.position;
        e.reach = how.reach;
    }
    kinds[how.kind].edit(&e, how);
    return e;
}
