// How the explorer shows each experiment: a row for those that are no mere list of variants.
// Nothing else in ui asks which one it is.
#ifndef ABL_UI_PRESENTATION_H
#define ABL_UI_PRESENTATION_H

#include <stdbool.h>

#include "session/settings.h"
#include "ui/layout.h"

struct presentation {
    const struct experiment *of;
    enum pane pane;          // that shows its results
    const char *unit;        // what its variants are
    const char *empty_list;  // what the list of results says while nothing is in it
    const char *item_effect; // what the list's numbers are; NULL: effects on the metric
    bool named;              // in the header
    bool set_beside;         // an export has the marked set beside it, as a run of its own
};

const struct presentation *presentation_of(const struct experiment *e);

#endif
