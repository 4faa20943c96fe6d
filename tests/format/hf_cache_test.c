// The hub's cache on disk: where it is, what an id and a revision lead to, and what a snapshot
// lacks.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "format/hf_cache.h"
#include "tests/support/scratch.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define REPO "models--org--name"

// -------------------------------------------------- as huggingface_hub has it (golden_hf_cache.py)

static void check_id(struct json *j)
{
    struct json_text id, folder = { 0 };
    bool valid = false;
    json_array(j);
    assert_true(json_next_item(j) && json_string(j, &id));
    assert_true(json_next_item(j) && json_bool(j, &valid));
    assert_true(json_next_item(j));
    assert_true(json_peek(j) == JSON_NULL ? json_null(j) : json_string(j, &folder));
    assert_false(json_next_item(j));
    if (hf_id_valid(id.data) != valid)
        fail_msg("'%s': found %d, expected %d", id.data, !valid, valid);
    if (!valid)
        return;
    char *path = hf_repo_path("root", id.data);
    assert_non_null(path);
    if (strncmp(path, "root/", 5) != 0 || strcmp(path + 5, folder.data) != 0)
        fail_msg("'%s': found folder '%s', expected 'root/%s'", id.data, path, folder.data);
    free(path);
}

static void check_root(struct json *j)
{
    struct json_text key, value;
    struct hf_environment e = { 0 };
    const char *expected = NULL;
    const struct {
        const char *name, **to;
    } fields[] = { { "HOME", &e.home },
                   { "XDG_CACHE_HOME", &e.xdg_cache_home },
                   { "HF_HOME", &e.hf_home },
                   { "HUGGINGFACE_HUB_CACHE", &e.huggingface_hub_cache },
                   { "HF_HUB_CACHE", &e.hf_hub_cache },
                   { "root", &expected } };
    json_object(j);
    while (json_next_key(j, &key)) {
        assert_true(json_string(j, &value));
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (json_key_is(key, fields[i].name))
                *fields[i].to = value.data;
    }
    char *root = hf_cache_root(&e);
    assert_true(root && expected);
    assert_string_equal(root, expected);
    free(root);
}

static void agrees_with_huggingface_hub(void **state)
{
    (void)state;
    static const char path[] = "tests/fixtures/hf_cache.json";
    struct file_bytes text;
    struct abl_err err;
    struct json j;
    struct json_text key;
    size_t n = 0;
    if (!file_read(path, 1 << 20, &text, ABL_FAILED, &err))
        fail_msg("%s", err.text);
    assert_true(json_open(&j, path, text.data, text.size, ABL_FAILED, &err));
    json_object(&j);
    while (json_next_key(&j, &key)) {
        bool ids = json_key_is(key, "ids");
        json_array(&j);
        for (; json_next_item(&j); n++)
            ids ? check_id(&j) : check_root(&j);
    }
    if (!json_end(&j))
        fail_msg("%s", err.text);
    assert_int_equal(n, 57 + 13);
    json_close(&j);
    file_bytes_release(&text);
}

static void without_a_home_there_is_no_cache(void **state)
{
    (void)state;
    assert_null(hf_cache_root(&(struct hf_environment){ .home = "" }));
    assert_null(hf_cache_root(&(struct hf_environment){ .hf_home = "" }));
}

// --------------------------------------------------------------------------------------- revisions

static void revisions_stay_below_refs(void **state)
{
    (void)state;
    static const char *const good[] = { "main", "v1.0", "refs/pr/1", "step3000", A, "a_b-c" };
    static const char *const bad[]
        = { "", "..", "a/../b", "/etc", "a/", "a//b", ".git", "a b", "a\nb", "a?b", "a%2f", "é" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!hf_revision_valid(good[i]))
            fail_msg("'%s' is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (hf_revision_valid(bad[i]))
            fail_msg("'%s' is taken", bad[i]);
}

static void write_snapshot(const struct scratch *s, const char *commit, const char *file)
{
    char name[256];
    snprintf(name, sizeof name, REPO "/snapshots/%s/%s", commit, file);
    scratch_text(s, name, "{}");
}

// The commit of the snapshot that a revision leads to; "" for none.
static const char *found(const struct scratch *s, const char *revision)
{
    static char commit[64];
    struct abl_err err;
    char *path;
    if (!hf_cache_find(s->path, "org/name", revision, &path, &err))
        fail_msg("%s", err.text);
    snprintf(commit, sizeof commit, "%s", path ? strrchr(path, '/') + 1 : "");
    free(path);
    return commit;
}

static void set_time(const struct scratch *s, const char *commit, time_t when)
{
    char name[256];
    snprintf(name, sizeof name, REPO "/snapshots/%s", commit);
    const struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(s, name), times, 0), 0);
}

