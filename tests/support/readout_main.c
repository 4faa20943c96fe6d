// What a model says of texts: readout MODEL DEVICE < asks.jsonl > answers.jsonl; tools/test_real.py
// reads it. A line {"text": "…", "tokens": [id, …]} is answered by {"ids": […], "ranks": […],
// "logprobs": […]}: the prompt's ids as a run would use them, and of each token asked its rank and
// log-probability behind them.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "forward/forward.h"
#include "model/model.h"
#include "stats/metrics.h"
#include "text/tokenizer.h"

enum { MAX_ASKED = 64 };

struct ask {
    struct token_ids ids; // BOS included
    uint32_t tokens[MAX_ASKED];
    uint32_t n;
};

static bool read_tokens(struct json *j, struct ask *a)
{
    uint64_t id;
    if (!json_array(j))
        return false;
    while (json_next_item(j)) {
        if (!json_u64(j, &id) || a->n == MAX_ASKED)
            return json_fail(j, "expected at most %d token ids", MAX_ASKED);
        a->tokens[a->n++] = (uint32_t)id;
    }
    return !j->failed;
}

static bool read_ask(const struct tokenizer *t, struct json *j, struct ask *a)
{
    struct json_text key, text;
    uint32_t bos;
    if (!tokenizer_bos(t, BOS_AUTO, &bos, j->err) || !json_object(j))
        return false;
    a->ids.ids = malloc(sizeof *a->ids.ids);
    a->ids.cap = 1;
    if (bos != TOKEN_NONE)
        a->ids.ids[a->ids.n++] = bos;
    while (json_next_key(j, &key)) {
        bool ok = json_key_is(key, "text")
                      ? json_string(j, &text)
                            && tokenizer_encode(t, text.data, text.len, &a->ids, j->err)
                      : read_tokens(j, a);
        if (!ok)
            return false;
    }
    return json_end(j);
}

static void print_numbers(const char *name, const struct ask *a, const struct row_stats *s)
{
    printf(", \"%s\": [", name);
    for (uint32_t i = 0; i < a->n; i++)
        if (strcmp(name, "ranks") == 0)
            printf("%s%" PRIu32, i ? ", " : "", s[i].rank);
        else
            printf("%s%.9g", i ? ", " : "", metric_value(METRIC_LOGPROB, &s[i], &s[i]));
    putchar(']');
}

static void print_answer(const struct ask *a, const struct row_stats *s)
{
    fputs("{\"ids\": [", stdout);
    for (size_t i = 0; i < a->ids.n; i++)
        printf("%s%" PRIu32, i ? ", " : "", a->ids.ids[i]);
    putchar(']');
    print_numbers("ranks", a, s);
    print_numbers("logprobs", a, s);
    puts("}");
}

// One prompt for each token asked: equal prompts are run once.
static bool answer(const struct model *m, const char *device, const struct ask *asks, size_t n,
                   struct abl_err *err)
{
    struct engine *engine;
    struct forward *forward;
    size_t n_prompts = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        n_prompts += asks[i].n;
    struct prompt *prompts = calloc(n_prompts + 1, sizeof *prompts);
    struct row_stats *stats = calloc(n_prompts + 1, sizeof *stats);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < asks[i].n; k++)
            prompts[at++] = (struct prompt){ .ids = asks[i].ids.ids,
                                             .n_ids = (uint32_t)asks[i].ids.n,
                                             .target = asks[i].tokens[k],
                                             .foil = asks[i].tokens[k] };
    bool ok = engine_open(device, 0, PRECISION_F32, &engine, err);
    struct forward_settings s = { .engine = ok ? engine : NULL,
                                  .model = m,
                                  .prompts = prompts,
                                  .n_prompts = n_prompts,
                                  .mem = 256u << 20,
                                  .weights_mem = UINT64_MAX };
    if (ok && n_prompts && forward_open(&s, stats, &forward, err)) {
        for (size_t i = 0, from = 0; i < n; from += asks[i++].n)
            print_answer(&asks[i], stats + from);
        forward_free(forward);
    } else
        ok = false;
    if (s.engine)
        engine->ops->free(engine);
    free(prompts);
    free(stats);
    return ok;
}

static bool read_asks(const struct tokenizer *t, struct ask **out, size_t *n, struct abl_err *err)
{
    char *line = NULL;
    size_t cap = 0;
    bool ok = true;
    for (ssize_t len; ok && (len = getline(&line, &cap, stdin)) > 0;) {
        struct json j;
        *out = realloc(*out, (*n + 1) * sizeof **out);
        (*out)[*n] = (struct ask){ 0 };
        ok = json_open(&j, "line", line, (size_t)len, ABL_BAD_DATA, err)
             && read_ask(t, &j, &(*out)[(*n)++]);
        json_close(&j);
    }
    free(line);
    return ok;
}

int main(int argc, char **argv)
{
    struct abl_err err = { 0 };
    struct model *m = NULL;
    struct tokenizer *t = NULL;
    struct ask *asks = NULL;
    size_t n = 0;
    bool ok = argc == 3 ? model_open(argv[1], OWNER_TRANSFORMERS_5, &m, &err)
                              && model_tokenizer_open(argv[1], OWNER_TRANSFORMERS_5, &t, &err)
                        : abl_fail(&err, ABL_USAGE, "usage: readout MODEL DEVICE < asks.jsonl");
    ok = ok && read_asks(t, &asks, &n, &err) && answer(m, argv[2], asks, n, &err);
    for (size_t i = 0; i < n; i++)
        token_ids_release(&asks[i].ids);
    free(asks);
    tokenizer_free(t);
    model_free(m);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    return ok ? 0 : (int)err.code;
}
