// The folder that a run leaves: its files, its name, and what it must not touch.
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/jobs.h"
#include "base/sha256.h"
#include "experiments/experiments.h"
#include "report/rundir.h"
#include "report/write.h"
#include "tests/support/report_example.h"

// Relative names of all files below folder, in names; returns how many.
static size_t list_files(const char *folder, const char *prefix, char names[][128], size_t n)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *d; (d = readdir(dir));) {
        char relative[128];
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        char *full = file_join(folder, d->d_name);
        snprintf(relative, sizeof relative, "%.60s%.60s", prefix, d->d_name);
        if (file_is_dir(full)) {
            strcat(relative, "/");
            n = list_files(full, relative, names, n);
        } else {
            assert_true(n < 32);
            memcpy(names[n++], relative, sizeof relative);
        }
        free(full);
    }
    closedir(dir);
    return n;
}

static bool has_name(char names[][128], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void manifest_lists_every_file_with_its_hash(void **state)
{
    struct example *e = example_new(&experiment_sets);
    char *dir = write_report(e, *state, "run"), names[32][128];
    static const char *const expected[] = { "config.json",
                                            "provenance.json",
                                            "manifest.json",
                                            "metrics/summary.json",
                                            "metrics/baseline.csv",
                                            "metrics/rows.csv",
                                            "metrics/head_impact.csv",
                                            "metrics/group_impact.csv",
                                            "metrics/per_example.csv",
                                            "artifacts/impact_heatmap.svg",
                                            "artifacts/impact_heatmap.png" };
    size_t n = list_files(dir, "", names, 0), n_expected = sizeof expected / sizeof *expected;
    assert_int_equal(n, n_expected);
    for (size_t i = 0; i < n; i++)
        if (!has_name(names, n, expected[i]))
            fail_msg("no %s", expected[i]);
    struct file_bytes json = read_bytes(dir, "manifest.json");
    text_at_is(&json, "schema", "abltui.manifest/1");
    assert_int_equal(count_at(&json, "files"), n_expected - 1);
    for (size_t i = 0; i < n_expected - 1; i++) {
        char key[64], sha256[SHA256_HEX];
        struct abl_err err = { 0 };
        snprintf(key, sizeof key, "files.%zu.path", i);
        char *name = text_at(&json, key);
        assert_true(has_name(names, n, name));
        struct file_bytes file = read_bytes(dir, name);
        must(sha256_bytes(file.data, file.size, sha256, &err), &err);
        snprintf(key, sizeof key, "files.%zu.sha256", i);
        if (strcmp(name, "provenance.json") == 0) {
            assert_int_equal(type_at(&json, key), JSON_NULL); // it holds the time of day
        } else {
            text_at_is(&json, key, sha256);
            snprintf(key, sizeof key, "files.%zu.bytes", i);
            close_to(key, number_at(&json, key), (double)file.size);
        }
        file_bytes_release(&file);
        free(name);
    }
    file_bytes_release(&json);
    free(dir);
    example_free(e);
}

static void every_json_is_strict_and_has_a_schema(void **state)
{
    struct example *e = example_new(&experiment_sets);
    e->report.interrupted = true;
    char *dir = write_report(e, *state, "run"), names[32][128];
    size_t n = list_files(dir, "", names, 0), n_json = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(names[i]);
        if (len < 5 || strcmp(names[i] + len - 5, ".json") != 0)
            continue;
        struct file_bytes json = read_bytes(dir, names[i]);
        is_strict_json(names[i], &json);
        assert_int_equal(type_at(&json, "schema"), JSON_STRING);
        assert_int_equal(type_at(&json, "partial"), JSON_TRUE);
        file_bytes_release(&json);
        n_json++;
    }
    assert_int_equal(n_json, 5);
    free(dir);
    example_free(e);
}

