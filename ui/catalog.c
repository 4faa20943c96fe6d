#include "ui/catalog.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "experiments/experiments.h"
#include "model/model.h"
#include "session/session.h"
#include "stats/metrics.h"
#include "text/dataset.h"
#include "ui/pane_name.h"

// Room for n items; NULL items and n = 0 when memory is out.
static struct catalog_list new_list(struct catalog *c, size_t n)
{
    return (struct catalog_list){ .items = arena_alloc(&c->arena, n, sizeof(struct catalog_item)) };
}

static void add(struct catalog *c, struct catalog_list *list, const char *value, const char *detail,
                bool usable)
{
    if (!list->items)
        return;
    struct catalog_item item = { arena_strdup(&c->arena, value),
                                 detail ? arena_strdup(&c->arena, detail) : NULL, usable };
    if (!item.value)
        return;
    if (!item.detail)
        item.detail = "";
    list->items[list->n++] = item;
}

static void fill_models(struct catalog *c, const struct model_places *places)
{
    struct model_entry *entries;
    struct abl_err err;
    size_t n;
    if (!model_list(places, &entries, &n, &err))
        return;
    struct catalog_list list = new_list(c, n);
    for (size_t i = 0; i < n; i++) {
        const struct model_entry *e = &entries[i];
        const char *detail = e->why.text;
        if (e->usable)
            detail
                = arena_printf(&c->arena, "%" PRIu32 " layers x %" PRIu32 " heads, %.3g M params",
                               e->shape.n_layers, e->shape.n_heads, (double)e->n_params / 1e6);
        add(c, &list, e->name, detail, e->usable);
    }
    model_entries_free(entries, n);
    c->lists[CATALOG_MODELS] = list;
}

static void add_condition(struct catalog *c, struct catalog_list *list, const char *name,
                          const char *data_dir)
{
    struct dataset *data;
    struct abl_err err;
    size_t dropped;
    if (!dataset_open(name, data_dir, SPLIT_ALL, 0, true, &data, &dropped, &err)) {
        add(c, list, name, err.text, false);
        return;
    }
    add(c, list, name,
        arena_printf(&c->arena, "%zu rows%s", data->n_rows, data->has_split_file ? ", split" : ""),
        true);
    dataset_free(data);
}

static void fill_conditions(struct catalog *c, const char *data_dir)
{
    char **names;
    struct abl_err err;
    size_t n;
    if (!dataset_list(data_dir, &names, &n, &err))
        return;
    struct catalog_list list = new_list(c, n);
    for (size_t i = 0; i < n; i++) {
        add_condition(c, &list, names[i], data_dir);
        free(names[i]);
    }
    free(names);
    c->lists[CATALOG_DATA] = list;
}

static void fill_devices(struct catalog *c)
{
    struct device_info *devices;
    struct abl_err err;
    char note[512];
    size_t n;
    if (!engine_list(&devices, &n, note, sizeof note, &err))
        return;
    struct catalog_list list = new_list(c, n + 1);
    add(c, &list, "auto", "a GPU where there is one, else the cpu", true);
    for (size_t i = 0; i < n; i++) {
        const char *name = "cpu";
        if (devices[i].kind != DEVICE_CPU)
            name = arena_printf(&c->arena, "vulkan:%" PRIu32, devices[i].vulkan_index);
        if (name)
            add(c, &list, name, devices[i].name, true);
    }
    free(devices);
    c->lists[CATALOG_DEVICES] = list;
}

static void fill_metrics(struct catalog *c)
{
    struct catalog_list list = new_list(c, N_METRICS);
    for (int m = 0; m < N_METRICS; m++)
        add(c, &list, metric_info((enum metric)m)->name, metric_info((enum metric)m)->meaning,
            true);
    c->lists[CATALOG_METRICS] = list;
}

static void fill_experiments(struct catalog *c)
{
    struct catalog_list list = new_list(c, N_EXPERIMENTS);
    for (int e = 0; e < N_EXPERIMENTS; e++)
        add(c, &list, experiments[e]->name, experiments[e]->about, true);
    c->lists[CATALOG_EXPERIMENTS] = list;
}

static void fill_sites(struct catalog *c)
{
    struct catalog_list list = new_list(c, N_SITES);
    for (int site = 0; site < N_SITES; site++)
        add(c, &list, site_name((enum site)site), "", true);
    c->lists[CATALOG_SITES] = list;
}

static void fill_panes(struct catalog *c)
{
    struct catalog_list list = new_list(c, N_PANES);
    for (int i = 0; i < N_PANES; i++)
        add(c, &list, pane_name((enum pane)i), pane_about((enum pane)i), true);
    c->lists[CATALOG_PANES] = list;
}

static void catalog_release(struct catalog *c)
{
    arena_release(&c->arena);
    *c = (struct catalog){ 0 };
}

struct catalog_search {
    pthread_t thread;
    struct model_places places;
    int wake_fd;
    struct catalog catalog;
    atomic_uint found;
};

static void publish(struct catalog_search *c, enum catalog_kind kind)
{
    atomic_fetch_or(&c->found, 1u << kind);
    ssize_t written = write(c->wake_fd, "", 1); // a full pipe wakes as well
    (void)written;
}

static void *search(void *context)
{
    struct catalog_search *c = context;
    fill_conditions(&c->catalog, c->places.data_dir);
    publish(c, CATALOG_DATA);
    fill_models(&c->catalog, &c->places);
    publish(c, CATALOG_MODELS);
    fill_devices(&c->catalog); // drivers may take seconds
    publish(c, CATALOG_DEVICES);
    return NULL;
}

bool catalog_search_start(const struct model_places *places, int wake_fd,
                          struct catalog_search **out, struct abl_err *err)
{
    struct catalog_search *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    c->places = *places;
    c->wake_fd = wake_fd;
    fill_metrics(&c->catalog);
    fill_experiments(&c->catalog);
    fill_sites(&c->catalog);
    fill_panes(&c->catalog);
    publish(c, CATALOG_METRICS);
    publish(c, CATALOG_EXPERIMENTS);
    publish(c, CATALOG_SITES);
    publish(c, CATALOG_PANES);
    int failure = pthread_create(&c->thread, NULL, search, c);
    if (failure) {
        catalog_release(&c->catalog);
        free(c);
        return abl_fail(err, ABL_FAILED, "cannot start a thread: %s", strerror(failure));
    }
    *out = c;
    return true;
}

unsigned catalog_search_found(struct catalog_search *c)
{
    return atomic_load(&c->found);
}

const struct catalog *catalog_search_lists(const struct catalog_search *c)
{
    return &c->catalog;
}

void catalog_search_free(struct catalog_search *c)
{
    if (!c)
        return;
    pthread_join(c->thread, NULL);
    catalog_release(&c->catalog);
    free(c);
}
