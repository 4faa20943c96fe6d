// What the program's own tables say, for people and for other programs: describe FOLDER writes
// tables.md, config_keys.md, schema/tables.json and schema/names.schema.json below it. `make docs` calls it, and
// `make check` tells when what lies in docs/ is not what it would write.
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/names.h"
#include "experiments/attn.h"
#include "experiments/experiments.h"
#include "experiments/lens.h"
#include "experiments/ov.h"
#include "model/config_keys.h"
#include "report/compat.h"
#include "report/config.h"
#include "report/cross.h"
#include "report/doc.h"
#include "report/tables.h"
#include "text/clusters.h"

// ------------------------------------------------------------------------------------------ names

static const char *experiment_at(size_t i)
{
    return i < N_EXPERIMENTS ? experiments[i]->name : NULL;
}

static const char *table_at(size_t i)
{
    return i < N_TABLES ? run_tables[i]->name : NULL;
}

// What documents may call things: the schemas refer to names.schema.json#/$defs/<definition>.
static const struct list {
    const char *definition, *about;
    name_list *names;
    size_t first;     // value whose name is the first in documents
    const char *keys; // definition of an object with each of them as a key; NULL: none
} lists[] = {
    { "metric", NULL, metric_name, 0, "by_metric" },
    { "tinylab_metric", "of runs under --compat tinylab", compat_metric_name, 0,
      "by_tinylab_metric" },
    { "experiment", NULL, experiment_at, 0, NULL },
    { "table", "a CSV file of metrics/", table_at, 0, NULL },
    { "site", NULL, site_name, 0, NULL },
    { "direction", "from the run that gives to the one that is read", direction_name, 0, NULL },
    { "donor_from", "which rows give to a row that is resampled", donor_from_name, 0, NULL },
    { "split", NULL, split_name, SPLIT_TRAIN, NULL },
    { "cluster", "which rows are resampled together", cluster_name, CLUSTER_PROMPT, NULL },
    { "span", "what of an answer is scored", span_name, 0, NULL },
    { "answers", "how the logits of a list become one", answer_rule_name, 0, NULL },
    { "bos", NULL, bos_mode_name, 0, NULL },
    { "like", "whose reading of the model's files counts where versions disagree", owner_name, 0,
      NULL },
    { "value_bias", "folded: the constant part of a head's output stays; head: everything goes",
      value_bias_name, 0, NULL },
    { "precision", NULL, precision_name, 0, NULL },
    { "compat", "whose conventions a run keeps, for comparison", compat_name, COMPAT_TINYLAB,
      NULL },
    { "ov_kind", NULL, ov_kind_name, 0, NULL },
    { "detector", NULL, detector_name, 0, NULL },
    { "part", "of the intact run", direct_kind_name, 0, NULL },
};

static void add_names(struct doc *d, cJSON *parent, const char *key, const struct list *list)
{
    cJSON *names = doc_array(d, parent, key);
    for (size_t i = list->first; list->names(i); i++)
        doc_text(d, names, NULL, list->names(i));
}

static void add_list(struct doc *d, cJSON *definitions, const struct list *list)
{
    char text[64];
    cJSON *o = doc_object(d, definitions, list->definition);
    if (list->about)
        doc_text(d, o, "description", list->about);
    add_names(d, o, "enum", list);
    if (!list->keys)
        return;
    snprintf(text, sizeof text, "all_%ss", list->definition);
    add_names(d, doc_object(d, definitions, text), "required", list);
    o = doc_object(d, definitions, list->keys);
    doc_text(d, o, "type", "object");
    snprintf(text, sizeof text, "#/$defs/all_%ss", list->definition);
    doc_text(d, o, "$ref", text);
    snprintf(text, sizeof text, "#/$defs/%s", list->definition);
    doc_text(d, doc_object(d, o, "propertyNames"), "$ref", text);
}

// zero and its like by their names, or the factor, with commas between several; null where the
// experiment ablates nothing.
static void add_ablations(struct doc *d, cJSON *definitions)
{
    char kinds[NAMES_SIZE], pattern[2 * NAMES_SIZE + 64];
    names_join(ablation_kind_name, 0, "|", "|", kinds, sizeof kinds);
    snprintf(pattern, sizeof pattern, "^(%s|scale=-?[0-9.e-]+)(,(%s|scale=-?[0-9.e-]+))*$", kinds,
             kinds);
    cJSON *o = doc_object(d, definitions, "ablate");
    doc_text(d, o, "description", "null where the experiment ablates nothing");
    cJSON *types = doc_array(d, o, "type");
    doc_text(d, types, NULL, "string");
    doc_text(d, types, NULL, "null");
    doc_text(d, o, "pattern", pattern);
}

