// Patches of one site as a map: layer by position.
#ifndef ABL_ANALYSIS_PATCH_MAP_H
#define ABL_ANALYSIS_PATCH_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "plan/variant.h"

struct patch_map {
    enum site site;
    bool has_heads; // then a row is a head, else a layer
    uint32_t n_rows, n_columns;
    const char *const *rows;    // (n_rows) layers, "2"; of sites that have heads "2:5"
    const char *const *columns; // (n_columns) positions: "subject:last", "-1"
    const size_t *variants;     // (n_rows, n_columns); NO_VARIANT: it is not in the run
};

// The maps of a list's patches, by site, rows and columns as they come in it; none without patches.
// In the arena.
bool patch_maps_make(const struct variants *v, struct arena *a, struct patch_map **out, size_t *n,
                     struct abl_err *err);

#endif
