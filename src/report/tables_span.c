// span.csv: whole answers, row by row.
#include "report/tables.h"

static void put_row(struct sheet *s, const struct session *session, const char *variant, size_t i,
                    const struct row_stats *row)
{
    const struct prompt *p = &session->prompts->items[i];
    sheet_text(s, session->data->name);
    sheet_text(s, variant);
    sheet_uint(s, p->row->index);
    sheet_uint(s, p->n_target_ids);
    sheet_uint(s, p->n_foil_ids);
    sheet_float(s, row->target_logit);
    sheet_float(s, row->foil_logit);
    sheet_number(s, (double)row->target_logit / p->n_target_ids);
    sheet_number(s, (double)row->foil_logit / p->n_foil_ids);
}

void tables_write_span(const struct report *r, const struct effects *effects,
                       enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[] = { "condition",
                                           "variant",
                                           "row",
                                           "n_target",
                                           "n_foil",
                                           "target_logprob",
                                           "foil_logprob",
                                           "target_logprob_per_token",
                                           "foil_logprob_per_token",
                                           NULL };
    const struct results *results = r->results;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < results->n_prompts; i++)
        put_row(&s, r->session, "intact", i, &r->session->intact[i]);
    for (size_t v = 0; v < results->variants->n; v++)
        for (size_t i = 0; results->done[v] && i < results->n_prompts; i++)
            put_row(&s, r->session, results->variants->items[v].label, i,
                    &results->rows[v * results->n_prompts + i]);
    sheet_end(&s);
}
