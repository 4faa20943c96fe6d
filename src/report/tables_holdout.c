#include "report/tables.h"

static void put_row(struct sheet *s, const struct report *r, const struct holdout_list *list,
                    enum metric m, const struct holdout_row *row)
{
    const struct session *session = r->session;
    const struct estimate *found = &row->discovery, *held = &row->heldout;
    char ablate[ABLATE_SIZE];
    sheet_text(s, session->data->name);
    sheet_uint(s, session->settings.seed);
    sheet_text(s, ablate_text(&session->settings, ablate));
    sheet_text(s, list->kind);
    sheet_text(s, r->results->variants->items[row->variant].label);
    sheet_text(s, metric_info(m)->name);
    sheet_number(s, found->mean);
    sheet_uint(s, row->rank);
    sheet_number(s, found->p);
    sheet_number(s, found->q);
    sheet_uint(s, row->chosen);
    sheet_number(s, held->mean);
    sheet_number(s, held->ci_lo);
    sheet_number(s, held->ci_hi);
    sheet_number(s, held->p);
    sheet_number(s, held->q);
    if (row->chosen)
        sheet_uint(s, row->confirmed);
    else
        sheet_missing(s);
    sheet_uint(s, found->n);
    sheet_uint(s, found->n_clusters);
    sheet_uint(s, held->n);
    sheet_uint(s, held->n_clusters);
}

void tables_write_holdout(const struct report *r, const struct effects *effects,
                          enum sheet_format format, struct buf *out)
{
    static const char *const columns[] = { "condition",
                                           "seed",
                                           "ablate",
                                           "kind",
                                           "variant",
                                           "metric",
                                           "discovery_delta",
                                           "discovery_rank",
                                           "discovery_p",
                                           "discovery_q",
                                           "chosen",
                                           "heldout_delta",
                                           "ci_lo",
                                           "ci_hi",
                                           "p",
                                           "q",
                                           "confirmed",
                                           "n_discovery",
                                           "discovery_clusters",
                                           "n_heldout",
                                           "heldout_clusters",
                                           NULL };
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (int l = 0; l < HOLDOUT_LISTS; l++)
        for (size_t i = 0; i < effects->holdout.lists[l].n; i++)
            for (int m = 0; m < N_METRICS; m++) {
                const struct holdout_list *list = &effects->holdout.lists[l];
                put_row(&s, r, list, (enum metric)m, &list->rows[m][i]);
            }
    sheet_end(&s);
}
