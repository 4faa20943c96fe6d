#include "experiments/experiments.h"
#include "report/write.h"
#include "tests/support/report_example.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <csv.h>

#include <cmocka.h>

const uint32_t example_index[ROWS] = { 0, 2, 3, 5, 8, 9 };
const uint32_t example_cluster[ROWS] = { 0, 1, 1, 2, 0, 2 };

void close_to(const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-12 * fmax(1.0, fabs(expected))))
        fail_msg("%s: found %.17g, expected %.17g, differs by %g", what, found, expected,
                 found - expected);
}

// Row i of variant v (-1: intact). Multiples of 1/64, so that sums and differences are exact.
static struct row_stats stats_of(int v, int i)
{
    float target = 2.0f + (float)i / 8.0f - (float)(v + 1) / 4.0f + (float)(v * i % 5) / 64.0f;
    return (struct row_stats){ .target_logit = target,
                               .target_lse = target,
                               .foil_logit = 1.0f - (float)(i % 3) / 16.0f,
                               .lse = 4.0f + (float)(v + 1) / 32.0f,
                               .entropy = 1.5f + (float)i / 64.0f,
                               .kl = v < 0 ? 0.0f : (float)(v + 1) / 16.0f + (float)i / 64.0f,
                               .rank = (uint32_t)(i % 2 + v + 1),
                               .argmax = (uint32_t)(v > 2 && i > 3 ? 40 + v : 20 + i) };
}

static void fill_prompts(struct example *e)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        e->dataset_rows[i] = (struct dataset_row){ .clean = "a",
                                                   .index = example_index[i],
                                                   .line = example_index[i] + 1 };
        e->items[i] = (struct prompt){ .row = &e->dataset_rows[i],
                                       .n_ids = 5 + i,
                                       .target = 20 + i - i % 2, // even rows are right
                                       .foil = 90 + i,
                                       .cluster = example_cluster[i] };
        e->intact[i] = stats_of(-1, (int)i);
    }
    e->finding = (struct finding){ .kind = "duplicate-prompt",
                                   .n_rows = 2,
                                   .first_line = 4,
                                   .text = "2 rows repeat an earlier prompt" };
    e->prompts = (struct prompts){ .items = e->items,
                                   .n = ROWS,
                                   .n_clusters = CLUSTERS,
                                   .bos = TOKEN_NONE,
                                   .findings = &e->finding,
                                   .n_findings = 1 };
}

static void fill_results(struct example *e, struct abl_err *err)
{
    struct ablation how = e->session.settings.ablation;
    struct head all[LAYERS * HEADS];
    for (uint32_t i = 0; i < LAYERS * HEADS; i++)
        all[i] = (struct head){ i / HEADS, i % HEADS };
    struct head pair[] = { { 0, 1 }, { 1, 2 } }, trio[] = { { 0, 0 }, { 0, 1 }, { 1, 2 } };
    struct head_set sets[] = { { pair, 2 }, { trio, 3 } };
    if (e->session.settings.experiment == &experiment_heads)
        must(variants_heads(all, LAYERS * HEADS, how, &e->variants, err), err);
    else
        must(variants_sets(sets, 2, how, &e->variants, err), err);
    must(results_init(&e->results, &e->variants, ROWS, err), err);
    for (size_t v = 0; v < e->variants.n; v++) {
        for (int i = 0; i < ROWS; i++)
            e->results.rows[v * ROWS + (size_t)i] = stats_of((int)v, i);
        e->results.done[v] = true;
        e->results.n_done++;
    }
}

