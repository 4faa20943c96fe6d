#include "tests/support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/support/check.h"

enum { MAX_SIZE = 16 << 20 };

cJSON *fixture_read(const char *path)
{
    struct file_bytes bytes;
    struct abl_err err;
    CHECK(file_read(path, MAX_SIZE, &bytes, ABL_FAILED, &err));
    cJSON *root = cJSON_ParseWithLength(bytes.data, bytes.size);
    file_bytes_release(&bytes);
    if (!root)
        fail_msg("%s is no JSON", path);
    return root;
}

const cJSON *fixture_at(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item)
        fail_msg("the fixture has no \"%s\"", key);
    return item;
}

const char *fixture_text(const cJSON *object, const char *key)
{
    const cJSON *item = fixture_at(object, key);
    if (!cJSON_IsString(item))
        fail_msg("the fixture's \"%s\" is no text", key);
    return item->valuestring;
}

double fixture_number(const cJSON *item)
{
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

double fixture_nth(const cJSON *list, size_t i)
{
    return fixture_number(cJSON_GetArrayItem(list, (int)i));
}
