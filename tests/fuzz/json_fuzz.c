// base/json.h and base/json_canonical.h: any text.
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/json.h"
#include "base/json_canonical.h"
#include "tests/fuzz/fuzz.h"

static bool skips(const char *text, size_t size)
{
    struct abl_err err = { 0 };
    struct json j;
    bool ok = json_open(&j, "text", text, size, ABL_BAD_DATA, &err) && json_skip(&j);
    ok = json_end(&j) && ok;
    json_close(&j);
    return fuzz_outcome(ok, &err);
}

void fuzz_json(const uint8_t *data, size_t size)
{
    struct part input = { (const char *)data, size };
    char *text = part_text(input);
    struct buf once = { 0 }, again = { 0 };
    struct abl_err err = { 0 };
    bool accepted = skips(text, size);
    bool written = json_canonical("text", text, size, ABL_BAD_DATA, &once, &err);
    // What can be read can be written, but for numbers beyond a double.
    REQUIRE(accepted || !written);
    if (fuzz_outcome(written, &err)) {
        REQUIRE(skips(once.data, once.len));
        REQUIRE(json_canonical("text", once.data, once.len, ABL_BAD_DATA, &again, &err));
        REQUIRE(again.len == once.len && memcmp(again.data, once.data, once.len) == 0);
        cJSON *parsed = cJSON_ParseWithLength(once.data, once.len);
        REQUIRE(parsed);
        cJSON_Delete(parsed);
    }
    buf_release(&once);
    buf_release(&again);
    free(text);
}
