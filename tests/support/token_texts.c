#include "tests/support/token_texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/file.h"
#include "model/model.h"

void token_texts_read(struct token_texts *t, const char *folder)
{
    struct file_bytes bytes;
    struct abl_err err;
    char path[128];
    snprintf(path, sizeof path, "%s/texts.json", folder);
    if (!file_read(path, 1 << 24, &bytes, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
    *t = (struct token_texts){ folder, cJSON_Parse(bytes.data) };
    file_bytes_release(&bytes);
    assert_non_null(t->root);
}

void token_texts_release(struct token_texts *t)
{
    cJSON_Delete(t->root);
}

struct tokenizer *token_texts_open(const char *path)
{
    struct tokenizer *t;
    struct abl_err err;
    if (!model_tokenizer_open(path, OWNER_TRANSFORMERS_5, &t, &err))
        fail_msg("%s", err.text);
    return t;
}

static void expect_ids(const struct tokenizer *t, const char *place, const char *text,
                       const cJSON *expected)
{
    struct token_ids ids = { 0 };
    struct abl_err err;
    if (!tokenizer_encode(t, text, strlen(text), &ids, &err))
        fail_msg("%s: '%s': %s", place, text, err.text);
    size_t n = (size_t)cJSON_GetArraySize(expected), i = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, expected)
    {
        if (i < ids.n && ids.ids[i] != (uint32_t)id->valuedouble)
            fail_msg("%s: '%s': id %zu is %u, expected %g", place, text, i, ids.ids[i],
                     id->valuedouble);
        i++;
    }
    if (ids.n != n)
        fail_msg("%s: '%s': %zu ids, expected %zu", place, text, ids.n, n);
    token_ids_release(&ids);
}

void token_texts_expect(const struct token_texts *t, const char *place, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", t->folder, place);
    struct tokenizer *tokenizer = token_texts_open(path);
    const cJSON *texts = cJSON_GetObjectItem(t->root, "texts"), *text;
    const cJSON *ids = cJSON_GetObjectItem(cJSON_GetObjectItem(t->root, "ids"), name);
    assert_true(cJSON_GetArraySize(texts) > 0);
    assert_int_equal(cJSON_GetArraySize(texts), cJSON_GetArraySize(ids));
    const cJSON *expected = ids->child;
    cJSON_ArrayForEach(text, texts)
    {
        expect_ids(tokenizer, place, text->valuestring, expected);
        expected = expected->next;
    }
    tokenizer_free(tokenizer);
}
