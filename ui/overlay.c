#include "ui/overlay.h"

static const struct overlay_info overlays[N_OVERLAYS] = {
    [OVERLAY_NONE] = { OVERLAY_IS_NONE },
    [OVERLAY_HELP] = { OVERLAY_IS_HELP, "keys that work now" },
    [OVERLAY_MODEL] = { OVERLAY_IS_PICKER, "model", CATALOG_MODELS, "model" },
    [OVERLAY_DATA] = { OVERLAY_IS_PICKER, "condition", CATALOG_DATA, "data" },
    [OVERLAY_DEVICE] = { OVERLAY_IS_PICKER, "device", CATALOG_DEVICES, "device" },
    [OVERLAY_METRIC] = { OVERLAY_IS_PICKER, "metric", CATALOG_METRICS, "metric" },
    [OVERLAY_EXPERIMENT] = { OVERLAY_IS_PICKER, "experiment", CATALOG_EXPERIMENTS, "experiment" },
    [OVERLAY_SITE] = { OVERLAY_IS_PICKER, "site", CATALOG_SITES, "site" },
    [OVERLAY_SCALE]
    = { OVERLAY_IS_PROMPT, "scale", .hint = "factor for the head's output, such as 0.5 or -1" },
    [OVERLAY_EXPORT] = { OVERLAY_IS_PROMPT, "export into folder",
                         .hint = "Enter alone: runs/…, named by what was run" },
    [OVERLAY_COMMAND]
    = { OVERLAY_IS_PROMPT, "command", .hint = "export, screenshot, model, data, metric, …" },
    [OVERLAY_SEARCH] = { OVERLAY_IS_PROMPT, "go to head", .hint = "LAYER:HEAD, such as 0:2" },
};

const struct overlay_info *overlay_info(enum overlay o)
{
    return &overlays[o];
}
