#include "report/figures.h"

#include <inttypes.h>
#include <string.h>

#include "analysis/patch_map.h"
#include "base/printable.h"
#include "report/config.h"
#include "report/forest_panels.h"
#include "report/pictures.h"
#include "text/clusters.h"

// What figures are made from; texts and cells lie in the arena.
struct maker {
    const struct report *report;
    const struct effects *effects;
    enum metric metric;
    struct arena *arena;
};

// A text of the figure as it may be shown; NULL when memory is out.
static const char *shown(const char *text, struct arena *a)
{
    struct buf out = { 0 };
    if (text)
        printable_add(&out, text, strlen(text));
    const char *kept = out.len && !out.failed ? arena_strndup(a, out.data, out.len) : NULL;
    buf_release(&out);
    return kept;
}

// what: was done, of what is drawn.
static const char *title(const struct maker *m, const char *what)
{
    const struct session *session = m->report->session;
    return shown(arena_printf(m->arena, "%s · %s · %s · %s%s", session->model->name,
                              session->data->name, what, metric_info(m->metric)->name,
                              m->report->interrupted ? " · PARTIAL" : ""),
                 m->arena);
}

static const char *subtitle(const struct maker *m, const char *more)
{
    const struct session *session = m->report->session;
    const char *compat = compat_name(session->settings.compat);
    const char *scope = clusters_scope(session->prompts);
    char clusters[CLUSTERS_SIZE];
    return arena_printf(
        m->arena, "%s%s%s%s%zu rows in %s%s%s · %zu of %zu variants · %s", compat ? "COMPAT " : "",
        compat ? compat : "", compat ? " · " : "", session->answers ? "whole answers · " : "",
        session->prompts->n, clusters_text(session->prompts, clusters), scope ? ", " : "",
        scope ? scope : "", m->report->results->n_done, m->report->results->variants->n, more);
}

// Of the run's first kind of ablation.
static bool make_heatmap(const struct maker *m, struct heatmap *out)
{
    const struct session *session = m->report->session;
    const struct model_shape *shape = &session->model->shape;
    const struct metric_info *metric = metric_info(m->metric);
    const struct ablation *first = &m->report->settings->ablation;
    char ablate[ABLATION_SIZE];
    struct estimate *cells
        = arena_alloc(m->arena, (size_t)shape->n_layers * shape->n_heads, sizeof *cells);
    const char *at = settings_ablated_at(m->report->settings);
    const char *how = arena_printf(m->arena, "%s ablation%s%s", ablation_text(first, ablate),
                                   at ? " at " : "", at ? at : "");
    const char *bias = arena_printf(m->arena, "%s value bias",
                                    value_bias_name(session->settings.ablation.value_bias));
    if (!cells || !how || !bias)
        return false;
    *out = (struct heatmap){
        .n_layers = shape->n_layers,
        .n_heads = shape->n_heads,
        .cells = cells,
        .bar = m->effects->bar[m->metric],
        .title = title(m, how),
        .subtitle = subtitle(m, bias),
        .quantity = *metric->unit ? arena_printf(m->arena, "Δ %s (%s)", metric->name, metric->unit)
                                  : arena_printf(m->arena, "Δ %s", metric->name),
    };
    for (size_t i = 0; i < m->effects->n_heads; i++) {
        const struct effect *e = &m->effects->heads[i];
        const struct variant *v = &m->report->results->variants->items[e->variant];
        const struct head *h = v->nodes.heads;
        if (ablation_same(&v->how, first))
            cells[(size_t)h->layer * shape->n_heads + h->head] = e->delta[m->metric];
    }
    return out->title && out->subtitle && out->quantity;
}

// Of the heads with the largest effects, by group.
static bool make_forest(const struct maker *m, const struct heatmap *map, struct forest_figure *out)
{
    struct measured_rows measured = session_measured_rows(m->report->session);
    return forest_of_effects(m->report, &measured, m->effects, map, m->arena, out);
}

// A finished variant's effect among the patches, which are in the order of the variants; else NULL.
static const struct effect *patch_of(const struct effects *effects, size_t variant)
{
    size_t lo = 0, hi = effects->n_patches;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (effects->patches[middle].variant < variant)
            lo = middle + 1;
        else
            hi = middle;
    }
    bool found = lo < effects->n_patches && effects->patches[lo].variant == variant;
    return found ? &effects->patches[lo] : NULL;
}

// "34/168": of the rows at a position those that differ there, the same for every patch there.
static const char *rows_text(const struct effect *e, enum metric m, struct arena *a)
{
    return arena_printf(a, "%" PRIu32 "/%" PRIu32, e->changed[m].delta.n, e->delta[m].n);
}

