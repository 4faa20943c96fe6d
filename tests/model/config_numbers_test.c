// What config.json means: each case of tests/fixtures/config/numbers.json is run by the double-
// precision reference under both owners' readings, and has to give what transformers 4 and 5
// computed, or be refused by name (tools/golden_config.py).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "reference/reference.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

#define FOLDER "tests/fixtures/config/"

enum { MAX_PROMPTS = 4, MAX_IDS = 32, MAX_WEIGHTS = 1 << 20 };

// Of the largest difference over max(1, |expected|).
static const double tolerance = 1e-4;

struct numbers {
    cJSON *file;
    struct scratch scratch;
    struct prompt prompts[MAX_PROMPTS];
    uint32_t ids[MAX_PROMPTS][MAX_IDS];
    size_t n_prompts;
    size_t n_bad;
};

static void open_numbers(struct numbers *n)
{
    *n = (struct numbers){ .file = fixture_read(FOLDER "numbers.json") };
    scratch_make(&n->scratch);
    const cJSON *prompt;
    cJSON_ArrayForEach(prompt, fixture_at(n->file, "prompts"))
    {
        struct prompt *p = &n->prompts[n->n_prompts];
        p->ids = n->ids[n->n_prompts];
        p->n_ids = (uint32_t)cJSON_GetArraySize(prompt);
        for (uint32_t i = 0; i < p->n_ids; i++)
            n->ids[n->n_prompts][i] = (uint32_t)fixture_nth(prompt, i);
        p->target = (uint32_t)fixture_number(fixture_at(n->file, "target"));
        p->foil = (uint32_t)fixture_number(fixture_at(n->file, "foil"));
        n->n_prompts++;
    }
}

// The folder of a case.
static void put_files(const struct numbers *n, const cJSON *item)
{
    char path[256];
    struct file_bytes weights = { 0 };
    struct abl_err err;
    snprintf(path, sizeof path, FOLDER "%s.safetensors", fixture_text(item, "weights"));
    if (!file_read(path, MAX_WEIGHTS, &weights, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
    scratch_write(&n->scratch, "m/model.safetensors", weights.data, weights.size);
    file_bytes_release(&weights);
    char *config = cJSON_Print(fixture_at(item, "config"));
    scratch_text(&n->scratch, "m/config.json", config);
    cJSON_free(config);
}

static void bad(struct numbers *n, const cJSON *item, enum owner like, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void bad(struct numbers *n, const cJSON *item, enum owner like, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error("%s, --like %s: %s\n", fixture_text(item, "name"), owner_name(like), text);
    n->n_bad++;
}

static void compare(struct numbers *n, const cJSON *item, enum owner like, const struct model *m,
                    const cJSON *rows)
{
    struct reference_row found[MAX_PROMPTS];
    struct abl_err err;
    struct reference_job job = { .model = m, .prompts = n->prompts, .n_prompts = n->n_prompts };
    if (!reference_run(&job, found, NULL, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < n->n_prompts; i++) {
        const cJSON *row = cJSON_GetArrayItem(rows, (int)i);
        double three[] = { found[i].target_logit, found[i].foil_logit, found[i].lse };
        for (size_t k = 0; k < 3; k++) {
            double expected = fixture_nth(row, k);
            if (!(fabs(three[k] - expected) <= tolerance * fmax(1, fabs(expected))))
                bad(n, item, like, "prompt %zu, number %zu: found %.9g, expected %.9g", i, k,
                    three[k], expected);
        }
    }
}

static bool are_near(const cJSON *a, const cJSON *b)
{
    bool near = cJSON_GetArraySize(a) == cJSON_GetArraySize(b);
    if (!cJSON_IsArray(a))
        return fabs(a->valuedouble - b->valuedouble) <= 1e-6 * fmax(1, fabs(a->valuedouble));
    for (int i = 0; near && i < cJSON_GetArraySize(a); i++)
        near = are_near(cJSON_GetArrayItem(a, i), cJSON_GetArrayItem(b, i));
    return near;
}

// Whether the two owners' numbers differ, by more than rounding, so that a note is due.
static bool disagree(const cJSON *item)
{
    const cJSON *rows[N_OWNERS];
    for (size_t o = 0; o < N_OWNERS; o++)
        rows[o] = cJSON_GetObjectItem(fixture_at(item, owner_name(o)), "rows");
    return rows[0] && rows[1] && !are_near(rows[0], rows[1]);
}

static void run(struct numbers *n, const cJSON *item, enum owner like)
{
    struct model *m;
    struct abl_err err;
    const cJSON *theirs = fixture_at(item, owner_name(like));
    const cJSON *rows = cJSON_GetObjectItem(theirs, "rows");
    const cJSON *ours = cJSON_GetObjectItem(item, "ours");
    const char *want = cJSON_IsString(ours) ? ours->valuestring : NULL;
    bool open = model_open(scratch_path(&n->scratch, "m"), like, &m, &err);
    if (!open && !want && rows)
        bad(n, item, like, "refused: %s", err.text);
    if (!open && want && !strstr(err.text, want))
        bad(n, item, like, "refused without naming '%s': %s", want, err.text);
    if (open && !rows && !(want && strcmp(want, "accepted") == 0))
        bad(n, item, like, "opened, where the owner has: %s", fixture_text(theirs, "error"));
    if (open && rows)
        compare(n, item, like, m, rows);
    if (open && disagree(item) && !m->notes.n)
        bad(n, item, like, "no note, though the owners' numbers differ");
    if (open)
        model_free(m);
}

static void every_case_gives_the_owners_numbers_or_is_refused_by_name(void **state)
{
    (void)state;
    struct numbers n;
    open_numbers(&n);
    const cJSON *item;
    size_t count = 0;
    cJSON_ArrayForEach(item, fixture_at(n.file, "cases"))
    {
        put_files(&n, item);
        for (size_t like = 0; like < N_OWNERS; like++)
            run(&n, item, (enum owner)like);
        count++;
    }
    scratch_remove(&n.scratch);
    cJSON_Delete(n.file);
    assert_true(count > 100);
    if (n.n_bad)
        fail_msg("%zu of 2 x %zu readings are wrong", n.n_bad, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gives_the_owners_numbers_or_is_refused_by_name),
    };
    return cmocka_run_group_tests_name("config numbers", tests, NULL, NULL);
}
