// How wide and high a map of patches is drawn.
#ifndef ABL_UI_MAP_FORM_H
#define ABL_UI_MAP_FORM_H

#include <stdint.h>

#include "ui/heat_form.h"
#include "ui/snapshot.h"

struct map_form {
    uint32_t label_w; // columns of the rows' names
    uint32_t cell_w;
};

// Lines above and below the rows: names, how many rows differ, a blank one, the legend.
enum { MAP_LINES_BESIDE = 4 };

struct map_form map_form_of(const struct item_map *map);

// What it takes to show all of it.
struct heat_size map_form_size(const struct item_map *map);

#endif