struct example *example_new(const struct experiment *experiment)
{
    struct abl_err err = { 0 };
    struct example *e = calloc(1, sizeof *e);
    assert_non_null(e);
    char *folder = realpath("data/models/tiny-gpt2", NULL); // absolute: one test changes the folder
    assert_non_null(folder);
    must(model_open(folder, OWNER_TRANSFORMERS_5, &e->opened, &err), &err);
    free(folder);
    must(tokenizer_open("data/models/tiny-gpt2", OWNER_TRANSFORMERS_5, &e->tokenizer, &err), &err);
    e->model = *e->opened;
    e->model.name = "tiny";
    e->model.shape.n_layers = LAYERS;
    e->model.shape.n_heads = HEADS;
    e->engine.info
        = (struct device_info){ .kind = DEVICE_CPU, .name = "a cpu", .driver = "by hand" };
    e->data = (struct dataset){ .name = "facts",
                                .path = "data/facts.jsonl",
                                .rows = e->dataset_rows,
                                .n_rows = ROWS,
                                .split = SPLIT_TRAIN };
    memset(e->data.sha256, 'a', SHA256_HEX - 1);
    fill_prompts(e);
    e->session = (struct session){ .model = &e->model,
                                   .tokenizer = e->tokenizer,
                                   .data = &e->data,
                                   .prompts = &e->prompts,
                                   .engine = &e->engine,
                                   .device = e->engine.info,
                                   .intact = e->intact };
    settings_default(&e->session.settings, &experiment_heads);
    e->session.settings.experiment = experiment;
    e->session.settings.sets = experiment == &experiment_sets ? "0:1+1:2;0:0+0:1+1:2" : NULL;
    e->session.settings.seed = 7;
    must(resampler_new(example_cluster, ROWS, CLUSTERS, 500, 7, 0.05, &e->session.resampler, &err),
         &err);
    fill_results(e, &err);
    e->report = (struct report){ .session = &e->session,
                                 .settings = &e->session.settings,
                                 .results = &e->results,
                                 .command_line = "abltui --export x",
                                 .seconds = 1.5 };
    return e;
}

void example_free(struct example *e)
{
    results_release(&e->results);
    variants_release(&e->variants);
    resampler_free(e->session.resampler);
    tokenizer_free(e->tokenizer);
    model_free(e->opened);
    free(e);
}

// A folder of the test's own, removed at its end.
int make_folder(void **state)
{
    char *path = strdup("/tmp/abltui-report-XXXXXX");
    *state = path;
    return path && mkdtemp(path) ? 0 : -1;
}

int remove_folder(void **state)
{
    int rc = file_remove_tree(*state, NULL) ? 0 : -1;
    free(*state);
    return rc;
}

struct file_bytes read_bytes(const char *folder, const char *name)
{
    struct abl_err err = { 0 };
    struct file_bytes bytes;
    char *path = file_join(folder, name);
    must(file_read(path, 1 << 26, &bytes, ABL_FAILED, &err), &err);
    free(path);
    return bytes;
}

void write_text(const char *folder, const char *name, const char *text)
{
    struct abl_err err = { 0 };
    char *path = file_join(folder, name);
    must(file_write_atomic(path, text, strlen(text), &err), &err);
    free(path);
}

char *write_report(const struct example *e, const char *folder, const char *name)
{
    struct abl_err err = { 0 };
    struct written w;
    char *path = file_join(folder, name);
    must(report_write(&e->report, path, &w, &err), &err);
    assert_string_equal(path, w.place);
    assert_int_equal(w.lacking.len, 0);
    written_release(&w);
    return path;
}

static void on_field(void *text, size_t len, void *context)
{
    struct sheet_read *s = context;
    assert_true(s->n_cells < MAX_CELLS);
    s->cells[s->n_cells++] = strndup(text, len);
}

static void on_line(int end, void *context)
{
    (void)end;
    struct sheet_read *s = context;
    if (!s->n_lines++)
        s->n_columns = s->n_cells;
    assert_int_equal(s->n_cells, s->n_lines * s->n_columns);
}

struct sheet_read *sheet_open(const char *folder, const char *name)
{
    struct file_bytes bytes = read_bytes(folder, name);
    struct sheet_read *s = calloc(1, sizeof *s);
    struct csv_parser p;
    assert_non_null(s);
    assert_int_equal(csv_init(&p, CSV_STRICT), 0);
    assert_int_equal(csv_parse(&p, bytes.data, bytes.size, on_field, on_line, s), bytes.size);
    csv_fini(&p, on_field, on_line, s);
    csv_free(&p);
    file_bytes_release(&bytes);
    return s;
}

void sheet_close(struct sheet_read *s)
{
    for (size_t i = 0; i < s->n_cells; i++)
        free(s->cells[i]);
    free(s);
}

