#include "ui/state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/select.h"
#include "ui/log.h"

static void copy_name(char *to, const char *from)
{
    snprintf(to, MAX_NAME, "%s", from ? from : "");
}

bool state_new(const struct run_settings *settings, struct state **out, struct abl_err *err)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    s->side = PANE_HEAD;
    copy_name(s->choice.model, settings->model);
    copy_name(s->choice.data, settings->data);
    copy_name(s->choice.device, settings->device);
    s->choice.ablation = settings->ablation;
    s->choice.metric = settings->metric;
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
    bool changed = drop_marks_outside(s);
    if (s->marks_wanted[0] && snap->has_facts)
        changed |= mark_wanted(s);
    s->joint_asked |= changed;
    state_sort(s);
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
        if (s->snap->states[i] == CELL_DONE)
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

void ablation_name(struct ablation a, char *out, size_t size)
{
    if (a.scale == 0.0f)
        snprintf(out, size, "zero");
    else
        snprintf(out, size, "scale %g", (double)a.scale);
}

bool overlay_is_picker(enum overlay o)
{
    return o >= OVERLAY_MODEL && o <= OVERLAY_METRIC;
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
