#include "ui/saved_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ui/choice.h"

bool saved_run_keep(struct saved_run *r, const struct snapshot *p)
{
    size_t n = (size_t)p->n_layers * p->n_heads;
    double *cells = malloc(n * sizeof *cells);
    char ablation[64];
    if (!cells)
        return false;
    for (size_t i = 0; i < n; i++)
        cells[i] = p->states[i] == CELL_DONE ? p->cells[i].mean : NAN;
    struct cluster_sums by_cluster;
    if (!cluster_sums_copy(&p->by_cluster, &by_cluster)) {
        free(cells);
        return false;
    }
    saved_run_release(r);
    *r = (struct saved_run){
        .n_layers = p->n_layers, .n_heads = p->n_heads, .cells = cells, .by_cluster = by_cluster
    };
    ablation_name(p->ablation, ablation, sizeof ablation);
    snprintf(r->name, sizeof r->name, "%s %s %s %s", p->facts.model, p->facts.condition, ablation,
             metric_info(p->metric)->name);
    return true;
}

void saved_run_release(struct saved_run *r)
{
    free(r->cells);
    cluster_sums_release(&r->by_cluster);
    *r = (struct saved_run){ 0 };
}

bool saved_run_fits(const struct saved_run *r, const struct snapshot *p)
{
    return r->cells && r->n_layers == p->n_layers && r->n_heads == p->n_heads;
}

double saved_run_change(const struct saved_run *r, const struct snapshot *p, size_t at)
{
    return p->states[at] == CELL_DONE ? p->cells[at].mean - r->cells[at] : NAN;
}

static enum cell_state state_of_difference(enum cell_state s, double change)
{
    if (s == CELL_DONE)
        return isfinite(change) ? CELL_DONE : CELL_OUTSIDE;
    return s == CELL_SAMPLED ? CELL_WAITING : s; // a sample is not compared with all rows
}

bool saved_run_is_paired(const struct saved_run *r, const struct snapshot *p)
{
    return r->by_cluster.n && p->by_cluster.n
           && cluster_sums_same_rows(&p->by_cluster, &r->by_cluster);
}

static struct estimate estimate_change(const struct saved_run *r, const struct snapshot *p,
                                       size_t at)
{
    struct estimate e;
    if (r->by_cluster.n && p->by_cluster.n)
        e = cluster_sums_difference(&p->by_cluster, &r->by_cluster, at, p->bar.alpha);
    else
        e = (struct estimate){ .se = NAN,
                               .ci_lo = NAN,
                               .ci_hi = NAN,
                               .p = NAN,
                               .q = NAN,
                               .n = p->cells[at].n,
                               .n_clusters = p->cells[at].n_clusters };
    e.mean = saved_run_change(r, p, at);
    return e;
}

struct snapshot *saved_run_difference(const struct saved_run *r, const struct snapshot *p)
{
    struct snapshot *d = saved_run_fits(r, p) ? snapshot_new(p->n_layers, p->n_heads) : NULL;
    struct abl_err ignored;
    if (!d)
        return NULL;
    d->phase = p->phase;
    d->experiment = p->experiment;
    d->ablation = p->ablation;
    d->metric = p->metric;
    d->bar = p->bar;
    for (size_t i = 0; i < (size_t)p->n_layers * p->n_heads; i++) {
        double change = saved_run_change(r, p, i);
        d->states[i] = state_of_difference(p->states[i], change);
        d->cells[i] = estimate_change(r, p, i);
        d->n_cells += cell_is_measured(d->states[i]);
    }
    if (stats_fdr(d->cells, (size_t)p->n_layers * p->n_heads, &ignored)
        && snapshot_rescale(d, &ignored))
        return d;
    snapshot_free(d);
    return NULL;
}