const char *cell(const struct sheet_read *s, size_t row, const char *column)
{
    for (size_t i = 0; i < s->n_columns; i++)
        if (strcmp(s->cells[i], column) == 0) {
            assert_true(row + 1 < s->n_lines);
            return s->cells[(row + 1) * s->n_columns + i];
        }
    fail_msg("no column '%s'", column);
    return NULL;
}

void cell_is(const struct sheet_read *s, size_t row, const char *column, const char *expected)
{
    const char *found = cell(s, row, column);
    if (strcmp(found, expected) != 0)
        fail_msg("row %zu, %s: found '%s', expected '%s'", row, column, found, expected);
}

void cell_near(const struct sheet_read *s, size_t row, const char *column, double expected)
{
    const char *found = cell(s, row, column);
    char *end;
    double value = strtod(found, &end);
    if (!*found || *end)
        fail_msg("row %zu, %s: found '%s', expected %.17g", row, column, found, expected);
    close_to(column, value, expected);
}

void header_is(const struct sheet_read *s, const char *expected)
{
    char line[512] = "";
    for (size_t i = 0; i < s->n_columns; i++) {
        strcat(line, i ? "," : "");
        strcat(line, s->cells[i]);
    }
    assert_string_equal(line, expected);
}

struct place {
    struct json j;
    struct abl_err err;
};

// Go to "metrics.ld.intact.ci95.0"; false if there is no such place.
static bool seek(struct json *j, const char *path)
{
    while (*path) {
        size_t len = strcspn(path, ".");
        bool found = false;
        if (json_peek(j) == JSON_ARRAY) {
            size_t wanted = strtoul(path, NULL, 10), at = 0;
            json_array(j);
            while (!found && json_next_item(j))
                if (!(found = at++ == wanted))
                    json_skip(j);
        } else {
            struct json_text key;
            if (json_peek(j) != JSON_OBJECT)
                return false;
            json_object(j);
            while (!found && json_next_key(j, &key))
                if (!(found = key.len == len && memcmp(key.data, path, len) == 0))
                    json_skip(j);
        }
        if (!found)
            return false;
        path += len + (path[len] == '.');
    }
    return true;
}

static void place_open(struct place *p, const struct file_bytes *bytes, const char *path)
{
    must(json_open(&p->j, "json", bytes->data, bytes->size, ABL_FAILED, &p->err), &p->err);
    if (!seek(&p->j, path))
        fail_msg("no '%s' in the document", path);
}

double number_at(const struct file_bytes *bytes, const char *path)
{
    struct place p;
    double value = NAN;
    place_open(&p, bytes, path);
    if (json_peek(&p.j) != JSON_NULL)
        assert_true(json_double(&p.j, &value));
    json_close(&p.j);
    return value;
}

enum json_type type_at(const struct file_bytes *bytes, const char *path)
{
    struct place p;
    place_open(&p, bytes, path);
    enum json_type type = json_peek(&p.j);
    json_close(&p.j);
    return type;
}

char *text_at(const struct file_bytes *bytes, const char *path)
{
    struct place p;
    struct json_text text = { 0 };
    place_open(&p, bytes, path);
    assert_true(json_string(&p.j, &text));
    char *copy = strndup(text.data, text.len);
    json_close(&p.j);
    assert_non_null(copy);
    return copy;
}

void text_at_is(const struct file_bytes *bytes, const char *path, const char *expected)
{
    char *text = text_at(bytes, path);
    assert_string_equal(text, expected);
    free(text);
}

size_t count_at(const struct file_bytes *bytes, const char *path)
{
    struct place p;
    size_t n = 0;
    place_open(&p, bytes, path);
    assert_true(json_array(&p.j));
    while (json_next_item(&p.j) && json_skip(&p.j))
        n++;
    json_close(&p.j);
    return n;
}

void is_strict_json(const char *name, const struct file_bytes *bytes)
{
    struct json j;
    struct abl_err err = { 0 };
    bool ok = json_open(&j, name, bytes->data, bytes->size, ABL_FAILED, &err) && json_skip(&j)
              && json_end(&j);
    json_close(&j);
    must(ok, &err);
}
