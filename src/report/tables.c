#include "report/tables.h"

#define TABLE_ADDRESS(name) &table_##name,
const struct table *const run_tables[N_TABLES] = { TABLES(TABLE_ADDRESS) };

bool table_is_of(const struct table *t, const struct experiment *e)
{
    return (!t->roles && !t->of) || t->roles & e->makes || t->of == e;
}

bool table_is_wanted(const struct table *t, const struct report *r)
{
    return table_is_of(t, r->settings->experiment) && (!t->is_of || t->is_of(r));
}

void table_write(const struct table *t, const struct report *r, const struct effects *effects,
                 enum sheet_format format, const struct sheet_spill *spill, struct buf *out)
{
    struct sheet s;
    sheet_begin(&s, out, format, t->columns, t->n_columns);
    s.spill = spill;
    t->put_rows(r, effects, &s);
    sheet_end(&s);
}
