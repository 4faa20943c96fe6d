// Where a model's name leads, and what `abltui models` lists.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/hf_cache.h"
#include "model/model.h"
#include "tests/support/mini_model.h"

#define COMMIT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OLDER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define IN_CACHE(repo, commit) "cache/models--" repo "/snapshots/" commit

static const struct mini_model mini = {
    .n_layers = 2,
    .n_heads = 3,
    .d_model = 6,
    .n_ctx = 5,
    .n_vocab = 257,
    .dtype = "F32",
    .flags = MINI_TOKENIZER,
};

struct place {
    struct scratch scratch;
    char data[SCRATCH_PATH + 8], cache[SCRATCH_PATH + 8], before[SCRATCH_PATH];
    struct model_places places;
};

// Every test begins in an empty folder of its own.
static int setup(void **state)
{
    static struct place p;
    p = (struct place){ 0 };
    assert_non_null(getcwd(p.before, sizeof p.before));
    scratch_make(&p.scratch);
    snprintf(p.data, sizeof p.data, "%s/data", p.scratch.path);
    snprintf(p.cache, sizeof p.cache, "%s/cache", p.scratch.path);
    p.places = (struct model_places){ .data_dir = p.data, .hf_cache = p.cache };
    assert_int_equal(chdir(p.scratch.path), 0);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    assert_int_equal(chdir(p->before), 0);
    scratch_remove(&p->scratch);
    return 0;
}

// A name leads to the path that ends so.
static void expect_path(const struct place *p, const char *name, const char *end)
{
    struct abl_err err;
    char *path;
    bool named;
    if (!model_find(name, &p->places, &path, &named, &err))
        fail_msg("'%s': %s", name, err.text);
    size_t n = strlen(path), m = strlen(end);
    if (n < m || strcmp(path + n - m, end) != 0)
        fail_msg("'%s': found '%s', expected '…%s'", name, path, end);
    free(path);
}

static void expect_refusal(const struct place *p, const char *name, const char *words,
                           const char *remedy)
{
    struct abl_err err = { 0 };
    char *path;
    if (model_find(name, &p->places, &path, NULL, &err))
        fail_msg("'%s' leads to '%s'", name, path);
    if (err.code != ABL_BAD_MODEL || !strstr(err.text, words) || !strstr(err.text, remedy))
        fail_msg("'%s': found \"%s\", expected \"%s\" and \"%s\"", name, err.text, words, remedy);
}

static void add_ref(const struct place *p, const char *repo, const char *ref, const char *commit)
{
    char name[256];
    snprintf(name, sizeof name, "cache/models--%s/refs/%s", repo, ref);
    scratch_text(&p->scratch, name, commit);
}

static void paths_come_before_bundled_names_and_those_before_the_cache(void **state)
{
    const struct place *p = *state;
    mini_model_write(&p->scratch, IN_CACHE("openai-community--gpt2", COMMIT), &mini);
    expect_path(p, "gpt2", IN_CACHE("openai-community--gpt2", COMMIT));
    mini_model_write(&p->scratch, "data/models/gpt2", &mini);
    expect_path(p, "gpt2", "data/models/gpt2");
    scratch_text(&p->scratch, "gpt2/notes.txt", "a folder that is no model");
    expect_path(p, "gpt2", "data/models/gpt2");
    mini_model_write(&p->scratch, "gpt2", &mini);
    expect_path(p, "gpt2", "gpt2");
    expect_path(p, "gpt2/model.safetensors", "gpt2/model.safetensors");
    expect_path(p, "./data/models/gpt2", "./data/models/gpt2");
}

