// The list of the open picker, and what is picked of it.
#ifndef ABL_UI_PICKER_H
#define ABL_UI_PICKER_H

#include <stdbool.h>

#include "ui/catalog.h"
#include "ui/state.h"

// Whether a picker is open.
bool picker_is_open(const struct state *s);

// Its list; empty while it is being filled, which picker_is_ready tells apart.
bool picker_is_ready(const struct state *s);
struct catalog_list picker_list(const struct state *s);

// Pick what is chosen already, if it is in the list.
void picker_pick_chosen(struct state *s);

// Lists have arrived (borrowed): those of `found`, 1 << enum catalog_kind each.
void picker_take_catalog(struct state *s, const struct catalog *catalog, unsigned found);

#endif