static void a_revision_is_a_branch_a_tag_or_a_commit(void **state)
{
    const struct scratch *s = *state;
    assert_string_equal(found(s, NULL), "");
    write_snapshot(s, A, "config.json");
    write_snapshot(s, B, "config.json");
    scratch_text(s, REPO "/refs/main", A);
    scratch_text(s, REPO "/refs/v1", "\n " B "\r\n");
    scratch_text(s, REPO "/refs/refs/pr/1", B);
    scratch_text(s, REPO "/refs/gone", "cccccccccccccccccccccccccccccccccccccccc");
    scratch_text(s, REPO "/refs/odd", A "a");
    scratch_text(s, REPO "/refs/two", A " " B);
    const char *const cases[][2] = {
        { NULL, A },       { "main", A },     { "v1", B },          { "refs/pr/1", B },
        { A, A },          { "aaaaaaa", A },  { "abbbbbbbb", B },   { "aaaaaa", "" },
        { "abbbbbc", "" }, { "gone", "" },    { "odd", "" },        { "two", "" },
        { "", "" },        { "refs/pr", "" }, { "../refs/v1", "" }, { "v2", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(found(s, cases[i][0]), cases[i][1]) != 0)
            fail_msg("'%s': found '%s', expected '%s'", cases[i][0] ? cases[i][0] : "no revision",
                     found(s, cases[i][0]), cases[i][1]);
}

static void without_a_ref_the_newest_snapshot_with_a_config_counts(void **state)
{
    const struct scratch *s = *state;
    write_snapshot(s, A, "config.json");
    write_snapshot(s, B, "config.json");
    set_time(s, A, 1000);
    set_time(s, B, 2000);
    assert_string_equal(found(s, NULL), B);
    set_time(s, A, 3000);
    assert_string_equal(found(s, NULL), A);
    scratch_delete(s, REPO "/snapshots/" A "/config.json");
    set_time(s, A, 3000);
    assert_string_equal(found(s, NULL), B);
    scratch_text(s, REPO "/snapshots/README", "no folder");
    scratch_text(s, REPO "/refs/main", "broken");
    assert_string_equal(found(s, NULL), B);
}

static void lists_repositories_of_models_by_id(void **state)
{
    const struct scratch *s = *state;
    struct names names;
    struct abl_err err;
    write_snapshot(s, A, "config.json");
    scratch_text(s, "models--gpt2/refs/main", A);
    scratch_text(s, "datasets--org--data/refs/main", A);
    scratch_text(s, ".locks/models--x/y.lock", "");
    scratch_text(s, "version.txt", "1");
    assert_true(hf_cache_list(s->path, &names, &err));
    assert_int_equal(names.n, 2);
    assert_string_equal(names.items[0], "gpt2");
    assert_string_equal(names.items[1], "org/name");
    names_release(&names);
    assert_true(hf_cache_list("/nowhere/at/all", &names, &err));
    assert_int_equal(names.n, 0);
    names_release(&names);
}

// ---------------------------------------------------------------------------- is a snapshot whole?

static void expect_missing(const struct scratch *s, const char *words)
{
    char out[384];
    struct abl_err err;
    char folder[SCRATCH_PATH + 80];
    snprintf(folder, sizeof folder, "%s/" REPO "/snapshots/" A, s->path);
    if (!hf_snapshot_missing(folder, out, sizeof out, &err))
        fail_msg("%s", err.text);
    if (*words ? !strstr(out, words) : *out)
        fail_msg("found \"%s\", expected \"%s\"", out, words);
}

// A file as the cache keeps it: a link to a blob.
static void add_blob(const struct scratch *s, const char *file, const char *text)
{
    char name[256], to[256];
    snprintf(name, sizeof name, REPO "/blobs/of-%s", file);
    scratch_text(s, name, text);
    write_snapshot(s, A, "README.md"); // makes the folder
    snprintf(to, sizeof to, "../../blobs/of-%s", file);
    snprintf(name, sizeof name, REPO "/snapshots/" A "/%s", file);
    assert_int_equal(symlink(to, scratch_path(s, name)), 0);
}

static void says_what_a_snapshot_lacks(void **state)
{
    const struct scratch *s = *state;
    write_snapshot(s, A, "README.md");
    expect_missing(s, "config.json is not there");
    add_blob(s, "config.json", "{}");
    expect_missing(s, "no weights are there");
    write_snapshot(s, A, "pytorch_model.bin");
    expect_missing(s, "pytorch_model.bin, which is not read");
    scratch_text(s, REPO "/blobs/0123.incomplete", "half");
    expect_missing(s, "their download was stopped");
    add_blob(s, "model.safetensors", "");
    expect_missing(s, "no tokenizer is there");
    add_blob(s, "vocab.json", "{}");
    expect_missing(s, "no tokenizer is there");
    add_blob(s, "merges.txt", "");
    expect_missing(s, "");
    scratch_delete(s, REPO "/blobs/of-model.safetensors");
    expect_missing(s, "model.safetensors is not there yet");
}

static void says_which_shard_is_missing(void **state)
{
    const struct scratch *s = *state;
    static const char index[] = "{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\","
                                "\"b\":\"model-00002-of-00002.safetensors\"}}";
    add_blob(s, "config.json", "{}");
    add_blob(s, "tokenizer.json", "{}");
    add_blob(s, "model.safetensors.index.json", index);
    expect_missing(s, "model-00001-of-00002.safetensors is not there yet");
    add_blob(s, "model-00001-of-00002.safetensors", "");
    expect_missing(s, "model-00002-of-00002.safetensors is not there yet");
    add_blob(s, "model-00002-of-00002.safetensors", "");
    expect_missing(s, "");
    scratch_text(s, REPO "/blobs/of-model.safetensors.index.json", "{\"weight_map\":");
    expect_missing(s, "model.safetensors.index.json at byte");
}

static void gguf_files_need_nothing_beside_them(void **state)
{
    const struct scratch *s = *state;
    struct names names;
    struct abl_err err;
    write_snapshot(s, A, "m-00002-of-00002.gguf");
    expect_missing(s, "config.json is not there");
    write_snapshot(s, A, "m-00001-of-00002.gguf");
    write_snapshot(s, A, "small.gguf");
    expect_missing(s, "");
    assert_true(hf_gguf_files(scratch_path(s, REPO "/snapshots/" A), &names, &err));
    assert_int_equal(names.n, 2);
    assert_string_equal(names.items[0], "m-00001-of-00002.gguf");
    names_release(&names);
    write_snapshot(s, A, "config.json"); // as many converters leave it
    expect_missing(s, "");
    write_snapshot(s, A, "model.safetensors.index.json"); // now the safetensors are meant
    expect_missing(s, "no tokenizer is there");
}

static void links_may_lead_to_blobs_and_nowhere_else(void **state)
{
    const struct scratch *s = *state;
    add_blob(s, "tokenizer.json", "{}");
    add_blob(s, "model.safetensors", "");
    scratch_text(s, "elsewhere/config.json", "{}");
    assert_int_equal(symlink("../../../elsewhere/config.json",
                             scratch_path(s, REPO "/snapshots/" A "/config.json")),
                     0);
    expect_missing(s, "config.json leads out of the cache");
    scratch_delete(s, REPO "/snapshots/" A "/config.json");
    add_blob(s, "config.json", "{}");
    expect_missing(s, "");

    // Blobs on another disk, behind a link of their folder.
    char from[SCRATCH_PATH + 40];
    snprintf(from, sizeof from, "%s", scratch_path(s, REPO "/blobs"));
    assert_int_equal(rename(from, scratch_path(s, "disk")), 0);
    assert_int_equal(symlink("../disk", from), 0);
    expect_missing(s, "");
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_huggingface_hub),
        cmocka_unit_test(without_a_home_there_is_no_cache),
        cmocka_unit_test(revisions_stay_below_refs),
        IN_SCRATCH(a_revision_is_a_branch_a_tag_or_a_commit),
        IN_SCRATCH(without_a_ref_the_newest_snapshot_with_a_config_counts),
        IN_SCRATCH(lists_repositories_of_models_by_id),
        IN_SCRATCH(says_what_a_snapshot_lacks),
        IN_SCRATCH(says_which_shard_is_missing),
        IN_SCRATCH(gguf_files_need_nothing_beside_them),
        IN_SCRATCH(links_may_lead_to_blobs_and_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