static void identical_runs_are_byte_identical(void **state)
{
    struct example *a = example_new(&experiment_sets), *b = example_new(&experiment_sets);
    b->report.seconds = 99.0;
    b->session.settings.n_threads = 3;
    char *first = write_report(a, *state, "a"), *second = write_report(b, *state, "b");
    char names[32][128];
    size_t n = list_files(first, "", names, 0);
    for (size_t i = 0; i < n; i++) {
        struct file_bytes x = read_bytes(first, names[i]), y = read_bytes(second, names[i]);
        bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
        if (same == (strcmp(names[i], "provenance.json") == 0))
            fail_msg("%s is %s", names[i], same ? "the same" : "different");
        file_bytes_release(&x);
        file_bytes_release(&y);
    }
    free(first);
    free(second);
    example_free(a);
    example_free(b);
}

static void runs_are_named_after_the_hash_of_their_config(void **state)
{
    struct example *e = example_new(&experiment_heads);
    struct abl_err err = { 0 };
    struct written w;
    char here[4096], hash[SHA256_HEX], expected[128];
    assert_non_null(getcwd(here, sizeof here));
    for (int interrupted = 0; interrupted < 2; interrupted++) {
        e->report.interrupted = interrupted;
        assert_int_equal(chdir(*state), 0);
        bool ok = report_write(&e->report, NULL, &w, &err);
        struct file_bytes config
            = ok ? read_bytes(w.place, "config.json") : (struct file_bytes){ 0 };
        assert_int_equal(chdir(here), 0);
        must(ok, &err);
        if (!interrupted)
            must(sha256_bytes(config.data, config.size, hash, &err), &err);
        snprintf(expected, sizeof expected, "runs/tiny-facts-heads_%.12s%s", hash,
                 interrupted ? "-partial" : "");
        assert_string_equal(w.place, expected);
        file_bytes_release(&config);
        written_release(&w);
    }
    example_free(e);
}

static size_t count_entries(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2; // "." and ".."
}

static void an_earlier_run_is_replaced_whole(void **state)
{
    struct example *sets = example_new(&experiment_sets), *heads = example_new(&experiment_heads);
    free(write_report(sets, *state, "run"));
    char *dir = write_report(heads, *state, "run"), names[32][128];
    size_t n = list_files(dir, "", names, 0);
    assert_int_equal(n, 10);
    assert_false(has_name(names, n, "metrics/group_impact.csv"));
    assert_int_equal(count_entries(*state), 1);
    free(dir);
    example_free(sets);
    example_free(heads);
}

static void an_empty_folder_is_used(void **state)
{
    struct example *e = example_new(&experiment_heads);
    char *dir = file_join(*state, "run");
    assert_int_equal(mkdir(dir, 0777), 0);
    free(write_report(e, *state, "run/")); // with a slash behind, as completion types it
    assert_int_equal(count_entries(dir), 5);
    assert_int_equal(count_entries(*state), 1);
    free(dir);
    example_free(e);
}

// Refused with `code`, the message naming `word`; asked before and by writing alike.
static void is_refused(const struct example *e, const char *path, enum abl_code code,
                       const char *word)
{
    struct abl_err err = { 0 };
    struct written w;
    assert_false(report_check_target(path, &err));
    assert_int_equal(err.code, code);
    err = (struct abl_err){ 0 };
    assert_false(report_write(&e->report, path, &w, &err));
    assert_null(w.place);
    written_release(&w);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, word))
        fail_msg("'%s' does not name '%s'", err.text, word);
}

static void folders_of_others_are_refused_and_left_alone(void **state)
{
    struct example *e = example_new(&experiment_heads);
    struct abl_err err = { 0 };
    char *dir = file_join(*state, "thesis");
    assert_int_equal(mkdir(dir, 0777), 0);
    write_text(dir, "chapter1.tex", "years of work");
    is_refused(e, dir, ABL_USAGE, "chapter1.tex");
    write_text(dir, "manifest.json",
               "{\"schema\":\"other/1\",\"files\":[{\"path\":\"chapter1.tex\"}]}");
    is_refused(e, dir, ABL_USAGE, "thesis");
    write_text(dir, "manifest.json", "{\"schema\":\"abltui.manifest/1\",\"files\":[{\"path\":");
    is_refused(e, dir, ABL_USAGE, "thesis");
    struct file_bytes text = read_bytes(dir, "chapter1.tex");
    assert_string_equal(text.data, "years of work");
    file_bytes_release(&text);
    assert_int_equal(count_entries(dir), 2);
    assert_int_equal(count_entries(*state), 1);
    write_text(*state, "file", "x");
    char *file = file_join(*state, "file");
    is_refused(e, file, ABL_USAGE, "file");
    must(report_check_target("new-folder-that-is-not-there", &err), &err);
    free(file);
    free(dir);
    example_free(e);
}

