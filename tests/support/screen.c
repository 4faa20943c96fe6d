#include "tests/support/screen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "experiments/experiments.h"
#include "ui/view.h"

// Effects between about -3 and +3, the largest in layer 0; every third is significant.
static struct estimate effect(uint32_t layer, uint32_t head)
{
    double mean = 3.0 * cos(1.7 * head + 0.9 * layer) / (1 + 2.0 * layer);
    double q = (layer + head) % 3 == 0 ? 0.004 : 0.4;
    return (struct estimate){ .mean = mean,
                              .se = 0.1,
                              .ci_lo = mean - 0.2,
                              .ci_hi = mean + 0.2,
                              .p = q / 2,
                              .q = q,
                              .n = 168,
                              .n_clusters = 120 };
}

static void fill_facts(struct snapshot *p)
{
    struct facts *f = &p->facts;
    p->has_facts = true;
    *f = (struct facts){ .shape
                         = { .arch = "gpt2", .n_layers = p->n_layers, .n_heads = p->n_heads },
                         .baseline = "intact",
                         .has_bos = true,
                         .n_rows = 168,
                         .n_clusters = 120,
                         .accuracy = 0.975,
                         .intact_ld = { .mean = 4.25, .ci_lo = 4.0, .ci_hi = 4.5 } };
    snprintf(f->clusters, sizeof f->clusters, "120 clusters");
    snprintf(f->model, sizeof f->model, "tiny-gpt2");
    snprintf(f->condition, sizeof f->condition, "facts");
    snprintf(f->split, sizeof f->split, "train");
    snprintf(f->device, sizeof f->device, "cpu");
    snprintf(f->bos, sizeof f->bos, "<|endoftext|>");
}

// What a worker answers of the rows alone.
static void add_rows(struct state *s)
{
    struct detail *d = calloc(1, sizeof *d);
    s->detail = d;
    if (d)
        d->rows = arena_alloc(&d->arena, 2, sizeof *d->rows);
    if (!d || !d->rows)
        fail_msg("no memory");
    d->n_rows = 2;
    d->rows[0] = (struct detail_row){
        .number = 2, .prompt = "The capital of France is", .target = " Paris", .foil = " Rome"
    };
    d->rows[1] = (struct detail_row){ .number = 5,
                                      .prompt = "Everyone who has ever studied Germany for more "
                                                "than a year or two learns that its capital is",
                                      .target = " Berlin",
                                      .foil = " Madrid" };
}

struct state *screen_state(uint32_t width, uint32_t height, uint32_t n_layers, uint32_t n_heads)
{
    struct settings settings;
    struct state *s;
    struct abl_err err;
    settings_default(&settings, &experiment_heads);
    struct snapshot *p = snapshot_new(n_layers, n_heads);
    if (!p || !state_new(&settings, &s, &err))
        fail_msg("no memory");
    p->experiment = settings.experiment;
    p->phase = RUN_DONE;
    p->bar.alpha = 0.05;
    p->intact = (struct estimate){
        .mean = 4.25, .ci_lo = 4.0, .ci_hi = 4.5, .n = 168, .n_clusters = 120
    };
    p->seconds = 1.5;
    fill_facts(p);
    for (uint32_t layer = 0; layer < n_layers; layer++)
        for (uint32_t head = 0; head < n_heads; head++) {
            size_t at = snapshot_at(p, (struct head){ layer, head });
            p->states[at] = CELL_DONE;
            p->cells[at] = effect(layer, head);
            p->values[at] = 4.25 + p->cells[at].mean;
        }
    p->n_cells = (size_t)n_layers * n_heads;
    p->done = p->total = (size_t)n_layers * n_heads;
    if (!snapshot_rescale(p, &err))
        fail_msg("%s", err.text);
    s->width = width;
    s->height = height;
    state_take_snapshot(s, p);
    add_rows(s);
    return s;
}

char *screen_text(const struct state *s)
{
    struct grid g = { 0 };
    struct buf out = { 0 };
    struct abl_err err;
    if (!grid_init(&g, s->width, s->height, &err))
        fail_msg("%s", err.text);
    view_draw(s, &g);
    grid_dump(&g, &out);
    grid_release(&g);
    return out.data;
}
