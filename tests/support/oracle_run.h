// Whole runs over the models and prompts of tests/fixtures/experiments, whose expected numbers
// tools/golden_experiments.py, golden_attn.py and golden_compat.py have from transformers in
// float64.
#ifndef ABL_TESTS_ORACLE_RUN_H
#define ABL_TESTS_ORACLE_RUN_H

#include <cjson/cJSON.h>

#include "session/session.h"

struct oracle_model {
    const char *name, *folder;
};

enum { N_ORACLE_MODELS = 4 };
extern const struct oracle_model oracle_models[N_ORACLE_MODELS];
// What golden_experiments.py wrote of it. Owned: free through cJSON_Delete.
cJSON *oracle_golden(const struct oracle_model *m);

struct oracle_run {
    struct settings settings;
    char data[128];
    struct session *session; // owned from oracle_run_open on, as is the rest from oracle_run_all on
    struct variants variants;
    struct results table;
};

// Settings of a head sweep: two threads, few resamples. The run must stay where it is.
void oracle_run_settings(struct oracle_run *r, const struct oracle_model *m, const char *device);
// Each fails the test when it cannot be done: load the model and run it intact; then run every
// variant.
void oracle_run_open(struct oracle_run *r);
void oracle_run_all(struct oracle_run *r);
void oracle_run_close(struct oracle_run *r);

// The rows of the variant of that label, (n_prompts).
const struct row_stats *oracle_run_rows(const struct oracle_run *r, const char *label);

#endif
