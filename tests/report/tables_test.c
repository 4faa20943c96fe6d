// That what a run writes is what the tables' columns say of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/attn.h"
#include "experiments/experiments.h"
#include "report/compat.h"
#include "report/cross.h"
#include "report/tables.h"
#include "tests/support/report_example.h"

static const struct column *find(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

static void each_table_and_column_says_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TABLES; i++) {
        const struct table *t = run_tables[i];
        assert_true(t->name && t->row && t->put_rows && t->n_columns);
        assert_int_equal(t->is_of != NULL, t->when != NULL);
        for (size_t k = 0; k < t->n_columns; k++) {
            const struct column *c = &t->columns[k];
            if (!c->name || !c->unit || !c->meaning || !*c->meaning || !c->put)
                fail_msg("%s, column %zu is not described", t->name, k);
            assert_ptr_equal(find(t, c->name), c); // no other has its name
        }
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(run_tables[k]->name, t->name);
    }
}

static void columns_that_are_counted_elsewhere_are_all_there(void **state)
{
    (void)state;
    for (int d = 0; d < N_DETECTORS; d++)
        assert_non_null(find(&table_attn_heads, detector_name((size_t)d)));
    for (int m = 0; m < N_COMPAT_METRICS; m++)
        assert_non_null(find(&table_compat, compat_metric_name((size_t)m)));
}

static void joined_tables_have_the_columns_that_tell_their_rows_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CROSS_MATRICES; i++) {
        const struct cross_matrix *m = &cross_matrices[i];
        for (int k = 0; k < PLACE_KEYS && m->keys[k]; k++)
            assert_non_null(find(m->table, m->keys[k]));
        if (m->skip[0])
            assert_non_null(find(m->table, m->skip[0]));
        if (m->list)
            assert_true(find(m->table, "metric") && find(m->table, "delta"));
    }
}

static bool is_whole(const char *text)
{
    text += *text == '-';
    return *text && strspn(text, "0123456789") == strlen(text);
}

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return *text && !*end;
}

static bool fits(const struct column *c, const char *text)
{
    switch (column_type(c)) {
    case CELL_TEXT:
        return true;
    case CELL_INTEGER:
        return is_whole(text);
    case CELL_NUMBER:
        return is_number(text);
    case CELL_BOOLEAN:
        return strcmp(text, "0") == 0 || strcmp(text, "1") == 0;
    default:
        break;
    }
    return false;
}

// Every cell of a written file is of its column's type or missing.
static void check_file(const char *folder, const struct table *t)
{
    char name[64];
    snprintf(name, sizeof name, "metrics/%s.csv", t->name);
    struct sheet_read *s = sheet_open(folder, name);
    assert_int_equal(s->n_columns, t->n_columns);
    for (size_t k = 0; k < s->n_cells; k++) {
        const struct column *c = &t->columns[k % t->n_columns];
        if (k < t->n_columns)
            assert_string_equal(s->cells[k], c->name);
        else if (*s->cells[k] && !fits(c, s->cells[k]))
            fail_msg("%s: '%s' in column %s", t->name, s->cells[k], c->name);
    }
    sheet_close(s);
}

static void written_cells_are_of_their_columns_types(void **state)
{
    static const struct experiment *const which[] = { &experiment_heads, &experiment_sets };
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        struct example *e = example_new(which[i]);
        char *dir = write_report(e, *state, i ? "sets" : "heads");
        size_t n = 0;
        for (size_t k = 0; k < N_TABLES; k++)
            if (table_is_wanted(run_tables[k], &e->report)) {
                check_file(dir, run_tables[k]);
                n++;
            }
        // baseline, rows, head_impact, per_example; group_impact
        assert_int_equal(n, i ? 5 : 4);
        free(dir);
        example_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_and_column_says_what_it_is),
        cmocka_unit_test(columns_that_are_counted_elsewhere_are_all_there),
        cmocka_unit_test(joined_tables_have_the_columns_that_tell_their_rows_apart),
        cmocka_unit_test_setup_teardown(written_cells_are_of_their_columns_types, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
