// What settings of a tokenizer come to, against two versions of transformers
// (tools/golden_tokenizer_settings.py), and the keys of their tokenizer classes
// (tools/golden_tokenizer_keys.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/file.h"
#include "tests/support/scratch.h"
#include "text/tokenizer.h"
#include "text/settings_read.h"

static cJSON *read_json(const char *path)
{
    struct file_bytes bytes;
    struct abl_err err;
    if (!file_read(path, 1 << 24, &bytes, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
    cJSON *root = cJSON_ParseWithLength(bytes.data, bytes.size);
    file_bytes_release(&bytes);
    assert_non_null(root);
    return root;
}

static void write_item(struct scratch *s, const char *name, const cJSON *item)
{
    char *text = cJSON_PrintUnformatted(item);
    assert_non_null(text);
    scratch_text(s, name, text);
    free(text);
}

// ------------------------------------------------------------------------------------- a case's files

static void patch(cJSON *file, const cJSON *with)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, with)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(file, item->string);
        cJSON_AddItemToObject(file, item->string, cJSON_Duplicate(item, true));
    }
}

static void write_legacy(struct scratch *s, const cJSON *model)
{
    struct buf merges = { 0 };
    const cJSON *merge;
    buf_str(&merges, "#version: 0.2\n");
    cJSON_ArrayForEach(merge, cJSON_GetObjectItem(model, "merges"))
    {
        bool pair = cJSON_IsArray(merge);
        buf_str(&merges, pair ? cJSON_GetArrayItem(merge, 0)->valuestring : merge->valuestring);
        if (pair) {
            buf_str(&merges, " ");
            buf_str(&merges, cJSON_GetArrayItem(merge, 1)->valuestring);
        }
        buf_str(&merges, "\n");
    }
    assert_false(merges.failed);
    scratch_text(s, "merges.txt", merges.data);
    buf_release(&merges);
    write_item(s, "vocab.json", cJSON_GetObjectItem(model, "vocab"));
}

