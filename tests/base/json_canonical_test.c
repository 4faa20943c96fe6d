// The form of JSON that is hashed, against Python's: fixtures of tools/golden_json.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_canonical.h"
#include "base/sha256.h"
#include "tests/support/fixture.h"

static void canonical_is_what_python_writes(void **state)
{
    (void)state;
    struct abl_err err = { 0 };
    cJSON *cases = fixture_read("tests/fixtures/json-canonical.json"), *one;
    assert_true(cJSON_GetArraySize(cases) > 10);
    cJSON_ArrayForEach(one, cases)
    {
        const char *text = fixture_text(one, "text");
        struct buf out = { 0 };
        char hash[SHA256_HEX];
        if (!json_canonical("text", text, strlen(text), ABL_BAD_DATA, &out, &err))
            fail_msg("'%s': %s", text, err.text);
        assert_string_equal(out.data, fixture_text(one, "canonical"));
        assert_true(sha256_bytes(out.data, out.len, hash, &err));
        assert_string_equal(hash, fixture_text(one, "sha256"));
        buf_release(&out);
    }
    cJSON_Delete(cases);
}

static void a_published_run_has_its_id(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct abl_err err = { 0 };
    char hash[SHA256_HEX];
    cJSON *cases = fixture_read("tests/fixtures/json-canonical.json");
    const cJSON *last = cJSON_GetArrayItem(cases, cJSON_GetArraySize(cases) - 1);
    const char *text = fixture_text(last, "text");
    assert_true(json_canonical("text", text, strlen(text), ABL_BAD_DATA, &out, &err));
    assert_true(sha256_bytes(out.data, out.len, hash, &err));
    assert_memory_equal(hash, "8389c3f2cd6d", 12);
    buf_release(&out);
    cJSON_Delete(cases);
}

static void canonical_of_itself_is_itself(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,-2.5,\"\\u00e9\"],\"b\":{\"c\":1e-07}}";
    struct buf out = { 0 };
    assert_true(json_canonical("text", text, strlen(text), ABL_BAD_DATA, &out, NULL));
    assert_string_equal(out.data, text);
    buf_release(&out);
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "",
                                         "{",
                                         "[1,]",
                                         "{} x",
                                         "{\"a\":1,\"a\":2}",
                                         "[NaN]",
                                         "[1e999]",
                                         "\"\\q\"",
                                         "\"\\ud800\"",
                                         "[01]",
                                         "{\"a\" 1}",
                                         "{\"a\":tru}",
                                         "{1:2}",
                                         "{\"a\":{\"b\":[}}" };
    char deep[200];
    memset(deep, '[', sizeof deep);
    for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
        bool last = i == sizeof texts / sizeof *texts;
        const char *text = last ? deep : texts[i];
        struct buf out = { 0 };
        struct abl_err err = { 0 };
        if (json_canonical("name", text, last ? sizeof deep : strlen(text), ABL_BAD_DATA, &out,
                           &err))
            fail_msg("'%s' was taken", text);
        assert_int_equal(err.code, ABL_BAD_DATA);
        assert_non_null(strstr(err.text, "name at byte "));
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_is_what_python_writes),
        cmocka_unit_test(a_published_run_has_its_id),
        cmocka_unit_test(canonical_of_itself_is_itself),
        cmocka_unit_test(what_is_no_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