static void notes_put_into_a_run_keep_it_from_being_replaced(void **state)
{
    struct example *e = example_new(&experiment_heads);
    char *dir = write_report(e, *state, "run");
    write_text(dir, "metrics/notes.md", "head 0:2 looks odd");
    is_refused(e, dir, ABL_USAGE, "metrics/notes.md");
    struct file_bytes text = read_bytes(dir, "metrics/notes.md");
    assert_string_equal(text.data, "head 0:2 looks odd");
    file_bytes_release(&text);
    free(dir);
    example_free(e);
}

static void a_place_without_a_parent_is_refused_and_nothing_stays(void **state)
{
    struct example *e = example_new(&experiment_heads);
    char *deep = file_join(*state, "no/such/run");
    is_refused(e, deep, ABL_FAILED, "no/such");
    free(deep);
    write_text(*state, "file", "x");
    deep = file_join(*state, "file/run");
    is_refused(e, deep, ABL_FAILED, "file/run");
    free(deep);
    assert_int_equal(count_entries(*state), 1);
    if (geteuid() != 0) { // nothing is read-only to root
        assert_int_equal(chmod(*state, 0555), 0);
        deep = file_join(*state, "run");
        is_refused(e, deep, ABL_FAILED, "run");
        free(deep);
        assert_int_equal(chmod(*state, 0755), 0);
    }
    example_free(e);
}

// A whole run stands at `place`, which its manifest does not say to lack anything.
static void is_whole(const char *place)
{
    struct file_bytes json = read_bytes(place, "manifest.json");
    text_at_is(&json, "schema", "abltui.manifest/1");
    assert_int_equal(count_at(&json, "lacks"), 0);
    file_bytes_release(&json);
}

// A stranger's file that came while the run went on, and a file where the folder was to be.
static void what_has_no_place_goes_beside(void **state)
{
    struct example *e = example_new(&experiment_heads);
    struct abl_err err = { 0 };
    struct written w;
    char *dir = file_join(*state, "run"), *file = file_join(*state, "file");
    free(write_report(e, *state, "run"));
    write_text(dir, "metrics/notes.md", "mine");
    write_text(*state, "file", "mine too");
    for (int i = 1; i <= 2; i++) {
        char expected[4096];
        snprintf(expected, sizeof expected, "%s-%d", dir, i);
        must(report_save(&e->report, dir, &w, &err), &err);
        assert_string_equal(w.place, expected);
        assert_non_null(strstr(w.not_there.text, "metrics/notes.md"));
        is_whole(w.place);
        written_release(&w);
    }
    must(report_save(&e->report, file, &w, &err), &err);
    assert_int_equal(strncmp(w.place, file, strlen(file)), 0);
    is_whole(w.place);
    written_release(&w);
    struct file_bytes text = read_bytes(dir, "metrics/notes.md");
    assert_string_equal(text.data, "mine");
    file_bytes_release(&text);
    assert_int_equal(count_entries(*state), 5); // run, run-1, run-2, file, file-1
    free(dir);
    free(file);
    example_free(e);
}

static void a_place_whose_parent_is_gone_is_made_up_for_here(void **state)
{
    struct example *e = example_new(&experiment_heads);
    struct abl_err err = { 0 };
    struct written w;
    char here[4096], *gone = file_join(*state, "gone/run");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(*state), 0);
    bool ok = report_save(&e->report, gone, &w, &err);
    assert_int_equal(chdir(here), 0);
    must(ok, &err);
    assert_string_equal(w.place, "./run");
    assert_non_null(strstr(w.not_there.text, "gone"));
    written_release(&w);
    char *run = file_join(*state, "run");
    is_whole(run);
    free(run);
    free(gone);
    example_free(e);
}

