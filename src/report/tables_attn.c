// attn_heads.csv and attn.csv: what each head looks for, and who attends to whom.
#include "experiments/attn.h"
#include "report/tables.h"

void tables_write_attn_heads(const struct report *r, const struct effects *effects,
                             enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "layer", "head", "entropy", "previous", "duplicate", "induction", "bos", "n", NULL };
    const struct attn *attn = r->readings ? r->readings->attn : NULL;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; attn && i < attn->n_heads; i++) {
        const struct attn_head *h = &attn->heads[i];
        sheet_uint(&s, h->head.layer);
        sheet_uint(&s, h->head.head);
        sheet_number(&s, h->entropy);
        for (int d = 0; d < N_DETECTORS; d++)
            sheet_number(&s, h->score[d]);
        sheet_number(&s, h->bos);
        sheet_uint(&s, attn->n);
    }
    sheet_end(&s);
}

static void put_pattern(struct sheet *s, const struct session *session, const struct attn_row *row,
                        const struct attn_pattern *p)
{
    for (uint32_t query = 0; query < row->n_tokens; query++)
        for (uint32_t key = 0; key <= query; key++) {
            if (!attn_sees(&session->model->shape, p->head.layer, query, key))
                continue;
            sheet_text(s, session->data->name);
            sheet_uint(s, session->prompts->items[row->row].row->index);
            sheet_uint(s, p->head.layer);
            sheet_uint(s, p->head.head);
            sheet_uint(s, query);
            sheet_uint(s, key);
            sheet_text(s, row->tokens[query]);
            sheet_text(s, row->tokens[key]);
            sheet_float(s, p->weights[(size_t)query * row->n_tokens + key]);
        }
}

void tables_write_attn(const struct report *r, const struct effects *effects,
                       enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "condition", "row",         "layer",     "head",   "query",
            "key",       "query_token", "key_token", "weight", NULL };
    const struct attn *attn = r->readings ? r->readings->attn : NULL;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; attn && i < attn->n_rows; i++)
        for (size_t k = 0; k < attn->rows[i].n_patterns; k++)
            put_pattern(&s, r->session, &attn->rows[i], &attn->rows[i].patterns[k]);
    sheet_end(&s);
}
