#include "ui/state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/head_syntax.h"
#include "ui/detail.h"
#include "ui/log.h"

static void copy_name(char *to, const char *from)
{
    snprintf(to, MAX_NAME, "%s", from ? from : "");
}

bool state_new(const struct settings *settings, struct state **out, struct abl_err *err)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    copy_name(s->choice.model, settings->model);
    copy_name(s->choice.data, settings->data);
    copy_name(s->choice.device, settings->device);
    s->choice.ablation = settings->ablation;
    s->choice.metric = settings->metric;
    s->choice.experiment = settings->experiment;
    s->choice.sites = settings->sites;
    s->choice.direction = settings->direction;
    snprintf(s->choice.positions, sizeof s->choice.positions, "%s", settings_positions(settings));
    s->ov_kind = settings->ov_kind;
    s->side = experiment_pane(s->choice.experiment);
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
    for (size_t i = 0; i < MAX_LOG; i++)
        free(s->log[i].text);
    free(s->order);
    free(s->kept.cells);
    snapshot_free(s->difference);
    detail_free(s->detail);
    free(s);
}

bool state_has_grid(const struct state *s)
{
    return s->snap && s->snap->n_layers && s->snap->n_heads;
}

static void make_difference(struct state *s);

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

static bool drop_marks_outside(struct state *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->marks.n; i++) {
        struct head h = s->marks.items[i];
        if (h.layer < s->snap->n_layers && h.head < s->snap->n_heads)
            s->marks.items[n++] = h;
    }
    bool changed = n != s->marks.n;
    s->marks.n = n;
    return changed;
}

bool state_take_snapshot(struct state *s, struct snapshot *snap)
{
    snapshot_free(s->snap);
    s->snap = snap;
    if (!state_has_grid(s)) {
        s->n_order = 0;
        return false;
    }
    if (s->cursor.layer >= snap->n_layers)
        s->cursor.layer = snap->n_layers - 1;
    if (s->cursor.head >= snap->n_heads)
        s->cursor.head = snap->n_heads - 1;
    if (s->item >= snap->n_items)
        s->item = snap->n_items ? snap->n_items - 1 : 0;
    if (snap->has_facts && s->row >= snap->facts.n_rows)
        s->row = snap->facts.n_rows ? snap->facts.n_rows - 1 : 0;
    bool changed = drop_marks_outside(s);
    if (s->marks_wanted[0] && snap->has_facts)
        changed |= mark_wanted(s);
    s->joint_asked |= changed;
    state_sort(s);
    make_difference(s);
    return changed;
}

void state_log(struct state *s, bool is_error, const char *text)
{
    struct log_line *line = &s->log[s->n_log++ % MAX_LOG];
    free(line->text);
    line->is_error = is_error;
    line->text = strdup(text);
    if (s->log_back) // what is being read stays where it is
        s->log_back += log_lines_of(s, text);
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

const struct log_line *state_log_line(const struct state *s, size_t i)
{
    size_t kept = s->n_log < MAX_LOG ? s->n_log : MAX_LOG;
    const struct log_line *line = i < kept ? &s->log[(s->n_log - 1 - i) % MAX_LOG] : NULL;
    return line && line->text ? line : NULL;
}

// By key, ties in reading order. qsort takes no context in C17, so this is a heap sort of our own.
static double sort_key(const struct state *s, uint32_t i)
{
    double mean = s->snap->cells[i].mean;
    switch (s->sort) {
    case SORT_EFFECT:
        return -fabs(mean);
    case SORT_DELTA:
        return mean;
    default:
        return 0;
    }
}

static bool comes_before(const struct state *s, uint32_t a, uint32_t b)
{
    double x = sort_key(s, a), y = sort_key(s, b);
    return x < y || (!(y < x) && a < b);
}

// Heapify down: the largest of the first n stays on top.
static void sift(const struct state *s, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && comes_before(s, s->order[child], s->order[child + 1]))
            child++;
        if (!comes_before(s, s->order[root], s->order[child]))
            return;
        uint32_t swap = s->order[root];
        s->order[root] = s->order[child];
        s->order[child] = swap;
    }
}