static void names_that_cannot_be_meant_are_refused(void **state)
{
    struct example *e = example_new(&experiment_heads);
    static const char *const names[][2]
        = { { "-", "option" },    { "--", "option" },  { "--json", "option" },
            { "-out", "option" }, { " ", "is blank" }, { "\t ", "is blank" },
            { "x/ ", "is blank" } };
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(*state), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        is_refused(e, names[i][0], ABL_USAGE, names[i][1]);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(count_entries(*state), 0);
    example_free(e);
}

// A folder as a process leaves it that is killed while it writes.
static void leave(const char *folder, const char *name, bool has_sign)
{
    char *dir = file_join(folder, name);
    assert_int_equal(mkdir(dir, 0777), 0);
    if (has_sign)
        write_text(dir, ".abltui-writing", "");
    write_text(dir, "config.json", "{");
    free(dir);
}

static void leftovers_of_ours_go_and_others_stay(void **state)
{
    struct example *e = example_new(&experiment_heads);
    char locked[64], *file;
    leave(*state, ".run.tmp-999999999", true);
    leave(*state, ".other.tmp-1", true); // a number that is another's by now
    leave(*state, ".run.tmp-999999999-0123456789ab", true);
    leave(*state, ".run.tmp-999999999-planted", true); // no name of ours
    leave(*state, ".run.tmp-999999998", false);
    leave(*state, ".run.temp-999999999", true);
    leave(*state, "run.tmp-999999999", true);
    snprintf(locked, sizeof locked, ".run.tmp-%ld/.abltui-writing", (long)getppid());
    locked[strlen(locked) - strlen("/.abltui-writing")] = '\0';
    leave(*state, locked, true);
    locked[strlen(locked)] = '/';
    file = file_join(*state, locked);
    int fd = open(file, O_RDWR);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    free(write_report(e, *state, "run"));
    close(fd);
    assert_int_equal(count_entries(*state), 6); // the run, and five that stay
    free(file);
    static const char *const there[] = { ".run.tmp-999999998", ".run.tmp-999999999-planted",
                                         ".run.temp-999999999", "run.tmp-999999999", "run" };
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        file = file_join(*state, there[i]);
        if (!file_exists(file))
            fail_msg("%s is gone", there[i]);
        free(file);
    }
    example_free(e);
}

// Somebody who may write beside the run puts a link in the place of what is being written.
static void a_folder_that_is_swapped_for_a_link_leads_nowhere(void **state)
{
    struct abl_err err = { 0 };
    struct rundir d;
    char *victim = file_join(*state, "victim"), *place = file_join(*state, "run"), *temp, *moved;
    assert_int_equal(mkdir(victim, 0777), 0);
    write_text(victim, "kept", "kept");
    must(rundir_open(place, -1, &d, &err), &err);
    temp = file_join(*state, d.temp);
    moved = file_join(*state, "moved");
    assert_int_equal(rename(temp, moved), 0);
    assert_int_equal(symlink("victim", temp), 0);
    struct buf text = { 0 };
    buf_str(&text, "kept\n");
    must(rundir_add(&d, "metrics/a.csv", &text, 0, &err), &err);
    must(rundir_add(&d, "kept", &text, 0, &err), &err);
    assert_false(rundir_commit(&d, false, &err)); // and gives up what it has written
    if (!strstr(err.text, "was replaced by somebody else"))
        fail_msg("%s", err.text);
    assert_int_equal(count_entries(victim), 1);
    assert_int_equal(count_entries(moved), 0);
    assert_false(file_exists(place));
    assert_true(file_exists(temp)); // is not ours
    buf_release(&text);
    free(victim);
    free(place);
    free(temp);
    free(moved);
}

