// What a key can ask for, and what that can ask of the main loop.
#ifndef ABL_UI_ACTION_H
#define ABL_UI_ACTION_H

enum action {
    DO_NONE,
    DO_LEFT,
    DO_RIGHT,
    DO_UP,
    DO_DOWN,
    DO_PAGE_UP,
    DO_PAGE_DOWN,
    DO_FIRST, // first layer, first row, oldest line
    DO_LAST,
    DO_LINE_START, // first head; start of a prompt
    DO_LINE_END,
    DO_SELECT, // the head arg = layer << 16 | head
    DO_PANE,   // arg: enum pane
    DO_ZOOM,
    DO_NEXT_PANE,
    DO_PREVIOUS_PANE,
    DO_OPEN, // drill into the selection; take the picked item; accept the prompt
    DO_BACK,
    DO_MARK,
    DO_CLEAR_MARKS,
    DO_KEEP_ONLY,
    DO_INVERT_MARKS,
    DO_NEXT_ABLATION,
    DO_ABLATE, // arg: enum ablate_kind, by scaling to zero
    DO_KEEP,
    DO_NEXT_RUN, // of those that are open; the one that was shown is kept to compare with
    DO_PREVIOUS_RUN,
    DO_DIFFER,
    DO_TOGGLE_OV,
    DO_NEXT_ROW,
    DO_PREVIOUS_ROW,
    DO_SORT,
    DO_OVERLAY, // arg: enum overlay
    DO_CANCEL,
    DO_RERUN, // from the start, or on with what was cancelled
    DO_UNDO,
    DO_COPY,
    DO_TYPE, // arg: a character
    DO_ERASE,
    DO_ERASE_LINE,
    DO_REDRAW,
    DO_QUIT,
};

// What the main loop has to do after an action; paths and choices are in the state.
enum action_effect {
    EFFECT_RUN = 1 << 0,   // make the run that state->choice describes
    EFFECT_RERUN = 1 << 1, // run it again even if nothing changed
    EFFECT_JOINT = 1 << 2, // measure the marked set
    EFFECT_CANCEL = 1 << 3,
    EFFECT_EXPORT = 1 << 4, // to state->export_path, empty = the default
    EFFECT_SCREENSHOT = 1 << 5,
    EFFECT_CATALOG = 1 << 6, // fill the lists of the pickers
    EFFECT_REDRAW = 1 << 7,
    EFFECT_QUIT = 1 << 8,
    EFFECT_OPEN = 1 << 9,      // the run in state->open_path
    EFFECT_OPEN_NEW = 1 << 10, // what lies there is to be found out first
    EFFECT_COPY = 1 << 11,     // what is selected, to the terminal's clipboard
    EFFECT_SETS = 1 << 12,     // the named sets to state->sets_path
};

#endif
