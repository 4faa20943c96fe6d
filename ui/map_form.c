#include "ui/map_form.h"

#include "ui/text.h"

enum {
    CELL_LEAST = 9,
    CELL_MOST = 16,
    COUNTS_NAME = 13, // behind the last cell
};

static uint32_t widest(const char *const *texts, uint32_t n)
{
    uint32_t width = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t own = text_width(texts[i]);
        width = own > width ? own : width;
    }
    return width;
}

struct map_form map_form_of(const struct item_map *map)
{
    uint32_t name = widest(map->axes.columns, map->axes.n_columns) + 3;
    name = name < CELL_MOST ? name : CELL_MOST;
    return (struct map_form){ .label_w = widest(map->axes.rows, map->axes.n_rows) + 3,
                              .cell_w = name > CELL_LEAST ? name : CELL_LEAST };
}

struct heat_size map_form_size(const struct item_map *map)
{
    struct map_form f = map_form_of(map);
    return (struct heat_size){ f.label_w + map->axes.n_columns * f.cell_w + COUNTS_NAME,
                               map->axes.n_rows + MAP_LINES_BESIDE };
}