static bool fill_map(const struct maker *m, const struct patch_map *map, struct estimate *cells,
                     struct estimate *judged, const char **below)
{
    for (size_t i = 0; i < (size_t)map->n_rows * map->n_columns; i++) {
        size_t column = i % map->n_columns;
        const struct effect *e = patch_of(m->effects, map->variants[i]);
        if (!e)
            continue;
        cells[i] = e->recovery[m->metric].ratio;
        judged[i] = e->delta[m->metric];
        if (!below[column] && !(below[column] = rows_text(e, m->metric, m->arena)))
            return false;
    }
    for (uint32_t c = 0; c < map->n_columns; c++)
        below[c] = below[c] ? below[c] : "";
    return true;
}

static bool make_map(const struct maker *m, const struct patch_map *map, struct heatmap *out)
{
    size_t n = (size_t)map->n_rows * map->n_columns;
    struct estimate *cells = arena_alloc(m->arena, n, sizeof *cells);
    struct estimate *judged = arena_alloc(m->arena, n, sizeof *judged);
    const char **below = arena_alloc(m->arena, map->n_columns, sizeof *below);
    const char **columns = arena_alloc(m->arena, map->n_columns, sizeof *columns);
    const char *what = arena_printf(m->arena, "%s patched", site_name(map->site));
    bool ok = cells && judged && below && columns && what;
    for (uint32_t c = 0; ok && c < map->n_columns; c++)
        ok = (columns[c] = shown(map->columns[c], m->arena));
    if (!ok || !fill_map(m, map, cells, judged, below))
        return false;
    *out = (struct heatmap){
        .title = title(m, what),
        .subtitle = subtitle(m, direction_name(m->report->session->settings.direction)),
        .quantity = "recovery",
        .n_layers = map->n_rows,
        .n_heads = map->n_columns,
        .cells = cells,
        .judged = judged,
        .bar = m->effects->bar[m->metric],
        .rows = map->rows,
        .columns = columns,
        .below = below,
    };
    return out->title && out->subtitle;
}

// --------------------------------------------------------------------------------------- all of it

enum { MOST_FIGURES = 2 + N_SITES };

struct list {
    struct figure items[MOST_FIGURES];
    struct heatmap maps[MOST_FIGURES];
    struct forest_figure forest;
    size_t n;
};

static bool add_names(struct figures *f, size_t figure, const char *name)
{
    for (size_t i = 0; i < 2; i++) {
        const char *path = arena_printf(&f->arena, "artifacts/%s.%s", name, picture_kinds[i]);
        f->names[2 * figure + i] = path;
        if (!path)
            return false;
    }
    f->n = 2 * (figure + 1);
    return true;
}

static bool add_heads(struct figures *f, const struct maker *m, struct list *list)
{
    struct heatmap *map = &list->maps[list->n];
    if (!m->effects->n_heads)
        return true;
    if (!make_heatmap(m, map) || !add_names(f, list->n, "impact_heatmap"))
        return false;
    list->items[list->n++] = (struct figure){ .map = map };
    if (!m->effects->by_group.rows.n_groups)
        return true;
    if (!make_forest(m, map, &list->forest) || !add_names(f, list->n, "by_group"))
        return false;
    list->items[list->n++] = (struct figure){ .forest = &list->forest };
    return true;
}

static bool add_maps(struct figures *f, const struct maker *m, struct list *list)
{
    struct patch_map *maps;
    size_t n = 0;
    struct abl_err memory;
    if (!m->effects->n_patches)
        return true;
    if (!patch_maps_make(m->report->results->variants, m->arena, &maps, &n, &memory))
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *name = arena_printf(m->arena, "patch_map_%s", site_name(maps[i].site));
        struct heatmap *map = &list->maps[list->n];
        if (maps[i].n_rows > MOST_MAP_ROWS || maps[i].n_columns > MOST_MAP_COLUMNS)
            continue;
        if (!name || !make_map(m, &maps[i], map) || !add_names(f, list->n, name))
            return false;
        list->items[list->n++] = (struct figure){ .map = map };
    }
    return true;
}

void figures_begin(struct figures *f, const struct report *r, const struct effects *effects)
{
    struct arena scratch = { 0 };
    struct list list = { .n = 0 };
    struct maker m = { r, effects, r->session->settings.metric, &scratch };
    *f = (struct figures){ .n = 0 };
    f->names = arena_alloc(&f->arena, 2 * MOST_FIGURES, sizeof *f->names);
    bool ok
        = (f->names && add_heads(f, &m, &list) && add_maps(f, &m, &list)) || abl_no_memory(&f->err);
    if (ok && list.n)
        pictures_begin(r->jobs, list.items, list.n, &f->job, &f->err);
    arena_release(&scratch);
}

void figures_end(struct figures *f)
{
    job_end(f->job);
    arena_release(&f->arena);
}