static void copy_model(struct scratch *s, const char *folder)
{
    struct file_bytes bytes;
    struct abl_err err;
    char path[128];
    snprintf(path, sizeof path, "%s/tokenizer.model", folder);
    if (!file_read(path, 1 << 20, &bytes, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
    scratch_write(s, "tokenizer.model", bytes.data, bytes.size);
    file_bytes_release(&bytes);
}

static void write_case(struct scratch *s, const cJSON *base, const cJSON *one)
{
    const char *folder = cJSON_GetObjectItem(base, "folder")->valuestring;
    const char *kind = cJSON_GetObjectItem(base, "kind")->valuestring;
    char path[128];
    if (strcmp(kind, "model") == 0)
        copy_model(s, folder);
    else {
        snprintf(path, sizeof path, "%s/tokenizer.json", folder);
        cJSON *file = read_json(path);
        patch(file, cJSON_GetObjectItem(base, "patch"));
        patch(file, cJSON_GetObjectItem(one, "patch"));
        if (strcmp(kind, "json") == 0)
            write_item(s, "tokenizer.json", file);
        else
            write_legacy(s, cJSON_GetObjectItem(file, "model"));
        cJSON_Delete(file);
    }
    const cJSON *file;
    cJSON_ArrayForEach(file, cJSON_GetObjectItem(one, "files")) write_item(s, file->string, file);
}

// ----------------------------------------------------------------------------------------- comparison

struct tally {
    size_t reported, same, refused, warned, not_loaded, different;
};

static void tell(const cJSON *one, enum owner like, const char *what)
{
    char *files = cJSON_PrintUnformatted(cJSON_GetObjectItem(one, "files"));
    print_error("%s, %s: %s\n  %s\n", cJSON_GetObjectItem(one, "base")->valuestring,
                owner_name(like), files, what);
    free(files);
}

static bool same_ids(const struct token_ids *found, const cJSON *expected)
{
    const cJSON *id;
    size_t i = 0;
    cJSON_ArrayForEach(id, expected)
    {
        if (i >= found->n || found->ids[i] != (uint32_t)id->valuedouble)
            return false;
        i++;
    }
    return i == found->n;
}

// The first text whose ids differ; NULL where all are the same.
static const char *find_different(const cJSON *root, const cJSON *base, const cJSON *expected,
                                  const struct tokenizer *t)
{
    const char *alphabet = cJSON_GetObjectItem(root, "alphabet")->valuestring;
    const char *places = cJSON_GetObjectItem(expected, "ids")->valuestring;
    const cJSON *text, *pool = cJSON_GetObjectItem(base, "pools")->child;
    cJSON_ArrayForEach(text, cJSON_GetObjectItem(root, "texts"))
    {
        struct token_ids ids = { 0 };
        struct abl_err err = { 0 };
        int place = (int)(strchr(alphabet, *places++) - alphabet);
        bool same = tokenizer_encode(t, text->valuestring, strlen(text->valuestring), &ids, &err)
                    && same_ids(&ids, cJSON_GetArrayItem(pool, place));
        token_ids_release(&ids);
        pool = pool->next;
        if (!same)
            return text->valuestring;
    }
    return NULL;
}

// Whether a class's steps or added tokens are left to the file, and a note says so.
static bool has_warning(const struct tokenizer *t)
{
    const struct owner_notes *notes = tokenizer_notes(t);
    for (size_t i = 0; i < notes->n; i++)
        if (strstr(notes->lines[i], "transformers 5 "))
            return true;
    return false;
}

static bool same_ends(const cJSON *one, const cJSON *expected, const struct tokenizer *t)
{
    const cJSON *config = cJSON_GetObjectItem(cJSON_GetObjectItem(one, "files"), "config.json");
    const char *type = cJSON_GetObjectItem(config, "model_type")->valuestring;
    const cJSON *before = cJSON_GetObjectItem(expected, "before");
    struct abl_err err;
    uint32_t bos;
    assert_true(tokenizer_bos(t, BOS_AUTO, &bos, &err));
    if (cJSON_GetArraySize(cJSON_GetObjectItem(expected, "behind")))
        return false;
    if (strncmp(type, "gpt", 3) == 0) // read with BOS whatever their tokenizers do
        return true;
    return cJSON_GetArraySize(before) == 0 ? bos == TOKEN_NONE
                                           : bos == (uint32_t)before->child->valuedouble;
}

// Those who are refused are refused for what they ask.
static bool names_key(const char *text)
{
    static const char *const keys[] = { "add_eos_token", "post_processor", "tokenizer_class" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strstr(text, keys[i]))
            return true;
    return false;
}

static void check_case(const cJSON *root, const cJSON *one, enum owner like, const char *folder,
                       struct tally *tally)
{
    const char *name = like == OWNER_TRANSFORMERS_5 ? "5" : "4";
    const cJSON *base = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "bases"),
                                            cJSON_GetObjectItem(one, "base")->valuestring);
    const cJSON *expected = cJSON_GetObjectItem(one, cJSON_HasObjectItem(one, name) ? name : "5");
    struct tokenizer *t = NULL;
    struct abl_err err = { 0 };
    if (cJSON_IsNull(expected)) {
        tally->not_loaded++;
        return;
    }
    if (!tokenizer_open(folder, like, &t, &err)) {
        tally->refused++;
        if (!names_key(err.text)) {
            tally->different++;
            tell(one, like, err.text);
        }
        return;
    }
    const char *different = find_different(root, base, expected, t);
    bool ends = same_ends(one, expected, t);
    const cJSON *reported = cJSON_GetObjectItem(one, "reported");
    tally->reported += reported != NULL;
    if (!different && ends)
        tally->same++;
    else if (reported) {
        tally->different++;
        print_error("%s: ", reported->valuestring);
        tell(one, like, different ? different : "what stands before or behind a text differs");
    } else if (has_warning(t))
        tally->warned++;
    else {
        tally->different++;
        tell(one, like, different ? different : "what stands before or behind a text differs");
    }
    tokenizer_free(t);
}

