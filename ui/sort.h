// The order of the rank pane.
#ifndef ABL_UI_SORT_H
#define ABL_UI_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/snapshot.h"

enum sort { SORT_EFFECT, SORT_DELTA, SORT_HEAD, N_SORTS };

// "largest effect", …
const char *sort_name(enum sort sort);

// The measured heads of a snapshot as indices of its cells, ties in reading order; order has room
// for all of them. *n: how many they are. False, and none, when memory is out.
bool sort_heads(const struct snapshot *p, enum sort sort, uint32_t *order, size_t *n);

#endif
