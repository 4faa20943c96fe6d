// The explorer, as the command line sees it.
#ifndef ABL_UI_UI_H
#define ABL_UI_UI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "session/session.h"
#include "ui/look.h"
#include "ui/run_reader.h"

struct jobs;

struct ui_settings {
    enum color_when color;
    bool ascii;                    // no other characters, whatever the terminal can show
    bool no_mouse;                 // clicks stay with the terminal
    uint32_t width, height;        // of a screenshot, in cells
    const struct run_reader *runs; // what tells of runs in folders; NULL: none is opened
    const char *const *open;       // (n_open) folders of runs that are shown first; borrowed
    size_t n_open;
    struct jobs *jobs; // where pictures are drawn; NULL: in this process
};

// Open the explorer on the terminal; returns once the user leaves. ABL_USAGE without a terminal.
bool ui_run(const struct settings *run, const struct ui_settings *ui, struct abl_err *err);

// Run to the end without a terminal and draw the screen into a .svg, .png, .ans or .txt file. It
// has colours unless they are to be never used.
bool ui_screenshot(const struct settings *run, const struct ui_settings *ui, const char *path,
                   struct abl_err *err);

#endif
