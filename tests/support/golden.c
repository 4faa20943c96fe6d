#include "tests/support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "model/model.h"

enum { MAX_ROWS = 256 };

void golden_close(double found, double expected, double tolerance, const char *format, ...)
{
    double slack = tolerance * fmax(1.0, fabs(expected));
    if (fabs(found - expected) <= slack)
        return;
    char where[256];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    fail_msg("%s: found %.12g, expected %.12g, differs by %g, tolerance %g", where, found, expected,
             found - expected, slack);
}

static void read_text(struct json *j, char *out, size_t size)
{
    struct json_text text;
    assert_true(json_string(j, &text));
    assert_true(text.len < size);
    snprintf(out, size, "%s", text.data);
}

static void read_ids(struct json *j, struct golden_row *r)
{
    assert_true(json_array(j));
    while (json_next_item(j)) {
        uint64_t id;
        assert_true(r->n_ids < GOLDEN_MAX_IDS);
        assert_true(json_u64(j, &id));
        r->ids[r->n_ids++] = (uint32_t)id;
    }
}

static void read_cells(struct json *j, double *out)
{
    size_t n = 0;
    assert_true(json_array(j));
    while (json_next_item(j)) {
        assert_true(json_array(j));
        while (json_next_item(j)) {
            assert_true(n < GOLDEN_MAX_HEADS);
            assert_true(json_double(j, &out[n++]));
        }
    }
}

static void read_grid(struct json *j, struct golden_grid *g)
{
    struct json_text key;
    assert_true(json_object(j));
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "delta_ld"))
            read_cells(j, g->delta_ld);
        else if (json_key_is(key, "kl"))
            read_cells(j, g->kl);
        else if (json_key_is(key, "flip"))
            read_cells(j, g->flip);
        else
            fail_msg("unknown grid '%s'", key.data);
    }
}

static void read_sets(struct json *j, struct golden_sets *sets)
{
    struct json_text key;
    assert_true(json_object(j));
    while (json_next_key(j, &key)) {
        assert_true(sets->n < GOLDEN_MAX_SETS);
        struct golden_set *set = &sets->items[sets->n++];
        snprintf(set->label, sizeof set->label, "%s", key.data);
        assert_true(json_double(j, &set->delta_ld));
    }
}

static void read_value(struct json *j, struct json_text key, struct golden_row *r)
{
    const struct {
        const char *key;
        uint64_t *out;
    } wholes[] = { { "row", &r->row },
                   { "target_id", &r->target_id },
                   { "foil_id", &r->foil_id },
                   { "rank", &r->rank },
                   { "argmax_id", &r->argmax } };
    const struct {
        const char *key;
        double *out;
    } reals[] = { { "ld", &r->ld },
                  { "logprob", &r->logprob },
                  { "prob", &r->prob },
                  { "entropy", &r->entropy } };
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
        if (json_key_is(key, wholes[i].key)) {
            assert_true(json_u64(j, wholes[i].out));
            return;
        }
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (json_key_is(key, reals[i].key)) {
            assert_true(json_double(j, reals[i].out));
            return;
        }
    assert_true(json_skip(j));
}

static void read_row(struct json *j, struct golden_row *r)
{
    struct json_text key;
    assert_true(json_object(j));
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "condition"))
            read_text(j, r->condition, sizeof r->condition);
        else if (json_key_is(key, "clean"))
            read_text(j, r->clean, sizeof r->clean);
        else if (json_key_is(key, "target"))
            read_text(j, r->target, sizeof r->target);
        else if (json_key_is(key, "foil"))
            read_text(j, r->foil, sizeof r->foil);
        else if (json_key_is(key, "ids"))
            read_ids(j, r);
        else if (json_key_is(key, "folded"))
            read_grid(j, &r->by_head[VALUE_BIAS_FOLDED]);
        else if (json_key_is(key, "head"))
            read_grid(j, &r->by_head[VALUE_BIAS_HEAD]);
        else if (json_key_is(key, "joint_folded_delta_ld"))
            read_sets(j, &r->joint);
        else if (json_key_is(key, "half_folded_delta_ld"))
            read_sets(j, &r->half[VALUE_BIAS_FOLDED]);
        else if (json_key_is(key, "half_head_delta_ld"))
            read_sets(j, &r->half[VALUE_BIAS_HEAD]);
        else
            read_value(j, key, r);
    }
}

static void read_rows(struct json *j, struct golden *g)
{
    g->rows = arena_alloc(&g->arena, MAX_ROWS, sizeof *g->rows);
    assert_non_null(g->rows);
    assert_true(json_array(j));
    while (json_next_item(j)) {
        assert_true(g->n_rows < MAX_ROWS);
        read_row(j, &g->rows[g->n_rows++]);
    }
}

static void read_golden(struct json *j, struct golden *g)
{
    struct json_text key;
    assert_true(json_object(j));
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "model"))
            read_text(j, g->model, sizeof g->model);
        else if (json_key_is(key, "model_sha256"))
            read_text(j, g->model_sha256, sizeof g->model_sha256);
        else if (json_key_is(key, "n_layers"))
            assert_true(json_u64(j, &g->n_layers));
        else if (json_key_is(key, "n_heads"))
            assert_true(json_u64(j, &g->n_heads));
        else if (json_key_is(key, "rows"))
            read_rows(j, g);
        else
            assert_true(json_skip(j));
    }
}

static void make_prompts(struct golden *g)
{
    g->prompts = arena_alloc(&g->arena, g->n_rows, sizeof *g->prompts);
    assert_non_null(g->prompts);
    for (size_t i = 0; i < g->n_rows; i++)
        g->prompts[i] = (struct prompt){ .ids = g->rows[i].ids,
                                         .n_ids = g->rows[i].n_ids,
                                         .target = (uint32_t)g->rows[i].target_id,
                                         .foil = (uint32_t)g->rows[i].foil_id,
                                         .cluster = (uint32_t)i };
}

static void check_weights(const struct golden *g, const char *path)
{
    struct abl_err err;
    struct model *m;
    char found[SHA256_HEX];
    if (!model_open(g->model, OWNER_TRANSFORMERS_5, &m, &err) || !model_sha256(m, found, &err))
        fail_msg("%s", err.text);
    model_free(m);
    if (strcmp(found, g->model_sha256) != 0)
        fail_msg("%s was made from other weights than %s: run the command that it names", path,
                 g->model);
}

void golden_open(const char *path, struct golden *out)
{
    struct file_bytes bytes;
    struct abl_err err = { .text = "" };
    struct json j;
    *out = (struct golden){ .n_rows = 0 };
    if (!file_read(path, 64 << 20, &bytes, ABL_FAILED, &err)
        || !json_open(&j, path, bytes.data, bytes.size, ABL_FAILED, &err))
        fail_msg("%s", err.text);
    read_golden(&j, out);
    if (!json_end(&j))
        fail_msg("%s", err.text);
    json_close(&j);
    file_bytes_release(&bytes);
    assert_true(out->n_rows > 0 && out->n_layers * out->n_heads <= GOLDEN_MAX_HEADS);
    make_prompts(out);
    check_weights(out, path);
}

void golden_thin(struct golden *g, size_t step)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_rows; i += step, n++) {
        g->rows[n] = g->rows[i];
        g->prompts[n] = g->prompts[i];
        g->prompts[n].ids = g->rows[n].ids;
    }
    g->n_rows = n;
}

void golden_release(struct golden *g)
{
    arena_release(&g->arena);
}