static struct doc names_doc(void)
{
    struct doc d = doc_new();
    doc_text(&d, d.root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    doc_text(&d, d.root, "$id", "names.schema.json");
    doc_text(&d, d.root, "title", "Names that the program knows; written by `make docs`");
    cJSON *definitions = doc_object(&d, d.root, "$defs");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        add_list(&d, definitions, &lists[i]);
    add_ablations(&d, definitions);
    return d;
}

// ----------------------------------------------------------------------------------------- tables

// By enum cell_type, as Table Schema calls them.
static const char *const cell_types[] = { [CELL_TEXT] = "string",
                                          [CELL_INTEGER] = "integer",
                                          [CELL_NUMBER] = "number",
                                          [CELL_BOOLEAN] = "boolean" };

static void add_column(struct doc *d, cJSON *fields, const struct column *c)
{
    cJSON *o = doc_object(d, fields, NULL);
    doc_text(d, o, "name", c->name);
    doc_text(d, o, "type", cell_types[column_type(c)]);
    if (column_type(c) == CELL_BOOLEAN) {
        doc_text(d, doc_array(d, o, "trueValues"), NULL, "1");
        doc_text(d, doc_array(d, o, "falseValues"), NULL, "0");
    }
    if (*c->unit)
        doc_text(d, o, "unit", c->unit);
    doc_text(d, o, "description", c->meaning);
    if (!(c->type & CELL_OR_NONE))
        doc_bool(d, doc_object(d, o, "constraints"), "required", true);
}

static void add_table(struct doc *d, cJSON *resources, const char *folder, const char *name,
                      const struct table *t)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    cJSON *o = doc_object(d, resources, NULL);
    doc_text(d, o, "name", name);
    doc_text(d, o, "path", path);
    doc_text(d, o, "description", t->row);
    cJSON *schema = doc_object(d, o, "schema");
    doc_text(d, doc_array(d, schema, "missingValues"), NULL, "");
    cJSON *fields = doc_array(d, schema, "fields");
    for (size_t i = 0; i < t->n_columns; i++)
        add_column(d, fields, &t->columns[i]);
}

static struct doc tables_doc(void)
{
    struct doc d = doc_new();
    doc_text(&d, d.root, "$schema", "https://datapackage.org/profiles/2.0/datapackage.json");
    doc_text(&d, d.root, "name", "abltui-run");
    doc_text(&d, d.root, "title", "The tables of a run directory; written by `make docs`");
    cJSON *resources = doc_array(&d, d.root, "resources");
    for (size_t i = 0; i < N_TABLES; i++)
        add_table(&d, resources, "metrics", run_tables[i]->name, run_tables[i]);
    for (size_t i = 0; i < N_CROSS_MATRICES; i++)
        add_table(&d, resources, "artifacts/cross_condition", cross_matrices[i].name,
                  cross_matrices[i].table);
    return d;
}

// ------------------------------------------------------------------------------------- for people

static const char *const senses[] = { [SENSE_FOR_TARGET] = "higher is better for the target",
                                      [SENSE_AGAINST_TARGET] = "lower is better for the target",
                                      [SENSE_UNSURE] = "higher is less sure",
                                      [SENSE_CHANGE] = "distance from the intact run" };

static void put_metrics(struct buf *out)
{
    buf_str(out, "## Metrics\n\n| metric | unit | sign | meaning |\n| --- | --- | --- | --- |\n");
    for (int m = 0; m < N_METRICS; m++) {
        const struct metric_info *info = metric_info((enum metric)m);
        buf_printf(out, "| %s | %s | %s | %s |\n", info->name, info->unit, senses[info->sense],
                   info->meaning);
    }
}

// "In runs of `--experiment heads`, `sets`, with `--holdout`."
static void put_runs(struct buf *out, const struct table *t)
{
    size_t n = 0;
    for (size_t e = 0; e < N_EXPERIMENTS; e++)
        n += table_is_of(t, experiments[e]);
    buf_str(out, n == N_EXPERIMENTS ? "In every run" : "In runs of `--experiment`");
    const char *comma = " ";
    for (size_t e = 0; e < N_EXPERIMENTS && n < N_EXPERIMENTS; e++)
        if (table_is_of(t, experiments[e])) {
            buf_printf(out, "%s`%s`", comma, experiments[e]->name);
            comma = ", ";
        }
    if (t->when)
        buf_printf(out, ", with `%s`", t->when);
    buf_str(out, ".");
    for (size_t i = 0; i < N_CROSS_MATRICES; i++)
        if (cross_matrices[i].table == t)
            buf_printf(out, " Of several conditions joined: artifacts/cross_condition/%s.csv.",
                       cross_matrices[i].name);
    buf_str(out, "\n");
}

// What readers call a column's type: a dtype of pandas and, with a capital, of polars; R's class;
// DuckDB's type.
struct reader_types {
    const char *dtype, *r, *sql;
};

static struct reader_types reader_types(const struct column *c)
{
    static const struct reader_types types[]
        = { [CELL_TEXT] = { "string", "character", "VARCHAR" },
            [CELL_INTEGER] = { "Int64", "integer", "BIGINT" },
            [CELL_NUMBER] = { "float64", "numeric", "DOUBLE" },
            [CELL_BOOLEAN] = { "Int8", "integer", "TINYINT" } };
    static const struct reader_types any_size = { "UInt64", "numeric", "UBIGINT" };
    return c->type & CELL_64_BITS ? any_size : types[column_type(c)];
}

