// The tables of a run joined with those of another: config.json, metrics/summary.json, five tables
// and ov_report.json of two runs, in parts.
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "report/cross.h"
#include "tests/fuzz/fuzz.h"

static void write_child(const char *tag, struct part *rest)
{
    static const char *const names[] = { "config.json",
                                         "metrics/summary.json",
                                         "metrics/head_impact.csv",
                                         "metrics/group_impact.csv",
                                         "metrics/layer_impact.csv",
                                         "metrics/recovery.csv",
                                         "metrics/rows.csv",
                                         "ov_report.json" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s", tag, names[i]);
        fuzz_write(name, next_part(rest));
    }
}

static void check_json(const char *name)
{
    struct file_bytes bytes;
    struct abl_err err = { 0 };
    struct json j;
    char path[64];
    snprintf(path, sizeof path, "joint/%s", name);
    REQUIRE(file_read(fuzz_path(path), SIZE_MAX, &bytes, ABL_FAILED, &err));
    bool ok = json_open(&j, name, bytes.data, bytes.size, ABL_FAILED, &err) && json_skip(&j);
    ok = json_end(&j) && ok;
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    REQUIRE(ok);
    json_close(&j);
    file_bytes_release(&bytes);
}

void fuzz_rebuild(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    char one[512], two[512];
    struct abl_err err = { 0 };
    write_child("one", &rest);
    write_child("two", &rest);
    snprintf(one, sizeof one, "%s", fuzz_path("one"));
    snprintf(two, sizeof two, "%s", fuzz_path("two"));
    struct cross_child children[] = { { .tag = "one", .dir = one }, { .tag = "two", .dir = two } };
    if (!fuzz_outcome(cross_write(fuzz_path("joint"), "joint", children, 2, SHEET_CSV, &err), &err))
        return;
    check_json("config.json");
    check_json("manifest.json");
    check_json("artifacts/cross_condition/summary.json");
    check_json("artifacts/cross_condition/invariants.json");
}
