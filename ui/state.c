#include "ui/state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/head_syntax.h"
#include "ui/map_form.h"
#include "ui/presentation.h"

// Make it the pane that was used last.
static void use_pane(struct state *s, enum pane pane)
{
    size_t at = 0;
    while (s->recent[at] != pane)
        at++;
    memmove(s->recent + 1, s->recent, at * sizeof *s->recent);
    s->recent[0] = pane;
}

// What the panes' places are for before any has been used.
static void first_panes(struct state *s)
{
    static const enum pane first[] = { PANE_HEAD, PANE_RANK, PANE_OV, PANE_ROWS, PANE_ATTN };
    for (size_t i = 0; i < N_PANES; i++)
        s->recent[i] = (enum pane)(N_PANES - 1 - i); // the heatmap last
    for (size_t i = sizeof first / sizeof *first; i-- > 0;)
        use_pane(s, first[i]);
    use_pane(s, presentation_of(s->choice.experiment)->pane);
}

bool state_new(const struct settings *settings, struct state **out, struct abl_err *err)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    choice_init(&s->choice, settings);
    s->metrics_seen = 1u << s->choice.metric;
    s->ov_kind = settings->ov_kind;
    first_panes(s);
    if (settings->sets)
        snprintf(s->marks_wanted, sizeof s->marks_wanted, "%.*s", (int)strcspn(settings->sets, ";"),
                 settings->sets);
    *out = s;
    return true;
}

void state_free(struct state *s)
{
    if (!s)
        return;
    snapshot_free(s->snap);
    log_release(&s->log);
    free(s->order);
    open_runs_release(&s->open);
    saved_run_release(&s->saved);
    snapshot_free(s->difference);
    detail_free(s->detail);
    free(s->said);
    free(s);
}

bool state_has_grid(const struct state *s)
{
    return s->snap && s->snap->n_layers && s->snap->n_heads;
}

// The command line's set, now that it is known which heads there are.
static bool mark_wanted(struct state *s)
{
    struct arena a = { 0 };
    struct head_set *sets;
    size_t n;
    struct abl_err err;
    bool marked = false;
    if (!sets_parse(s->marks_wanted, &s->snap->facts.shape, &a, &sets, &n, &err)) {
        state_say(s, true, "%s", err.text);
    } else if (n && sets[0].n <= MAX_MARKS) {
        memcpy(s->marks.items, sets[0].heads, sets[0].n * sizeof *sets[0].heads);
        s->marks.n = sets[0].n;
        marked = true;
    }
    s->marks_wanted[0] = '\0';
    arena_release(&a);
    return marked;
}

static void make_difference(struct state *s)
{
    snapshot_free(s->difference);
    s->difference
        = s->differ && state_has_grid(s) ? saved_run_difference(&s->saved, s->snap) : NULL;
}

// To the head with the largest effect.
static void go_to_largest(struct state *s)
{
    const struct snapshot *p = s->snap;
    for (uint32_t layer = 0; layer < p->n_layers; layer++)
        for (uint32_t head = 0; head < p->n_heads; head++)
            if (snapshot_rank(p, (struct head){ layer, head }) == 1) {
                s->cursor = (struct head){ layer, head };
                return;
            }
}

// To the patch that gives most back.
static void go_to_largest_item(struct state *s)
{
    const struct snapshot *p = s->snap;
    double largest = 0;
    for (size_t i = 0; i < p->n_items; i++) {
        double size = fabs(p->items[i].delta.mean);
        if (p->items[i].map && p->items[i].done && size > largest) {
            largest = size;
            state_select_item(s, i);
        }
    }
}

static bool ends_a_run(const struct snapshot *before, const struct snapshot *now)
{
    bool known = before && before->phase == RUN_DONE && before->run == now->run;
    return now->phase == RUN_DONE && !known;
}

bool state_take_snapshot(struct state *s, struct snapshot *snap)
{
    bool ended = ends_a_run(s->snap, snap);
    snapshot_free(s->snap);
    s->snap = snap;
    if (!state_has_grid(s)) {
        s->n_order = 0;
        return false;
    }
    if (ended && !s->cursor_moved)
        go_to_largest(s);
    if (s->item >= snap->n_items)
        s->item = snap->n_items ? snap->n_items - 1 : 0;
    if (ended && !s->cursor_moved)
        go_to_largest_item(s);
    if (s->cursor.layer >= snap->n_layers)
        s->cursor.layer = snap->n_layers - 1;
    if (s->cursor.head >= snap->n_heads)
        s->cursor.head = snap->n_heads - 1;
    if (snap->has_facts && s->row >= snap->facts.n_rows)
        s->row = snap->facts.n_rows ? snap->facts.n_rows - 1 : 0;
    bool changed = marks_cut(&s->marks, snap->n_layers, snap->n_heads);
    if (s->marks_wanted[0] && snap->has_facts)
        changed |= mark_wanted(s);
    s->joint_asked |= changed;
    state_sort(s);
    make_difference(s);
    return changed;
}

