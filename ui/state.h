// Everything the interface knows. Actions change it (action.h), views draw it, nothing else holds
// any of it.
#ifndef ABL_UI_STATE_H
#define ABL_UI_STATE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/session.h"
#include "ui/catalog.h"
#include "ui/layout.h"
#include "ui/look.h"
#include "ui/snapshot.h"

// The selected head, about which more is asked for while a pane shows it.
struct detail_ask {
    struct head head;
    size_t row; // whose attention is shown
    enum ov_kind ov_kind;
    unsigned run;
    bool complete; // the run has ended: every row is known
};

struct detail;

enum sort { SORT_EFFECT, SORT_DELTA, SORT_HEAD, N_SORTS };

enum overlay {
    OVERLAY_NONE,
    OVERLAY_HELP,
    OVERLAY_MODEL, // pickers
    OVERLAY_DATA,
    OVERLAY_DEVICE,
    OVERLAY_METRIC,
    OVERLAY_EXPERIMENT,
    OVERLAY_SITE,
    OVERLAY_SCALE, // prompts
    OVERLAY_EXPORT,
    OVERLAY_COMMAND,
    OVERLAY_SEARCH,
};

enum {
    MAX_NAME = PATH_MAX,
    MAX_UNDO = 64,
    MAX_LOG = 256,
    MAX_MESSAGE = 1024,
    MAX_PROMPT = 1024,
};

// What a run is made of, as chosen on screen.
struct choice {
    char model[MAX_NAME], data[MAX_NAME], device[MAX_NAME];
    struct ablation ablation;
    enum metric metric;
    enum experiment experiment;
    char sets[MAX_PROMPT]; // of sets and partial, as --sets has them; empty = the command line's
    unsigned sites;        // of patch: 1 << site
    enum direction direction;
    char positions[64];
};

struct undo_entry {
    struct marks marks;
    struct ablation ablation;
};

struct log_line {
    char *text; // owned; NULL where memory was out
    bool is_error;
};

// Effects of a run that was kept to be compared with.
struct kept {
    char name[512];
    uint32_t n_layers, n_heads;
    double *cells; // (n_layers, n_heads), NaN where there was none; owned, NULL: nothing is kept
};

struct state {
    uint32_t width, height;
    unsigned look;         // enum look
    enum pane focus, side; // side: the pane last shown right of the heatmap on a small screen
    struct head cursor;
    struct marks marks;
    bool joint_asked; // the marked set is measured or will be
    enum sort sort;
    uint32_t *order; // heads as indices of snap's cells, in rank order; owned
    size_t n_order;
    struct choice choice;
    enum overlay overlay;
    size_t picked, scroll; // of the open picker; scroll: first line of help
    size_t log_back;       // lines of its pane that the log is scrolled back by (ui/log.h)
    char prompt[MAX_PROMPT];
    size_t caret;                  // bytes before the caret
    const struct catalog *catalog; // borrowed; NULL before the first list is whole
    unsigned found;                // its lists that are whole: 1 << enum catalog_kind
    struct snapshot *snap;         // owned; NULL before the first
    size_t item;                   // selected line of the list of results
    size_t row;                    // selected row of the data
    enum ov_kind ov_kind;
    struct detail *detail;   // owned; NULL before the first
    struct detail_ask asked; // what was asked for last
    bool has_asked;
    struct kept kept;            // a run to compare with
    bool differ;                 // the heatmap shows the run minus the kept one
    struct snapshot *difference; // owned; of snap and kept, NULL where they do not fit
    struct undo_entry undo[MAX_UNDO];
    size_t n_undo;
    struct log_line log[MAX_LOG]; // a ring: the newest is log[(n_log - 1) % MAX_LOG]
    size_t n_log;
    // one line about the last action; empty = none; the log has all of it
    char message[MAX_MESSAGE];
    bool message_is_error;
    char marks_wanted[256]; // --sets' first set, marked once the model's shape is known
    char export_path[MAX_PROMPT], screenshot_path[MAX_PROMPT]; // arguments of effects
};

// Start from the command line's settings. Owned: state_free.
bool state_new(const struct settings *settings, struct state **out, struct abl_err *err);
void state_free(struct state *s);

// Take over a snapshot, owned from now on. Keeps cursor and marks inside the model's shape; returns
// true if marks changed by that, so that they have to be measured.
bool state_take_snapshot(struct state *s, struct snapshot *snap);

// Show a message until the next key, and keep it in the log, however long it is.
void state_say(struct state *s, bool is_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void state_log(struct state *s, bool is_error, const char *text);

// i = 0 is the newest line; NULL past the oldest.
const struct log_line *state_log_line(const struct state *s, size_t i);

// Fill order from the snapshot. Called when either changes.
void state_sort(struct state *s);
const char *sort_name(enum sort sort);

bool marks_has(const struct marks *m, struct head h);

// Whether two ablations are the same.
bool ablation_same(struct ablation a, struct ablation b);

// "zero", "scale 0.5", "mean", …
void ablation_name(struct ablation a, char *out, size_t size);

// The pane that shows an experiment's results.
enum pane experiment_pane(enum experiment e);

bool overlay_is_picker(enum overlay o);
bool overlay_is_prompt(enum overlay o);
enum catalog_kind overlay_catalog(enum overlay picker);

// The list of the open picker; empty while it is being filled, which picker_is_ready tells apart.
bool picker_is_ready(const struct state *s);
struct catalog_list state_picker_list(const struct state *s);

// What a visible pane needs and nobody has asked for yet; true if something. It counts as asked for
// from then on.
bool state_ask_detail(struct state *s, struct detail_ask *out);

// Take over a detail, owned from now on.
void state_take_detail(struct state *s, struct detail *detail);

// The detail of what is selected now, NULL while it is awaited.
const struct detail *state_detail(const struct state *s);

// Keep the effects shown to compare later runs with.
void state_keep(struct state *s);

// Whether the heatmap shows the difference to the kept run.
bool state_shows_difference(const struct state *s);

// Switch between the run and its difference to the kept one.
void state_toggle_difference(struct state *s);

// The finished run that is shown is the one asked for: false while loading.
bool state_has_grid(const struct state *s);

#endif
