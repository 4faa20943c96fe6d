// A dataset: a byte that says how it is read, its JSONL, its split file. Rows become prompts under
// the bundled tokenizer, and the pre-flight check says what it finds.
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "text/prompts.h"

enum { SKIP_BAD = 1, BY_TEMPLATE = 2, WHOLE_ANSWERS = 4, OTHER_NAMES = 8, SHORT = 16 };

// Opened once a process, as it does not depend on the input.
static const struct tokenizer *bundled(void)
{
    static struct tokenizer *t;
    if (!t)
        REQUIRE(tokenizer_open("data/models/tiny-gpt2", OWNER_TRANSFORMERS_5, &t, NULL));
    return t;
}

static void check_findings(const struct prompts *p)
{
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        struct abl_err line = { .code = ABL_BAD_DATA };
        REQUIRE(f->kind && *f->kind && f->text && *f->text && f->n_rows);
        strncpy(line.text, f->text, sizeof line.text - 1);
        if (strlen(f->text) < sizeof line.text)
            fuzz_outcome(false, &line);
    }
}

static void lint(const struct dataset *d, uint8_t how)
{
    struct prompts_options o = { .skip_bad = how & SKIP_BAD,
                                 .n_ctx = how & SHORT ? 8 : 0,
                                 .cluster = how & BY_TEMPLATE ? CLUSTER_TEMPLATE : CLUSTER_AUTO,
                                 .whole_answers = how & WHOLE_ANSWERS };
    struct prompts *p;
    struct abl_err err = { 0 };
    if (!fuzz_outcome(prompts_make(d, bundled(), &o, &p, &err), &err))
        return;
    REQUIRE(p->n + p->n_dropped == d->n_rows && p->n_clusters <= p->n);
    check_findings(p);
    if (fuzz_outcome(prompts_refuse(p, &err), &err))
        for (size_t i = 0; i < p->n; i++)
            REQUIRE(p->items[i].n_ids && p->items[i].cluster < p->n_clusters
                    && (how & WHOLE_ANSWERS || p->items[i].target != p->items[i].foil));
    prompts_free(p);
}

void fuzz_jsonl(const uint8_t *data, size_t size)
{
    static const struct data_fields other
        = { .names = { "prompt", "twin", "answer", "wrong" }, .by = "template" };
    struct part rest = { (const char *)data, size };
    uint8_t how = next_byte(&rest);
    struct part rows = next_part(&rest);
    struct dataset *d;
    size_t n_dropped = 0;
    struct abl_err err = { 0 };
    if (!rows.len)
        return;
    fuzz_write("data.jsonl", rows);
    fuzz_write("data.split.json", next_part(&rest));
    bool ok = dataset_open_as(how & OTHER_NAMES ? &other : NULL, fuzz_path("data.jsonl"), "data",
                              (enum split)(how / 32 % (SPLIT_ALL + 1)), how / 32 == 7 ? 3 : 0,
                              how & SKIP_BAD, &d, &n_dropped, &err);
    if (!fuzz_outcome(ok, &err))
        return;
    REQUIRE(d->n_rows && (how & SKIP_BAD || !n_dropped));
    for (size_t i = 0; i < d->n_rows; i++)
        REQUIRE(d->rows[i].clean && *d->rows[i].target && *d->rows[i].foil && d->rows[i].line);
    lint(d, how);
    dataset_free(d);
}