static void put_types(struct buf *out, const struct table *t)
{
    const struct column *columns = t->columns;
    buf_str(out, "\n```python\ndtype = {");
    for (size_t i = 0; i < t->n_columns; i++)
        buf_printf(out, "%s\"%s\": \"%s\"", i ? ", " : "", columns[i].name,
                   reader_types(&columns[i]).dtype);
    buf_str(out, "}\n```\n\n```r\ntypes <- c(");
    for (size_t i = 0; i < t->n_columns; i++)
        buf_printf(out, "%s%s = \"%s\"", i ? ", " : "", columns[i].name,
                   reader_types(&columns[i]).r);
    buf_printf(out, ")\n```\n\n```sql\nCREATE TABLE %s (", t->name);
    for (size_t i = 0; i < t->n_columns; i++)
        buf_printf(out, "%s\"%s\" %s", i ? ", " : "", columns[i].name,
                   reader_types(&columns[i]).sql);
    buf_str(out, ");\n```\n");
}

static void put_table(struct buf *out, const struct table *t)
{
    buf_printf(out, "\n## metrics/%s.csv\n\nA line: %s. ", t->name, t->row);
    put_runs(out, t);
    buf_str(out, "\n| column | type | may be missing | unit | meaning |\n"
                 "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];
        buf_printf(out, "| %s | %s | %s | %s | %s |\n", c->name, cell_types[column_type(c)],
                   c->type & CELL_OR_NONE ? "yes" : "", c->unit, c->meaning);
    }
    put_types(out, t);
}

static void put_page(struct buf *out)
{
    buf_str(out,
            "# Tables of a run\n\n"
            "Written by `make docs` from the rows that the program writes its files by; "
            "[schema/tables.json](schema/tables.json) says the same to programs (Data "
            "Package).\nA cell that is missing is empty, without quotes; a column that may be "
            "missing stands there even where all of its cells are. Booleans are 1 and 0. A table "
            "without a row is left out.\n\nBelow each table stand its types, for pandas and "
            "polars, R and DuckDB: [reading.md](reading.md) has the line that reads a file with "
            "them. Joined tables have the types of the table that they join.\n\n");
    put_metrics(out);
    for (size_t i = 0; i < N_TABLES; i++)
        put_table(out, run_tables[i]);
}

// ------------------------------------------------------------------------------------------ files

// What config.json's keys mean to the program, use by use.
static void put_config_keys(struct buf *out)
{
    static const char *const meanings[]
        = { [KEY_READ] = "Read.",
            [KEY_INERT] = "Known, and without influence on a logit of these families.",
            [KEY_REFUSED] = "Refused by name, unless null or the value that changes nothing.",
            [KEY_FOREIGN] = "A warning says that neither the program nor transformers reads it." };
    buf_str(out,
            "# Keys of config.json\n\nWritten by `make docs` from the table that the program "
            "holds every file against. The keys are those of the configuration classes of "
            "transformers 4.57.1 and 5.24.0, and those that their code looks for besides. Keys "
            "that stand nowhere below pass; one that is a letter away from a key that is read "
            "gets a warning.\n");
    for (size_t use = 0; key_use_name(use); use++) {
        buf_printf(out, "\n## %s\n\n%s\n\n| key | families |%s\n| --- | --- |%s\n",
                   key_use_name(use), meanings[use],
                   use == KEY_REFUSED ? " changes nothing | else |" : "",
                   use == KEY_REFUSED ? " --- | --- |" : "");
        for (size_t i = 0; i < n_config_keys; i++) {
            const struct config_key *k = &config_keys[i];
            if (k->use != use)
                continue;
            buf_printf(out, "| `%s` | %s |", k->name, k->families ? k->families : "all");
            if (use == KEY_REFUSED)
                buf_printf(out, " `%s` | %s |", k->harmless, k->instead);
            buf_char(out, '\n');
        }
    }
}

static bool write_file(const char *folder, const char *name, struct buf *text, struct abl_err *err)
{
    char *path = file_join(folder, name);
    bool ok = (path && !text->failed) || abl_no_memory(err);
    ok = ok && file_write_atomic(path, text->data, text->len, err);
    free(path);
    return ok;
}

static bool write_doc(const char *folder, const char *name, struct doc d, struct abl_err *err)
{
    struct buf text = { 0 };
    bool ok = doc_print(&d, DOC_PRETTY, &text, err) && write_file(folder, name, &text, err);
    buf_release(&text);
    doc_release(&d);
    return ok;
}

int main(int argc, char **argv)
{
    struct abl_err err = { 0 };
    struct buf page = { 0 }, keys = { 0 };
    bool ok = argc == 2 || abl_fail(&err, ABL_USAGE, "usage: describe FOLDER");
    if (ok)
        put_page(&page);
    if (ok)
        put_config_keys(&keys);
    ok = ok && write_file(argv[1], "tables.md", &page, &err)
         && write_file(argv[1], "config_keys.md", &keys, &err)
         && write_doc(argv[1], "schema/tables.json", tables_doc(), &err)
         && write_doc(argv[1], "schema/names.schema.json", names_doc(), &err);
    buf_release(&page);
    buf_release(&keys);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    return ok ? 0 : 1;
}
