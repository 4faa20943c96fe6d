// Two ov_report.json, compared and counted.
#include <stdlib.h>

#include "base/json.h"
#include "report/ov_compare.h"
#include "tests/fuzz/fuzz.h"

// What is written is JSON, and nothing else.
static void check_doc(struct doc *d)
{
    struct buf text = { 0 };
    struct abl_err err = { 0 };
    struct json j;
    REQUIRE(doc_print(d, DOC_PRETTY, &text, &err));
    bool ok = json_open(&j, "report", text.data, text.len, ABL_FAILED, &err) && json_skip(&j);
    REQUIRE(json_end(&j) && ok);
    json_close(&j);
    buf_release(&text);
    doc_release(d);
}

void fuzz_ov_file(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "one.json", "two.json" };
    struct part rest = { (const char *)data, size };
    struct arena a = { 0 };
    const struct ov_file *files[2];
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        struct part p = next_part(&rest);
        struct abl_err err = { 0 };
        if (!p.len)
            break;
        fuzz_write(names[i], p);
        n += fuzz_outcome(ov_file_read(fuzz_path(names[i]), &a, &files[n], &err), &err);
    }
    struct doc d;
    struct abl_err err = { 0 };
    if (n == 2 && fuzz_outcome(ov_compare_doc(files, n, &d, &err), &err))
        check_doc(&d);
    if (n && fuzz_outcome(ov_clusters_doc(files, n, 5, 10, &d, &err), &err))
        check_doc(&d);
    arena_release(&a);
}
