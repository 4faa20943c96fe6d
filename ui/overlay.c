#include "ui/overlay.h"

#define PICKER(name, list, takes)                                                                  \
    {                                                                                              \
        .kind = OVERLAY_IS_PICKER, .title = (name), .catalog = (list), .command = (takes)          \
    }
#define PROMPT(name, example)                                                                      \
    {                                                                                              \
        .kind = OVERLAY_IS_PROMPT, .title = (name), .hint = (example)                              \
    }

// OVERLAY_NONE is the zero row.
static const struct overlay_info overlays[N_OVERLAYS] = {
    [OVERLAY_HELP] = { .kind = OVERLAY_IS_HELP, .title = "keys that work now" },
    [OVERLAY_FOREST] = { .kind = OVERLAY_IS_FOREST, .title = "by group" },
    [OVERLAY_MODEL] = PICKER("model", CATALOG_MODELS, "model"),
    [OVERLAY_DATA] = PICKER("condition", CATALOG_DATA, "data"),
    [OVERLAY_DEVICE] = PICKER("device", CATALOG_DEVICES, "device"),
    [OVERLAY_METRIC] = PICKER("metric", CATALOG_METRICS, "metric"),
    [OVERLAY_EXPERIMENT] = PICKER("experiment", CATALOG_EXPERIMENTS, "experiment"),
    [OVERLAY_SITE] = PICKER("site", CATALOG_SITES, "site"),
    [OVERLAY_PANE] = PICKER("pane", CATALOG_PANES, "pane"),
    [OVERLAY_SCALE] = PROMPT("scale", "factor for the head's output, such as 0.5 or -1"),
    [OVERLAY_EXPORT] = PROMPT("export into folder", "Enter alone: runs/…, named by what was run"),
    [OVERLAY_COMMAND] = PROMPT("command", "export, screenshot, model, data, metric, …"),
    [OVERLAY_TOP] = PROMPT("mark the top", "how many of the largest effects; Enter alone: 5"),
    [OVERLAY_SET_NAME]
    = PROMPT("name of the marked set", "such as suppressors; :set brings it back"),
    [OVERLAY_SEARCH] = PROMPT("go to head", "LAYER:HEAD, such as 0:2"),
};

const struct overlay_info *overlay_info(enum overlay o)
{
    return &overlays[o];
}