static void settings_do_what_they_do_in_transformers(void **state)
{
    (void)state;
    cJSON *root = read_json("tests/fixtures/tokenizer-settings.json");
    const cJSON *one;
    struct tally tally = { 0 };
    size_t n = 0;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(root, "cases"))
    {
        struct scratch s;
        const cJSON *base = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "bases"),
                                                cJSON_GetObjectItem(one, "base")->valuestring);
        scratch_make(&s);
        write_case(&s, base, one);
        for (size_t like = 0; like < N_OWNERS; like++, n++)
            check_case(root, one, (enum owner)like, s.path, &tally);
        scratch_remove(&s);
    }
    if (tally.different)
        fail_msg("%zu of %zu readings differ", tally.different, n);
    // none of those that were reported is refused, or left to a warning
    assert_true(tally.reported >= 40);
    // few are refused or left to the file; the rest agree
    assert_true(n > 1000 && tally.same > 8 * (tally.refused + tally.warned));
    assert_true(tally.same + tally.not_loaded > n * 85 / 100);
    cJSON_Delete(root);
}

// Of two tokens that the normalizer makes one, the one added first is found. In transformers 5
// chance decides, and a note says so.
static void tokens_that_normalisation_makes_equal_get_a_note(void **state)
{
    (void)state;
    static const char tokens[] = "[{\"id\": 500, \"content\": \"e\\u0301\"},"
                                 " {\"id\": 501, \"content\": \"\\u00e9\"}]";
    static const char *const folders[]
        = { "tests/fixtures/tokenizers/qwen2", "tests/fixtures/tokenizers/nemo" };
    for (size_t i = 0; i < 4; i++) {
        enum owner like = i % 2 ? OWNER_TRANSFORMERS_4 : OWNER_TRANSFORMERS_5;
        bool has_nfc = i < 2, found = false;
        struct scratch s;
        struct tokenizer *t;
        struct abl_err err;
        char path[128];
        snprintf(path, sizeof path, "%s/tokenizer.json", folders[i / 2]);
        cJSON *file = read_json(path);
        cJSON_ReplaceItemInObject(file, "added_tokens", cJSON_Parse(tokens));
        scratch_make(&s);
        write_item(&s, "tokenizer.json", file);
        if (!tokenizer_open(s.path, like, &t, &err))
            fail_msg("%s", err.text);
        for (size_t k = 0; k < tokenizer_notes(t)->n; k++)
            found |= strstr(tokenizer_notes(t)->lines[k], "by chance") != NULL;
        assert_int_equal(found, has_nfc && like == OWNER_TRANSFORMERS_5);
        struct token_ids ids = { 0 };
        assert_true(tokenizer_encode(t, "\u00e9e\u0301", 5, &ids, &err));
        assert_int_equal(ids.n, 2);
        assert_string_equal(tokenizer_text(t, ids.ids[1]), "e\u0301");
        assert_int_equal(ids.ids[0] == ids.ids[1], has_nfc);
        token_ids_release(&ids);
        tokenizer_free(t);
        cJSON_Delete(file);
        scratch_remove(&s);
    }
}

// A key that a tokenizer class has and the table of settings lacks could change ids unnoticed.
static void every_key_of_a_tokenizer_class_is_known(void **state)
{
    (void)state;
    cJSON *root = read_json("tests/fixtures/tokenizer-keys.json");
    const cJSON *owner, *class, *key;
    size_t n = 0, unknown = 0;
    cJSON_ArrayForEach(owner, root) cJSON_ArrayForEach(class, owner) cJSON_ArrayForEach(key, class)
    {
        n++;
        if (tokenizer_key_use(key->valuestring) != KEY_UNKNOWN)
            continue;
        unknown++;
        print_error("%s %s: '%s' is not known\n", owner->string, class->string, key->valuestring);
    }
    assert_true(n > 200);
    if (unknown)
        fail_msg("%zu keys are not known", unknown);
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_do_what_they_do_in_transformers),
        cmocka_unit_test(tokens_that_normalisation_makes_equal_get_a_note),
        cmocka_unit_test(every_key_of_a_tokenizer_class_is_known),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