static void ids_and_aliases_lead_into_the_cache(void **state)
{
    const struct place *p = *state;
    mini_model_write(&p->scratch, IN_CACHE("EleutherAI--pythia-70m", COMMIT), &mini);
    mini_model_write(&p->scratch, IN_CACHE("EleutherAI--pythia-70m", OLDER), &mini);
    add_ref(p, "EleutherAI--pythia-70m", "main", COMMIT);
    add_ref(p, "EleutherAI--pythia-70m", "step3000", OLDER);
    expect_path(p, "EleutherAI/pythia-70m", COMMIT);
    expect_path(p, "pythia-70m", COMMIT);
    expect_path(p, "pythia-70m@step3000", OLDER);
    expect_path(p, "EleutherAI/pythia-70m@bbbbbbb", OLDER);
    mini_model_write(&p->scratch, IN_CACHE("gpt2", COMMIT), &mini); // as it was named once
    expect_path(p, "gpt2", IN_CACHE("gpt2", COMMIT));
    expect_refusal(p, "pythia-70m@step4000", "no model 'pythia-70m@step4000'",
                   "'abltui pull pythia-70m@step4000'");
    expect_refusal(p, "EleutherAI/pythia-70m@../main", "no model", "EleutherAI/pythia-70m");
}

static void every_alias_is_an_id_of_the_hub(void **state)
{
    (void)state;
    static const char *const short_names[]
        = { "gpt2",       "gpt2-medium",  "gpt2-large", "gpt2-xl",      "pythia-70m",  "pythia-12b",
            "llama-2-7b", "llama-3.2-1b", "mistral-7b", "qwen2.5-0.5b", "smollm2-135m" };
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++) {
        const char *id = model_alias(short_names[i]);
        if (!id || !hf_id_valid(id) || !strchr(id, '/'))
            fail_msg("'%s' leads to '%s'", short_names[i], id ? id : "nothing");
    }
    assert_null(model_alias("gpt3"));
}

static void what_is_nowhere_is_refused_with_the_remedy_first(void **state)
{
    const struct place *p = *state;
    char name[64];
    for (int i = 0; i < 100; i++) { // more than a message holds
        snprintf(name, sizeof name, "cache/models--org--a-model-among-many-%d/refs/main", i);
        scratch_text(&p->scratch, name, COMMIT);
    }
    mini_model_write(&p->scratch, "data/models/tiny", &mini);
    expect_refusal(p, "org/none", "'abltui pull org/none' fetches it; bundled are tiny",
                   "org/a-model-among-many-0");
    expect_refusal(p, "gpt2-xl", "'abltui pull gpt2-xl' fetches it", "");
    struct model_places no_cache = { .data_dir = p->data };
    struct abl_err err;
    char *path;
    assert_false(model_find("org/none", &no_cache, &path, NULL, &err));
    assert_non_null(strstr(err.text, "cache none"));
}

static void a_partial_download_names_the_file_and_the_remedy(void **state)
{
    const struct place *p = *state;
    struct mini_model m = mini;
    m.flags |= MINI_SHARDS;
    mini_model_write(&p->scratch, IN_CACHE("org--half", COMMIT), &m);
    expect_path(p, "org/half", COMMIT);
    scratch_delete(&p->scratch, IN_CACHE("org--half", COMMIT) "/model-00002-of-00002.safetensors");
    expect_refusal(p, "org/half", "model-00002-of-00002.safetensors is not there yet",
                   "'abltui pull org/half'");
}

static void gguf_files_are_named_where_there_are_several(void **state)
{
    const struct place *p = *state;
    const struct scratch *s = &p->scratch;
    scratch_text(s, IN_CACHE("org--files", COMMIT) "/q4.gguf", "GGUF");
    scratch_text(s, IN_CACHE("org--files", COMMIT) "/config.json", "{}");
    expect_path(p, "org/files", COMMIT "/q4.gguf");
    scratch_text(s, IN_CACHE("org--files", COMMIT) "/q8.gguf", "GGUF");
    expect_refusal(p, "org/files", "found q4.gguf, q8.gguf", "org/files:q4.gguf");
    expect_path(p, "org/files:q8.gguf", COMMIT "/q8.gguf");
    expect_refusal(p, "org/files:q2.gguf", "found q4.gguf, q8.gguf", "org/files:q4.gguf");
    expect_refusal(p, "org/files:../q8.gguf", "which file", "q8.gguf");
    char from[SCRATCH_PATH + 100];
    snprintf(from, sizeof from, "%s", scratch_path(s, IN_CACHE("org--files", COMMIT) "/q5.gguf"));
    assert_int_equal(symlink("../../blobs/none", from), 0);
    expect_refusal(p, "org/files:q5.gguf", "q5.gguf is not there yet",
                   "'abltui pull org/files:q5.gguf'");
    // With safetensors beside them, these are meant.
    mini_model_write(s, IN_CACHE("org--both", COMMIT), &mini);
    scratch_text(s, IN_CACHE("org--both", COMMIT) "/q4.gguf", "GGUF");
    expect_path(p, "org/both", COMMIT);
    expect_path(p, "org/both:q4.gguf", COMMIT "/q4.gguf");
}