static void heapsort_order(struct state *s)
{
    for (size_t i = s->n_order / 2; i-- > 0;)
        sift(s, i, s->n_order);
    for (size_t n = s->n_order; n-- > 1;) {
        uint32_t swap = s->order[0];
        s->order[0] = s->order[n];
        s->order[n] = swap;
        sift(s, 0, n);
    }
}

void state_sort(struct state *s)
{
    size_t n = state_has_grid(s) ? (size_t)s->snap->n_layers * s->snap->n_heads : 0;
    uint32_t *order = realloc(s->order, (n ? n : 1) * sizeof *order);
    s->n_order = 0;
    if (!order)
        return;
    s->order = order;
    for (size_t i = 0; i < n; i++)
        if (cell_is_measured(s->snap->states[i]))
            s->order[s->n_order++] = (uint32_t)i;
    heapsort_order(s);
}

const char *sort_name(enum sort sort)
{
    static const char *const names[N_SORTS] = { [SORT_EFFECT] = "largest effect",
                                                [SORT_DELTA] = "most negative",
                                                [SORT_HEAD] = "layer, head" };
    return names[sort];
}

bool marks_has(const struct marks *m, struct head h)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->items[i].layer == h.layer && m->items[i].head == h.head)
            return true;
    return false;
}

bool ablation_same(struct ablation a, struct ablation b)
{
    return a.kind == b.kind && a.scale == b.scale && a.value_bias == b.value_bias;
}

void ablation_name(struct ablation a, char *out, size_t size)
{
    static const char *const names[]
        = { [ABLATE_MEAN] = "mean", [ABLATE_RESAMPLE] = "resample", [ABLATE_PATCH] = "patch" };
    if (a.kind != ABLATE_SCALE)
        snprintf(out, size, "%s", names[a.kind]);
    else if (a.scale == 0.0f)
        snprintf(out, size, "zero");
    else
        snprintf(out, size, "scale %g", (double)a.scale);
}

enum pane experiment_pane(enum experiment e)
{
    switch (e) {
    case EXPERIMENT_SETS:
    case EXPERIMENT_PARTIAL:
    case EXPERIMENT_PATCH:
    case EXPERIMENT_LENS:
        return PANE_LIST;
    case EXPERIMENT_OV:
        return PANE_OV;
    case EXPERIMENT_ATTN:
        return PANE_ATTN;
    default:
        return PANE_HEAD;
    }
}

static bool same_ask(const struct detail_ask *a, const struct detail_ask *b)
{
    return a->head.layer == b->head.layer && a->head.head == b->head.head && a->row == b->row
           && a->ov_kind == b->ov_kind && a->run == b->run && a->complete == b->complete;
}

static struct detail_ask ask_now(const struct state *s)
{
    return (struct detail_ask){ .head = s->cursor,
                                .row = s->row,
                                .ov_kind = s->ov_kind,
                                .run = s->snap ? s->snap->run : 0,
                                .complete = s->snap && s->snap->phase == RUN_DONE };
}

bool state_ask_detail(struct state *s, struct detail_ask *out)
{
    bool shown = s->side == PANE_OV || s->side == PANE_ATTN || s->side == PANE_ROWS;
    bool loaded = s->snap && s->snap->has_facts && state_has_grid(s)
                  && s->snap->phase != RUN_LOADING && s->snap->phase != RUN_FAILED;
    *out = ask_now(s);
    if (!shown || !loaded || (s->has_asked && same_ask(&s->asked, out)))
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
    return s->detail && same_ask(&s->detail->ask, &now) ? s->detail : NULL;
}

static bool kept_fits(const struct state *s)
{
    return s->kept.cells && state_has_grid(s) && s->kept.n_layers == s->snap->n_layers
           && s->kept.n_heads == s->snap->n_heads;
}

