#include "ui/picker.h"

#include <string.h>

bool picker_is_open(const struct state *s)
{
    return overlay_info(s->overlay)->kind == OVERLAY_IS_PICKER;
}

bool picker_is_ready(const struct state *s)
{
    return picker_is_open(s) && s->found & 1u << overlay_info(s->overlay)->catalog;
}

struct catalog_list picker_list(const struct state *s)
{
    if (!picker_is_ready(s))
        return (struct catalog_list){ 0 };
    return s->catalog->lists[overlay_info(s->overlay)->catalog];
}

static const char *chosen_now(const struct choice *c, enum catalog_kind catalog)
{
    switch (catalog) {
    case CATALOG_MODELS:
        return c->model;
    case CATALOG_DATA:
        return c->data;
    case CATALOG_DEVICES:
        return c->device;
    case CATALOG_EXPERIMENTS:
        return c->experiment->name;
    case CATALOG_METRICS:
        return metric_info(c->metric)->name;
    default:
        return ""; // sites: there may be several
    }
}

void picker_pick_chosen(struct state *s)
{
    struct catalog_list list = picker_list(s);
    for (size_t i = 0; i < list.n; i++)
        if (!strcmp(list.items[i].value, chosen_now(&s->choice, overlay_info(s->overlay)->catalog)))
            s->picked = i;
    if (s->overlay == OVERLAY_PANE && s->focus < list.n)
        s->picked = s->focus;
}

void picker_take_catalog(struct state *s, const struct catalog *catalog, unsigned found)
{
    bool was_ready = picker_is_ready(s);
    s->catalog = catalog;
    s->found = found;
    if (!was_ready && picker_is_ready(s))
        picker_pick_chosen(s);
}
