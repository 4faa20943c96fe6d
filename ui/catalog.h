// What the pickers offer. Looking at models and drivers takes a moment, so a thread does it.
#ifndef ABL_UI_CATALOG_H
#define ABL_UI_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/model.h"

struct catalog_item {
    const char *value;  // what is chosen
    const char *detail; // shown beside it
    bool usable;
};

struct catalog_list {
    struct catalog_item *items;
    size_t n;
};

enum catalog_kind {
    CATALOG_MODELS,
    CATALOG_DATA,
    CATALOG_DEVICES,
    CATALOG_METRICS,
    CATALOG_EXPERIMENTS,
    CATALOG_SITES,
    CATALOG_PANES,
    N_CATALOGS
};

struct catalog {
    struct catalog_list lists[N_CATALOGS];
    struct arena arena;
};

// Start filling the lists: metrics at once, the slow ones last; what cannot be listed is
// left out. the places are borrowed; a byte is written to wake_fd for every list that is
// whole. Owned: catalog_search_free.
struct catalog_search;
bool catalog_search_start(const struct model_places *places, int wake_fd,
                          struct catalog_search **out, struct abl_err *err);
// The lists that are whole, a bit 1 << kind each; the others of catalog_search_lists must not be
// read yet.
unsigned catalog_search_found(struct catalog_search *c);
const struct catalog *catalog_search_lists(const struct catalog_search *c);
void catalog_search_free(struct catalog_search *c); // waits for the thread

#endif
