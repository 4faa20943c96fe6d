#include "tests/support/oracle_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "experiments/experiments.h"
#include "tests/support/check.h"
#include "tests/support/fixture.h"
#include "tests/support/labelled.h"

#define FOLDER "tests/fixtures/experiments/"

const struct oracle_model oracle_models[N_ORACLE_MODELS]
    = { { "tiny-gpt2", "data/models/tiny-gpt2" },
        { "llama-gqa", "tests/fixtures/archs/llama-gqa" },
        { "neox-parallel", "tests/fixtures/archs/neox-parallel" },
        { "neox-sequential", FOLDER "neox-sequential" } };

cJSON *oracle_golden(const struct oracle_model *m)
{
    char path[128];
    snprintf(path, sizeof path, FOLDER "%s.json", m->name);
    return fixture_read(path);
}

void oracle_run_settings(struct oracle_run *r, const struct oracle_model *m, const char *device)
{
    *r = (struct oracle_run){ .session = NULL };
    settings_default(&r->settings, &experiment_heads);
    snprintf(r->data, sizeof r->data, FOLDER "%s.jsonl", m->name);
    r->settings.model = m->folder;
    r->settings.data = r->data;
    r->settings.device = device;
    r->settings.n_threads = 2;
    r->settings.n_boot = 10;
}

void oracle_run_open(struct oracle_run *r)
{
    struct abl_err err;
    CHECK(session_open(&r->settings, &r->session, &err));
}

void oracle_run_all(struct oracle_run *r)
{
    struct abl_err err;
    CHECK(experiment_variants(r->session, &r->variants, &err));
    CHECK(results_init(&r->table, &r->variants, r->session->prompts->n, &err));
    CHECK(session_run(r->session, &r->table, NULL, NULL, NULL, &err));
}

void oracle_run_close(struct oracle_run *r)
{
    results_release(&r->table);
    variants_release(&r->variants);
    session_free(r->session);
}

const struct row_stats *oracle_run_rows(const struct oracle_run *r, const char *label)
{
    size_t v = labelled(&r->variants, label);
    if (v == NO_VARIANT)
        fail_msg("%s on %s: no variant '%s'", r->settings.model, r->settings.device, label);
    return &r->table.rows[v * r->table.n_prompts];
}
