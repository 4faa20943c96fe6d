// The explorer, as the command line sees it.
#ifndef ABL_UI_UI_H
#define ABL_UI_UI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/run.h"

// Open the explorer on the terminal; returns once the user leaves. ABL_USAGE without a terminal.
bool ui_run(const struct run_settings *settings, struct abl_err *err);

// Run to the end without a terminal and draw the screen, width x height cells, into a .svg, .png, .ans or .txt file.
bool ui_screenshot(const struct run_settings *settings, uint32_t width, uint32_t height,
                   const char *path, struct abl_err *err);

#endif
