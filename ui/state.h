// Everything the interface knows: actions change it (apply.h), views draw it.
#ifndef ABL_UI_STATE_H
#define ABL_UI_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/settings.h"
#include "ui/catalog.h"
#include "ui/choice.h"
#include "ui/detail.h"
#include "ui/layout.h"
#include "ui/log.h"
#include "ui/look.h"
#include "ui/marks.h"
#include "ui/open_runs.h"
#include "ui/overlay.h"
#include "ui/said.h"
#include "ui/saved_run.h"
#include "ui/snapshot.h"
#include "ui/sort.h"
#include "ui/typed.h"

enum { MAX_UNDO = 64, MAX_MESSAGE = 1024, MAX_SET_NAME = 48, MAX_NAMED_SETS = 32 };

struct named_set {
    char name[MAX_SET_NAME];
    struct marks marks;
};

struct undo_entry {
    struct marks marks;
    struct ablation ablation;
    struct ablations kinds;
};

struct state {
    uint32_t width, height;
    unsigned look; // enum look
    enum pane focus;
    enum pane recent[N_PANES]; // as of struct layout_ask
    bool zoomed;               // the focused pane has the place of all
    struct head cursor;
    bool cursor_moved; // by hand: it stays where it is when a run ends
    struct marks marks;
    struct named_set named_sets[MAX_NAMED_SETS];
    size_t n_named_sets;
    bool joint_asked; // the marked set is measured or will be
    enum sort sort;
    uint32_t *order; // heads as indices of snap's cells, in rank order; owned
    size_t n_order;
    struct choice choice;
    enum overlay overlay;
    size_t picked, scroll;         // of the open picker; scroll: first line of help
    struct typed typed;            // into the open prompt
    const struct catalog *catalog; // borrowed; NULL before the first list is whole
    unsigned found;                // its lists that are whole: 1 << enum catalog_kind
    struct snapshot *snap;         // owned; NULL before the first
    size_t item;                   // selected line of the list of results
    size_t row;                    // selected row of the data
    enum ov_kind ov_kind;
    struct detail *detail;   // owned; NULL before the first
    struct detail_ask asked; // what was asked for last
    bool has_asked;
    struct said *said;          // owned; NULL before the first
    struct said_ask said_asked; // what was asked for last
    bool has_said_asked;
    struct saved_run saved;      // a run to compare with
    bool differ;                 // the heatmap shows the run minus the saved one
    struct snapshot *difference; // owned; of snap and saved, NULL where they do not fit
    struct undo_entry undo[MAX_UNDO];
    size_t n_undo;
    struct log log;
    struct open_runs open;
    char message[MAX_MESSAGE]; // the last action in a line; empty = none; the log has all of it
    bool message_is_error;
    unsigned metrics_seen;  // a bit each
    char marks_wanted[256]; // --sets' first set, marked once the model's shape is known
    // arguments of effects
    char export_path[MAX_TYPED], screenshot_path[MAX_TYPED], open_path[MAX_TYPED];
    char sets_path[MAX_TYPED];
};

// Start from the command line's settings. Owned: state_free.
bool state_new(const struct settings *settings, struct state **out, struct abl_err *err);
void state_free(struct state *s);

// Take over a snapshot, owned from now on. Keeps cursor and marks inside the model's shape; returns
// true if marks changed by that, so that they have to be measured. With the end of a run the cursor
// goes to the largest effect, unless it has been moved.
bool state_take_snapshot(struct state *s, struct snapshot *snap);

// A run that lies in a folder is shown: what it was asked to be.
void state_take_opened(struct state *s, const struct choice *choice, enum ov_kind ov_kind);

// Show the run in a folder, or the first of those of several conditions that lie in it, or another
// of the open ones, `by` further. What is to be opened is in open_path; false and a message where
// nothing is.
bool state_open_run(struct state *s, const char *folder);
bool state_step_run(struct state *s, int by);

// Show a message until the next key, and keep it in the log, however long it is.
void state_say(struct state *s, bool is_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void state_log(struct state *s, bool is_error, const char *text);

// Where everything stands.
struct layout state_layout(const struct state *s);

// Where the log is drawn; of no width where it is not.
struct rect state_log_pane(const struct state *s);

// Fill order from the snapshot. Called when either changes.
void state_sort(struct state *s);

// Go to a pane, which has a place from then on.
void state_focus(struct state *s, enum pane pane);

// Cover the panes.
void state_open(struct state *s, enum overlay overlay);

// Whether a prompt is open.
bool state_is_typing(const struct state *s);

// What a visible pane needs and nobody has asked for yet; true if something. It counts as asked for
// from then on.
bool state_ask_detail(struct state *s, struct detail_ask *out);

// The selected row of the data, NULL while it is awaited.
const struct detail_row *state_row(const struct state *s);

// The patch whose map stands in the place of the heatmap: the selected item, or the one before it
// that is a cell of a map; NULL where the heatmap of heads says all that there is.
const struct item *state_map_item(const struct state *s);

// Select an item, 0 where there is none; of a patched head the cursor goes to the head.
void state_select_item(struct state *s, size_t item);

// Take over a detail, owned from now on.
void state_take_detail(struct state *s, struct detail *detail);

// The detail of what is selected now, NULL while it is awaited.
const struct detail *state_detail(const struct state *s);

// The same of what the model says behind the selected row while its pane is shown: with the marked
// heads ablated, or the selected one where none is marked.
bool state_ask_say(struct state *s, struct said_ask *out);

// Take over what is said, owned from now on.
void state_take_said(struct state *s, struct said *said);

// What is said of what is selected now, NULL while it is awaited.
const struct said *state_said(const struct state *s);

// Keep the effects shown to compare later runs with.
void state_keep(struct state *s);

// Whether the heatmap shows the difference to the saved run.
bool state_shows_difference(const struct state *s);

// Switch between the run and its difference to the saved one.
void state_toggle_difference(struct state *s);

// How many lines of groups the box shows below its heading of FOREST_HEADING lines, the whole's own
// behind them, and by how many it can be scrolled.
enum { FOREST_HEADING = 2 };
size_t forest_shown(const struct state *s);
size_t forest_scroll_limit(const struct state *s);

// The finished run that is shown is the one asked for: false while loading.
bool state_has_grid(const struct state *s);

#endif