static void a_finished_run_without_its_place_gets_a_name(void **state)
{
    struct example *e = example_new(&experiment_heads);
    struct abl_err err = { 0 };
    struct written w;
    char *run = file_join(*state, "run"), *hidden = file_join(*state, ".run.tmp-999999999"),
         *one = file_join(*state, "run-1"), *old = file_join(*state, ".gone.old-999999999"),
         *back = file_join(*state, "gone");
    free(write_report(e, *state, "run"));
    write_text(run, ".abltui-writing", "");
    assert_int_equal(rename(run, hidden), 0);
    free(write_report(e, *state, "gone")); // finds the first
    is_whole(one);
    assert_int_equal(rename(back, old), 0);
    must(report_write(&e->report, run, &w, &err), &err);
    assert_null(w.rescued);
    written_release(&w);
    is_whole(back);
    assert_int_equal(count_entries(*state), 3);
    free(run);
    free(hidden);
    free(one);
    free(old);
    free(back);
    example_free(e);
}

static bool fails_at_once(const struct buf *in, struct job_outlet *to, struct abl_err *err)
{
    (void)to;
    return abl_fail(err, ABL_FAILED, "%.*s", (int)in->len, in->data);
}

static bool puts_then_crashes(const struct buf *in, struct job_outlet *to, struct abl_err *err)
{
    if (job_put(to, in, err))
        kill(getpid(), SIGKILL);
    return false;
}

static bool never_ends(const struct buf *in, struct job_outlet *to, struct abl_err *err)
{
    (void)in;
    (void)to;
    (void)err;
    while (pause())
        continue;
    return false;
}

// What a job's end is called, and that the next one does not know of it.
static void jobs_end_as_they_will_and_cost_themselves_alone(void **state)
{
    (void)state;
    struct jobs *jobs;
    struct job *job;
    struct abl_err err = { 0 };
    struct buf in = { 0 }, out = { 0 };
    must(jobs_start(&jobs, &err), &err);
    buf_str(&in, "no luck");
    must(job_begin(jobs, fails_at_once, &in, 30, &job, &err), &err);
    assert_false(job_next(job, &out, &err));
    assert_string_equal(err.text, "no luck");
    job_end(job);
    must(job_begin(jobs, puts_then_crashes, &in, 30, &job, &err), &err);
    must(job_next(job, &out, &err), &err);
    assert_string_equal(out.data, "no luck");
    assert_false(job_next(job, &out, &err));
    assert_non_null(strstr(err.text, "signal 9"));
    job_end(job);
    must(job_begin(jobs, never_ends, &in, 1, &job, &err), &err);
    assert_false(job_next(job, &out, &err));
    assert_non_null(strstr(err.text, "longer than 1 s"));
    job_end(job);
    must(job_begin(NULL, fails_at_once, &in, 30, &job, &err), &err);
    assert_false(job_next(job, &out, &err));
    assert_string_equal(err.text, "no luck");
    job_end(job);
    jobs_end(jobs);
    buf_release(&in);
    buf_release(&out);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(manifest_lists_every_file_with_its_hash),
        IN_FOLDER(every_json_is_strict_and_has_a_schema),
        IN_FOLDER(identical_runs_are_byte_identical),
        IN_FOLDER(runs_are_named_after_the_hash_of_their_config),
        IN_FOLDER(an_earlier_run_is_replaced_whole),
        IN_FOLDER(an_empty_folder_is_used),
        IN_FOLDER(folders_of_others_are_refused_and_left_alone),
        IN_FOLDER(notes_put_into_a_run_keep_it_from_being_replaced),
        IN_FOLDER(a_place_without_a_parent_is_refused_and_nothing_stays),
        IN_FOLDER(what_has_no_place_goes_beside),
        IN_FOLDER(a_place_whose_parent_is_gone_is_made_up_for_here),
        IN_FOLDER(names_that_cannot_be_meant_are_refused),
        IN_FOLDER(leftovers_of_ours_go_and_others_stay),
        IN_FOLDER(a_folder_that_is_swapped_for_a_link_leads_nowhere),
        IN_FOLDER(a_finished_run_without_its_place_gets_a_name),
        cmocka_unit_test(jobs_end_as_they_will_and_cost_themselves_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
