// What can cover the panes: a row an overlay.
#ifndef ABL_UI_OVERLAY_H
#define ABL_UI_OVERLAY_H

#include "ui/catalog.h"

enum overlay {
    OVERLAY_NONE,
    OVERLAY_HELP,
    OVERLAY_FOREST, // the selected head by group
    OVERLAY_MODEL,
    OVERLAY_DATA,
    OVERLAY_DEVICE,
    OVERLAY_METRIC,
    OVERLAY_EXPERIMENT,
    OVERLAY_SITE,
    OVERLAY_PANE,
    OVERLAY_SCALE,
    OVERLAY_EXPORT,
    OVERLAY_COMMAND,
    OVERLAY_SEARCH,
    OVERLAY_TOP,
    OVERLAY_SET_NAME,
    N_OVERLAYS,
};

enum overlay_kind {
    OVERLAY_IS_NONE,
    OVERLAY_IS_HELP,
    OVERLAY_IS_FOREST,
    OVERLAY_IS_PICKER, // a list to pick from
    OVERLAY_IS_PROMPT, // a line to type
};

struct overlay_info {
    enum overlay_kind kind;
    const char *title;
    enum catalog_kind catalog; // of a picker: its list,
    const char *command;       // and the command that takes what is picked
    const char *hint;          // of a prompt: shown while nothing is typed
};

const struct overlay_info *overlay_info(enum overlay o);

#endif