struct layout state_layout(const struct state *s)
{
    bool known = state_has_grid(s);
    const struct item *patch = state_map_item(s);
    return layout_compute(&(struct layout_ask){ .width = s->width,
                                                .height = s->height,
                                                .n_layers = known ? s->snap->n_layers : 0,
                                                .n_heads = known ? s->snap->n_heads : 0,
                                                .plain = s->look & LOOK_PLAIN,
                                                .patches = patch ? map_form_size(patch->map)
                                                                 : (struct heat_size){ 0 },
                                                .recent = s->recent,
                                                .zoomed = s->zoomed ? s->focus : N_PANES });
}

void state_take_opened(struct state *s, const struct choice *choice, enum ov_kind ov_kind)
{
    s->choice = *choice;
    s->ov_kind = ov_kind;
    s->metrics_seen = 1u << choice->metric;
    s->n_undo = 0;
    use_pane(s, presentation_of(choice->experiment)->pane);
    if (s->focus != PANE_IMPACT)
        s->focus = s->recent[0];
}

static bool show_open(struct state *s)
{
    snprintf(s->open_path, sizeof s->open_path, "%s", s->open.places[s->open.shown]);
    return true;
}

bool state_open_run(struct state *s, const char *folder)
{
    struct abl_err err;
    if (open_runs_add(&s->open, folder, &err))
        return show_open(s);
    state_say(s, true, "%s", err.text);
    return false;
}

bool state_step_run(struct state *s, int by)
{
    if (s->open.n < 2)
        return false;
    if (state_has_grid(s) && s->snap->has_facts && saved_run_keep(&s->saved, s->snap))
        state_log(s, false, "the run that was shown is kept: 9 has both, d their difference");
    s->open.shown = (s->open.shown + (by > 0 ? 1 : s->open.n - 1)) % s->open.n;
    return show_open(s);
}

struct rect state_log_pane(const struct state *s)
{
    struct layout l = state_layout(s);
    return l.panes[PANE_LOG].w ? layout_text(l.panes[PANE_LOG]) : (struct rect){ 0 };
}

void state_log(struct state *s, bool is_error, const char *text)
{
    log_add(&s->log, is_error, text, state_log_pane(s));
}

void state_say(struct state *s, bool is_error, const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return;
    snprintf(s->message, sizeof s->message, "%s", text);
    s->message_is_error = is_error;
    state_log(s, is_error, text);
    free(text);
}

void state_sort(struct state *s)
{
    size_t n = state_has_grid(s) ? (size_t)s->snap->n_layers * s->snap->n_heads : 0;
    uint32_t *order = realloc(s->order, (n ? n : 1) * sizeof *order);
    s->n_order = 0;
    if (!order)
        return;
    s->order = order;
    if (n)
        sort_heads(s->snap, s->sort, s->order, &s->n_order);
}

void state_focus(struct state *s, enum pane pane)
{
    s->focus = pane;
    if (pane != PANE_IMPACT)
        use_pane(s, pane);
}

void state_open(struct state *s, enum overlay overlay)
{
    s->overlay = overlay;
    s->picked = s->scroll = 0;
    typed_clear(&s->typed);
}

bool state_is_typing(const struct state *s)
{
    return overlay_info(s->overlay)->kind == OVERLAY_IS_PROMPT;
}

// All is made at once, but of a run whose model is not loaded what its files have: the model is
// loaded for the pane that has the keys.
static unsigned parts_now(const struct state *s)
{
    if (!s->snap || !s->snap->saved)
        return DETAIL_OV | DETAIL_ATTN;
    return s->focus == PANE_OV ? DETAIL_OV : s->focus == PANE_ATTN ? DETAIL_ATTN : 0;
}

static struct detail_ask ask_now(const struct state *s)
{
    return (struct detail_ask){ .head = s->cursor,
                                .row = s->row,
                                .ov_kind = s->ov_kind,
                                .how = s->snap ? s->snap->ablation : s->choice.ablation,
                                .run = s->snap ? s->snap->run : 0,
                                .complete = s->snap && s->snap->phase == RUN_DONE,
                                .parts = parts_now(s) };
}

// Rows are the same for every head: once known, they need not be asked for again.
static bool knows_rows(const struct state *s)
{
    return s->detail && s->snap && s->detail->ask.run == s->snap->run;
}