// The run minus the kept one, as a run of its own; there is no uncertainty of a difference between
// runs.
static void make_difference(struct state *s)
{
    snapshot_free(s->difference);
    s->difference = NULL;
    if (!s->differ || !kept_fits(s))
        return;
    const struct snapshot *p = s->snap;
    struct snapshot *d = snapshot_new(p->n_layers, p->n_heads);
    struct abl_err ignored;
    if (!d)
        return;
    d->phase = p->phase;
    d->experiment = p->experiment;
    d->ablation = p->ablation;
    d->metric = p->metric;
    d->alpha = p->alpha;
    for (size_t i = 0; i < (size_t)p->n_layers * p->n_heads; i++) {
        double mean = p->cells[i].mean - s->kept.cells[i];
        bool there = p->states[i] == CELL_DONE && isfinite(mean);
        d->states[i] = there                          ? CELL_DONE
                       : p->states[i] == CELL_DONE    ? CELL_OUTSIDE
                       : p->states[i] == CELL_SAMPLED ? CELL_WAITING
                                                      : p->states[i];
        d->cells[i] = (struct estimate){
            .mean = mean, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN
        };
    }
    if (snapshot_rescale(d, &ignored))
        s->difference = d;
    else
        snapshot_free(d);
}

bool state_shows_difference(const struct state *s)
{
    return s->differ && s->difference;
}

void state_toggle_difference(struct state *s)
{
    s->differ = !s->differ;
    make_difference(s);
    if (s->differ && !s->kept.cells) {
        s->differ = false;
        state_say(s, true, "nothing is kept to compare with: K keeps this run");
    } else if (s->differ && !s->difference) {
        state_say(s, true, "the kept run has other layers and heads: it cannot be subtracted");
    } else if (s->differ) {
        state_say(s, false, "the heatmap shows this run minus: %s", s->kept.name);
    } else {
        state_say(s, false, "the heatmap shows the run itself");
    }
}

void state_keep(struct state *s)
{
    const struct snapshot *p = s->snap;
    if (!state_has_grid(s) || !p->has_facts) {
        state_say(s, true, "nothing to keep yet");
        return;
    }
    size_t n = (size_t)p->n_layers * p->n_heads;
    double *cells = malloc(n * sizeof *cells);
    if (!cells)
        return;
    for (size_t i = 0; i < n; i++)
        cells[i] = p->states[i] == CELL_DONE ? p->cells[i].mean : NAN;
    free(s->kept.cells);
    s->kept = (struct kept){ .n_layers = p->n_layers, .n_heads = p->n_heads, .cells = cells };
    char ablation[64];
    ablation_name(p->ablation, ablation, sizeof ablation);
    snprintf(s->kept.name, sizeof s->kept.name, "%s %s %s %s", p->facts.model, p->facts.condition,
             ablation, metric_info(p->metric)->name);
    state_say(s, false, "kept to compare with: %s", s->kept.name);
}

bool overlay_is_picker(enum overlay o)
{
    return o >= OVERLAY_MODEL && o <= OVERLAY_SITE;
}

bool overlay_is_prompt(enum overlay o)
{
    return o >= OVERLAY_SCALE && o <= OVERLAY_SEARCH;
}

enum catalog_kind overlay_catalog(enum overlay picker)
{
    switch (picker) {
    case OVERLAY_MODEL:
        return CATALOG_MODELS;
    case OVERLAY_DATA:
        return CATALOG_DATA;
    case OVERLAY_DEVICE:
        return CATALOG_DEVICES;
    case OVERLAY_EXPERIMENT:
        return CATALOG_EXPERIMENTS;
    case OVERLAY_SITE:
        return CATALOG_SITES;
    default:
        return CATALOG_METRICS;
    }
}

bool picker_is_ready(const struct state *s)
{
    return overlay_is_picker(s->overlay) && s->found & 1u << overlay_catalog(s->overlay);
}

struct catalog_list state_picker_list(const struct state *s)
{
    if (!picker_is_ready(s))
        return (struct catalog_list){ 0 };
    return s->catalog->lists[overlay_catalog(s->overlay)];
}