static void expect_entry(const struct model_entry *e, const char *name, enum model_source source,
                         const char *why)
{
    if (strcmp(e->name, name) != 0 || e->source != source)
        fail_msg("found '%s' (%d), expected '%s' (%d)", e->name, (int)e->source, name, (int)source);
    if (!why != e->usable || (why && !strstr(e->why.text, why)))
        fail_msg("'%s': found \"%s\", expected \"%s\"", name, e->usable ? "usable" : e->why.text,
                 why ? why : "usable");
    if (strstr(e->why.text, "/snapshots/"))
        fail_msg("'%s' has a whole path in a list: \"%s\"", name, e->why.text);
}

static void lists_what_is_here_and_why_the_rest_cannot_be_used(void **state)
{
    const struct place *p = *state;
    const struct scratch *s = &p->scratch;
    struct model_entry *entries;
    struct abl_err err;
    size_t n;
    mini_model_write(s, "data/models/tiny", &mini);
    mini_model_write(s, "tiny", &mini); // a path of the same name is another model
    mini_model_write(s, "org/good", &mini);
    mini_model_write(s, IN_CACHE("org--good", COMMIT), &mini);
    scratch_text(s, IN_CACHE("org--bert", COMMIT) "/config.json", "{\"model_type\":\"bert\"}");
    scratch_text(s, IN_CACHE("org--bert", COMMIT) "/model.safetensors", "");
    scratch_text(s, IN_CACHE("org--bert", COMMIT) "/tokenizer.json", "{}");
    scratch_text(s, IN_CACHE("org--files", COMMIT) "/q4.gguf", "GGUF");
    scratch_text(s, IN_CACHE("org--files", COMMIT) "/q8.gguf", "GGUF");
    scratch_text(s, IN_CACHE("org--half", COMMIT) "/config.json", "{}");
    add_ref(p, "org--none", "main", COMMIT);
    if (!model_list(&p->places, &entries, &n, &err))
        fail_msg("%s", err.text);
    assert_int_equal(n, 7);
    expect_entry(&entries[0], "tiny", MODEL_BUNDLED, NULL);
    expect_entry(&entries[1], "org/bert", MODEL_CACHED, "in 'config.json': found \"bert\"");
    expect_entry(&entries[2], "org/files:q4.gguf", MODEL_CACHED, "'q4.gguf'");
    expect_entry(&entries[3], "org/files:q8.gguf", MODEL_CACHED, "'q8.gguf'");
    expect_entry(&entries[4], "org/good", MODEL_CACHED, NULL);
    expect_entry(&entries[5], "org/half", MODEL_CACHED, "not whole in the cache: no weights");
    expect_entry(&entries[6], "org/none", MODEL_CACHED, "'abltui pull org/none'");
    assert_non_null(strstr(entries[0].path, "data/models/tiny"));
    assert_non_null(strstr(entries[4].path, IN_CACHE("org--good", COMMIT)));
    model_entries_free(entries, n);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(paths_come_before_bundled_names_and_those_before_the_cache),
        IN_PLACE(ids_and_aliases_lead_into_the_cache),
        cmocka_unit_test(every_alias_is_an_id_of_the_hub),
        IN_PLACE(what_is_nowhere_is_refused_with_the_remedy_first),
        IN_PLACE(a_partial_download_names_the_file_and_the_remedy),
        IN_PLACE(gguf_files_are_named_where_there_are_several),
        IN_PLACE(lists_what_is_here_and_why_the_rest_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
