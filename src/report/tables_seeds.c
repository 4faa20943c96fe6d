// seeds.csv: what is swept, seed by seed, where each seed draws heads of its own.
#include <math.h>

#include "plan/head_syntax.h"
#include "report/columns.h"
#include "report/config.h"
#include "report/tables.h"

struct seed_mean {
    uint64_t seed;
    const struct ablation *how;
    size_t n; // variants
    double value, delta;
};

// Means over the finished heads that a seed drew, ablated in one way.
static struct seed_mean mean_of(const struct report *r, const struct effects *effects,
                                const struct head_draw *d, const struct ablation *how,
                                enum metric m)
{
    struct seed_mean out = { .seed = d->seed, .how = how };
    for (size_t i = 0; i < effects->n_heads; i++) {
        const struct effect *e = &effects->heads[i];
        const struct variant *v = &r->results->variants->items[e->variant];
        if (!head_set_has(&d->heads, v->nodes.heads[0]) || !ablation_same(&v->how, how))
            continue;
        out.value += e->value[m].mean;
        out.delta += e->delta[m].mean;
        out.n++;
    }
    out.value = out.n ? out.value / (double)out.n : (double)NAN;
    out.delta = out.n ? out.delta / (double)out.n : (double)NAN;
    return out;
}

static void put_rows(const struct report *r, const struct effects *effects, struct sheet *s)
{
    struct ablations kinds = settings_ablations(r->settings);
    for (size_t k = 0; k < r->session->n_draws * kinds.n; k++)
        for (int m = 0; m < N_METRICS; m++) {
            struct seed_mean mean = mean_of(r, effects, &r->session->draws[k / kinds.n],
                                            &kinds.items[k % kinds.n], (enum metric)m);
            sheet_row(s,
                      &(struct table_row){ .report = r, .metric = (enum metric)m, .item = &mean });
        }
}

static const struct seed_mean *item(const struct table_row *row)
{
    return row->item;
}

static void cell_way(struct sheet *s, const struct table_row *row)
{
    char text[ABLATION_SIZE];
    sheet_text(s, ablation_text(item(row)->how, text));
}

CELL(cell_drawn_by, uint, item(row)->seed)
CELL(cell_n_swept, uint, item(row)->n)
CELL(cell_swept_value, number, item(row)->value)
CELL(cell_swept_delta, number, item(row)->delta)

static const struct column columns[] = {
    CONDITION_COLUMN,
    { "seed", CELL_INTEGER | CELL_64_BITS, "", "that drew them", cell_drawn_by },
    METRIC_COLUMN,
    { "n_variants", CELL_INTEGER, "variants", "that the means are over", cell_n_swept },
    { "value", CELL_NUMBER | CELL_OR_NONE, "of the metric", "mean over these variants' values",
      cell_swept_value },
    { "delta", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "mean over these variants' differences from the intact run", cell_swept_delta },
    { "ablate", CELL_TEXT | CELL_OR_NONE, "", "how they were ablated; missing of patches",
      cell_way },
};

static bool is_drawn(const struct report *r)
{
    return r->session->n_draws;
}

const struct table table_seeds = {
    .name = "seeds",
    .row = "means over what is swept of one seed, where seeds draw heads",
    COLUMNS(columns),
    .roles = MAKES(ROLE_HEAD),
    .is_of = is_drawn,
    .when = "--heads random",
    .put_rows = put_rows,
};
