// JSON as a tree: what is read, and what no file may have us do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_tree.h"
#include "tests/support/scratch.h"

static cJSON *read_text(const char *text, enum json_tree_numbers numbers, struct abl_err *err)
{
    return json_tree("'t.json'", text, strlen(text), numbers, ABL_BAD_DATA, err);
}

static void is_refused(const char *text, const char *why)
{
    struct abl_err err = { 0 };
    cJSON *tree = read_text(text, JSON_TREE_DOUBLES, &err);
    if (tree || err.code != ABL_BAD_DATA || !strstr(err.text, why) || !strstr(err.text, "'t.json'"))
        fail_msg("%.60s: found \"%s\", expected \"%s\"", text, tree ? "a tree" : err.text, why);
}

static void reads_values_as_they_are(void **state)
{
    (void)state;
    static const char text[]
        = "{\"a\": [1.50, -2e3, true, false, null, \"\\u00e9\\n\"], \"b\": {}}";
    struct abl_err err;
    cJSON *tree = read_text(text, JSON_TREE_DOUBLES, &err);
    assert_non_null(tree);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, "a");
    assert_int_equal(cJSON_GetArraySize(list), 6);
    assert_true(cJSON_GetArrayItem(list, 0)->valuedouble == 1.5);
    assert_true(cJSON_GetArrayItem(list, 1)->valuedouble == -2000);
    assert_true(cJSON_IsTrue(cJSON_GetArrayItem(list, 2)));
    assert_true(cJSON_IsFalse(cJSON_GetArrayItem(list, 3)));
    assert_true(cJSON_IsNull(cJSON_GetArrayItem(list, 4)));
    assert_string_equal(cJSON_GetArrayItem(list, 5)->valuestring, "\xc3\xa9\n");
    assert_true(cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(tree, "b")));
    cJSON_Delete(tree);
}

// 1.50 and 2^64 + 1 are not what a double would be written as.
static void writes_digits_as_they_stand(void **state)
{
    (void)state;
    struct abl_err err;
    cJSON *tree
        = read_text(" { \"x\" : [ 1.50 , 18446744073709551617 ] } ", JSON_TREE_DIGITS, &err);
    assert_non_null(tree);
    char *text = cJSON_PrintUnformatted(tree);
    assert_string_equal(text, "{\"x\":[1.50,18446744073709551617]}");
    cJSON_free(text);
    cJSON_Delete(tree);
}

static void refuses_what_is_no_single_value(void **state)
{
    (void)state;
    is_refused("{\"a\": 1} {\"a\": 2}", "expected nothing behind the value");
    is_refused("{\"a\": 1}x", "expected nothing behind the value");
    is_refused("{\"a\": 1, \"a\": 2}", "duplicate key \"a\"");
    is_refused("{\"b\": {\"a\": 1, \"\\u0061\": 2}}", "duplicate key \"a\"");
    is_refused("[\"a\\u0000b\"]", "found \\u0000 in a text");
    is_refused("{\"a\\u0000b\": 1}", "found \\u0000 in a text");
    is_refused("[01]", "leading 0");
    is_refused("[1,]", "another item");
    is_refused("[\"\xff\"]", "valid UTF-8");
    is_refused("", "expected a value");
    is_refused("[NaN]", "expected a value");
}

static void refuses_more_than_a_file_may_ask_for(void **state)
{
    (void)state;
    struct buf text = { 0 };
    for (int i = 0; i <= JSON_MAX_DEPTH; i++)
        buf_char(&text, '[');
    is_refused(text.data, "nested deeper than 64");
    text.len = 0;
    buf_char(&text, '[');
    for (int i = 0; i < JSON_TREE_MAX_VALUES; i++)
        buf_str(&text, "0,");
    buf_str(&text, "0]");
    is_refused(text.data, "more than 8388608 values");
    buf_release(&text);
}

static void reads_files_up_to_a_size(void **state)
{
    struct scratch *s = *state;
    struct abl_err err;
    scratch_text(s, "a.json", "[12]");
    cJSON *tree = json_tree_read(scratch_path(s, "a.json"), 4, JSON_TREE_DOUBLES, ABL_FAILED, &err);
    assert_non_null(tree);
    cJSON_Delete(tree);
    assert_null(json_tree_read(scratch_path(s, "a.json"), 3, JSON_TREE_DOUBLES, ABL_FAILED, &err));
    assert_non_null(strstr(err.text, "too large"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values_as_they_are),
        cmocka_unit_test(writes_digits_as_they_stand),
        cmocka_unit_test(refuses_what_is_no_single_value),
        cmocka_unit_test(refuses_more_than_a_file_may_ask_for),
        cmocka_unit_test_setup_teardown(reads_files_up_to_a_size, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests_name("json_tree", tests, NULL, NULL);
}
