// attn_heads.csv and attn.csv: what each head looks for, and who attends to whom.
#include "experiments/attn.h"
#include "experiments/experiments.h"
#include "report/columns.h"
#include "report/tables.h"

static const struct attn *attn_of(const struct report *r)
{
    return r->readings ? r->readings->attn : NULL;
}

// ------------------------------------------------------------------------------------------ heads

static const struct attn_head *head(const struct table_row *row)
{
    return row->item;
}

static void put_heads(const struct report *r, const struct effects *effects, struct sheet *s)
{
    (void)effects;
    const struct attn *attn = attn_of(r);
    for (size_t i = 0; attn && i < attn->n_heads; i++)
        sheet_row(s, &(struct table_row){ .report = r, .item = &attn->heads[i] });
}

CELL(cell_layer, uint, head(row)->head.layer)
CELL(cell_head, uint, head(row)->head.head)
CELL(cell_entropy, number, head(row)->entropy)
CELL(cell_previous, number, head(row)->score[DETECTOR_PREVIOUS])
CELL(cell_duplicate, number, head(row)->score[DETECTOR_DUPLICATE])
CELL(cell_induction, number, head(row)->score[DETECTOR_INDUCTION])
CELL(cell_bos, number, head(row)->bos)
CELL(cell_n_rows, uint, attn_of(row->report)->n)

static const struct column head_columns[] = {
    { "layer", CELL_INTEGER, "", "of the head, from 0", cell_layer },
    { "head", CELL_INTEGER, "", "in its layer, from 0", cell_head },
    { "entropy", CELL_NUMBER, "nats", "of its pattern at the read-out, mean over rows",
      cell_entropy },
    { "previous", CELL_NUMBER | CELL_OR_NONE, "",
      "weight on the token before, on random tokens twice over", cell_previous },
    { "duplicate", CELL_NUMBER | CELL_OR_NONE, "",
      "there: from the second half to the token's first copy", cell_duplicate },
    { "induction", CELL_NUMBER | CELL_OR_NONE, "", "there: to what followed the token's first copy",
      cell_induction },
    { "bos", CELL_NUMBER, "", "weight on position 0 at the read-out, mean over rows", cell_bos },
    { "n", CELL_INTEGER, "rows", "that entropy and bos are of", cell_n_rows },
};

const struct table table_attn_heads = {
    .name = "attn_heads",
    .row = "what a head of the intact run looks for",
    COLUMNS(head_columns),
    .of = &experiment_attn,
    .put_rows = put_heads,
};

// --------------------------------------------------------------------------------------- patterns

struct edge {
    const struct attn_row *row;
    const struct attn_pattern *pattern;
    uint32_t query, key;
};

static const struct edge *edge(const struct table_row *row)
{
    return row->item;
}

static void put_pattern(struct sheet *s, const struct report *r, const struct attn_row *row,
                        const struct attn_pattern *p)
{
    const struct session *session = r->session;
    for (uint32_t query = 0; query < row->n_tokens; query++)
        for (uint32_t key = 0; key <= query; key++)
            if (attn_sees(&session->model->shape, p->head.layer, query, key))
                sheet_row(s, &(struct table_row){ .report = r,
                                                  .prompt = &session->prompts->items[row->row],
                                                  .item = &(struct edge){ row, p, query, key } });
}

static void put_patterns(const struct report *r, const struct effects *effects, struct sheet *s)
{
    (void)effects;
    const struct attn *attn = attn_of(r);
    for (size_t i = 0; attn && i < attn->n_rows; i++)
        for (size_t k = 0; k < attn->rows[i].n_patterns; k++)
            put_pattern(s, r, &attn->rows[i], &attn->rows[i].patterns[k]);
}

static float weight(const struct edge *e)
{
    return e->pattern->weights[(size_t)e->query * e->row->n_tokens + e->key];
}

CELL(cell_edge_layer, uint, edge(row)->pattern->head.layer)
CELL(cell_edge_head, uint, edge(row)->pattern->head.head)
CELL(cell_query, uint, edge(row)->query)
CELL(cell_key, uint, edge(row)->key)
CELL(cell_query_token, text, edge(row)->row->tokens[edge(row)->query])
CELL(cell_key_token, text, edge(row)->row->tokens[edge(row)->key])
CELL(cell_weight, float, weight(edge(row)))

static const struct column pattern_columns[] = {
    CONDITION_COLUMN,
    ROW_COLUMN,
    { "layer", CELL_INTEGER, "", "of the head, from 0", cell_edge_layer },
    { "head", CELL_INTEGER, "", "in its layer, from 0", cell_edge_head },
    { "query", CELL_INTEGER, "", "position of the token that looks, from 0", cell_query },
    { "key", CELL_INTEGER, "", "position of the token that is looked at, from 0", cell_key },
    { "query_token", CELL_TEXT, "", "its text", cell_query_token },
    { "key_token", CELL_TEXT, "", "its text", cell_key_token },
    { "weight", CELL_NUMBER, "", "share of the query's attention", cell_weight },
};

const struct table table_attn = {
    .name = "attn",
    .row = "who attends to whom in a row of the data, by a head of the intact run",
    COLUMNS(pattern_columns),
    .of = &experiment_attn,
    .put_rows = put_patterns,
};