// A run's session is loaded and it has rows.
static bool is_loaded(const struct state *s)
{
    return s->snap && s->snap->has_facts && state_has_grid(s) && s->snap->phase != RUN_LOADING
           && s->snap->phase != RUN_FAILED;
}

bool state_ask_detail(struct state *s, struct detail_ask *out)
{
    struct layout l = state_layout(s);
    bool shown = layout_has(&l, PANE_OV) || layout_has(&l, PANE_ATTN) || layout_has(&l, PANE_ROWS);
    bool loaded = is_loaded(s);
    *out = ask_now(s);
    if (!shown)
        *out = (struct detail_ask){ .how = out->how, .run = out->run };
    bool needed = shown || !knows_rows(s);
    if (!needed || !loaded || (s->has_asked && detail_same_ask(&s->asked, out)))
        return false;
    s->asked = *out;
    s->has_asked = true;
    return true;
}

void state_take_detail(struct state *s, struct detail *detail)
{
    detail_free(s->detail);
    s->detail = detail;
}

const struct detail *state_detail(const struct state *s)
{
    struct detail_ask now = ask_now(s);
    return s->detail && detail_same_ask(&s->detail->ask, &now) ? s->detail : NULL;
}

const struct detail_row *state_row(const struct state *s)
{
    return knows_rows(s) && s->row < s->detail->n_rows ? &s->detail->rows[s->row] : NULL;
}

static struct said_ask say_now(const struct state *s)
{
    struct said_ask ask = { .row = s->row,
                            .heads = s->marks,
                            .how = s->snap ? s->snap->ablation : s->choice.ablation,
                            .run = s->snap ? s->snap->run : 0 };
    if (!ask.heads.n)
        marks_toggle(&ask.heads, s->cursor);
    return ask;
}

bool state_ask_say(struct state *s, struct said_ask *out)
{
    struct layout l = state_layout(s);
    *out = say_now(s);
    if (!layout_has(&l, PANE_SAY) || !is_loaded(s)
        || (s->has_said_asked && said_same_ask(&s->said_asked, out)))
        return false;
    s->said_asked = *out;
    s->has_said_asked = true;
    return true;
}

void state_take_said(struct state *s, struct said *said)
{
    free(s->said);
    s->said = said;
}

const struct said *state_said(const struct state *s)
{
    struct said_ask now = say_now(s);
    return s->said && said_same_ask(&s->said->ask, &now) ? s->said : NULL;
}

void state_select_item(struct state *s, size_t item)
{
    const struct snapshot *p = s->snap;
    s->item = item < p->n_items ? item : 0;
    const struct item *e = p->n_items ? &p->items[s->item] : NULL;
    if (e && e->map && e->map->axes.has_heads && e->head.head < p->n_heads)
        s->cursor = e->head;
}

const struct item *state_map_item(const struct state *s)
{
    const struct snapshot *p = s->snap;
    const struct item *found = NULL;
    if (!state_has_grid(s) || state_shows_difference(s))
        return NULL;
    for (size_t i = s->item + 1; p->n_maps && i-- > 0 && !found;)
        found = i < p->n_items && p->items[i].map ? &p->items[i] : NULL;
    bool says_more = found && (!found->map->axes.has_heads || found->map->axes.n_columns > 1);
    return says_more ? found : NULL;
}

bool state_shows_difference(const struct state *s)
{
    return s->differ && s->difference;
}

void state_toggle_difference(struct state *s)
{
    s->differ = !s->differ;
    make_difference(s);
    if (s->differ && !s->saved.cells) {
        s->differ = false;
        state_say(s, true, "nothing is kept to compare with: K keeps this run");
    } else if (s->differ && !s->difference) {
        state_say(s, true, "the kept run has other layers and heads: it cannot be subtracted");
    } else if (s->differ) {
        state_say(s, false, "the heatmap shows this run minus: %s", s->saved.name);
    } else {
        state_say(s, false, "the heatmap shows the run itself");
    }
}

void state_keep(struct state *s)
{
    if (!state_has_grid(s) || !s->snap->has_facts)
        state_say(s, true, "nothing to keep yet");
    else if (saved_run_keep(&s->saved, s->snap))
        state_say(s, false, "kept to compare with: %s", s->saved.name);
}

size_t forest_shown(const struct state *s)
{
    enum { AROUND = 6 }; // lines of footer, progress, frame and margin
    return s->height > AROUND + FOREST_HEADING ? s->height - AROUND - FOREST_HEADING : 0;
}

size_t forest_scroll_limit(const struct state *s)
{
    size_t n = s->snap ? (size_t)s->snap->forest.n_groups + 1 : 0, shown = forest_shown(s);
    return n > shown ? n - shown : 0;
}
