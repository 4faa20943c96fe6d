#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/say.h"
#include "base/sha256.h"
#include "cli/tinylab_config.h"
#include "cli/runner.h"
#include "cli/stopping.h"
#include "report/config.h"
#include "report/cross.h"
#include "report/rundir.h"

static void print_notes(const struct cli *cli, const struct tinylab_config *c)
{
    for (size_t i = 0; i < c->n_notes && !(cli->flags & CLI_QUIET); i++)
        say(SAY_ERR, "note: %s\n", c->notes[i]);
}

static bool run_one(const struct cli *cli, const char *command_line, const struct config_run *one,
                    const char *dir, struct abl_err *err)
{
    struct runner run = { .dir = dir,
                          .flags = cli->flags,
                          .jobs = cli->ui.jobs,
                          .words = cli->words,
                          .command_line = command_line,
                          .verify_rows = one->verify_rows,
                          .sample_seconds = one->sample_seconds };
    return runner_run(&run, &one->settings, NULL, err);
}

// "runs/<run_name>_<12 hex>", in the arena: of the file's canonical form, and of the options that
// go before it.
static const char *joint_place(const struct cli *cli, struct tinylab_config *c, struct abl_err *err)
{
    const struct settings *s = &cli->run;
    struct buf place = { 0 }, content = { 0 };
    char hash[SHA256_HEX];
    buf_str(&content, c->hash);
    if (s->model)
        buf_printf(&content, "\nmodel %s", s->model);
    if (s->max_rows)
        buf_printf(&content, "\nrows %zu", s->max_rows);
    if (s->n_boot)
        buf_printf(&content, "\nboot %u", (unsigned)s->n_boot);
    if (s->skip_bad)
        buf_str(&content, "\nskip-bad");
    if (s->compat)
        buf_printf(&content, "\ncompat %d", (int)s->compat);
    if (s->csv_safe)
        buf_str(&content, "\ncsv-safe");
    bool plain = content.len == strlen(c->hash);
    bool ok = (!content.failed || abl_no_memory(err))
              && (plain || sha256_bytes(content.data, content.len, hash, err));
    buf_str(&place, "runs/");
    run_name_plain(&place, c->name);
    buf_printf(&place, "_%.12s", plain ? c->hash : hash);
    const char *kept = ok && !place.failed ? arena_strdup(&c->arena, place.data) : NULL;
    if (ok && !kept)
        abl_no_memory(err);
    buf_release(&place);
    buf_release(&content);
    return kept;
}

// A run, or what it would do, or why there is none.
static bool run_member(const struct cli *cli, const char *command_line,
                       const struct config_run *one, const char *place, struct abl_err *err)
{
    if (one->failed) {
        *err = *one->failed;
        return false;
    }
    return cli->flags & CLI_DRY_RUN ? dry_run(&one->settings, cli->flags, err)
                                    : run_one(cli, command_line, one, place, err);
}

// The conditions one after the other into `dir` (NULL: nothing is written). One that fails is named
// and left out of `done`, which has room for all; returns the first failure, of code ABL_OK where
// there is none.
static struct abl_err run_members(const struct cli *cli, const char *command_line,
                                  struct tinylab_config *c, const char *dir,
                                  struct cross_child *done, size_t *n_done)
{
    struct abl_err first = { 0 };
    for (size_t i = 0; i < c->n && !stopping_cause(); i++) {
        const struct config_run *one = &c->runs[i];
        const char *place = dir ? file_path(&c->arena, "%s/%s", dir, one->tag) : "";
        struct abl_err failed;
        if (place ? run_member(cli, command_line, one, place, &failed) : abl_no_memory(&failed)) {
            done[(*n_done)++] = (struct cross_child){ .tag = one->tag, .dir = place };
            continue;
        }
        if (!stopping_cause())
            say(SAY_ERR, "%s: %s\n", one->tag, failed.text);
        if (!first.code || stopping_cause())
            first = failed;
    }
    return first;
}

// The joint tables are for whoever asked for one of them.
static enum sheet_format joint_format(const struct tinylab_config *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->runs[i].settings.csv_safe)
            return SHEET_CSV_SAFE;
    return SHEET_CSV;
}

// The conditions and then their joint tables; of a dry run, neither.
static bool run_several(const struct cli *cli, const char *command_line, struct tinylab_config *c,
                        const char *dir, struct abl_err *err)
{
    struct cross_child *done = arena_alloc(&c->arena, c->n, sizeof *done);
    size_t n = 0;
    if (!done)
        return abl_no_memory(err);
    if (dir && !cross_begin(dir, c->name, err))
        return false;
    struct abl_err first = run_members(cli, command_line, c, dir, done, &n);
    bool stopped = stopping_cause(); // what is joined is whole
    if (dir && !n && !stopped)
        cross_abandon(dir);
    else if (dir && !stopped && !cross_write(dir, c->name, done, n, joint_format(c), err))
        return false;
    if (dir && n && !stopped && !(cli->flags & CLI_QUIET))
        say(SAY_ERR, "%zu of %zu conditions in %s\n", n, c->n, dir);
    return !first.code || stopping_failed(&first, c->n - n, c->n, "conditions", err);
}

static bool run_joint(const struct cli *cli, const char *command_line, struct tinylab_config *c,
                      const char *place, struct abl_err *err)
{
    if (cli->flags & CLI_DRY_RUN)
        return run_several(cli, command_line, c, NULL, err);
    if (cli->flags & CLI_JSON || (place && strcmp(place, "-") == 0))
        return abl_fail(err, ABL_USAGE,
                        "'%s' has several runs, which are written into a folder: name one with "
                        "--export, without --json",
                        c->name);
    const char *dir = place ? place : joint_place(cli, c, err);
    return dir && run_several(cli, command_line, c, dir, err);
}

// place: where the results of this configuration go, NULL = by its name.
static bool run_config(const struct cli *cli, const char *command_line, const char *path,
                       const char *place, struct abl_err *err)
{
    struct tinylab_config c;
    bool ok = tinylab_config_read(path, &cli->run, &c, err);
    if (ok)
        print_notes(cli, &c);
    if (ok)
        ok = c.joint || c.n > 1 ? run_joint(cli, command_line, &c, place, err)
                                : run_member(cli, command_line, &c.runs[0], place, err);
    tinylab_config_release(&c);
    return ok;
}

// "DIR/<name of the file>" for each of several configurations; buf_release it.
static bool place_among(const struct cli *cli, size_t number, struct buf *out, struct abl_err *err)
{
    const char *slash = strrchr(cli->args[number], '/');
    const char *base = slash ? slash + 1 : cli->args[number], *dot = strrchr(base, '.');
    int len = (int)(dot && dot > base ? (size_t)(dot - base) : strlen(base));
    buf_printf(out, "%s/%.*s", cli->export_dir, len, base);
    if (out->failed)
        return abl_no_memory(err);
    file_tidy(out->data);
    out->len = strlen(out->data);
    return true;
}

static bool check_places(const struct cli *cli, struct abl_err *err)
{
    if (cli->n_args < 2 || !cli->export_dir)
        return true;
    if (strcmp(cli->export_dir, "-") == 0)
        return abl_fail(err, ABL_USAGE,
                        "--export - takes one run file: name a folder for %zu of them",
                        cli->n_args);
    for (size_t i = 0; i < cli->n_args; i++)
        for (size_t k = 0; k < i; k++) {
            struct buf one = { 0 }, other = { 0 };
            bool ok = place_among(cli, i, &one, err) && place_among(cli, k, &other, err);
            bool same = ok && strcmp(one.data, other.data) == 0;
            buf_release(&one);
            buf_release(&other);
            if (!ok)
                return false;
            if (same)
                return abl_fail(err, ABL_USAGE,
                                "'%s' and '%s' would be written to one folder: run them one by one",
                                cli->args[k], cli->args[i]);
        }
    return file_make_dirs(cli->export_dir, err);
}

// Several configurations go into folders of their own below the one that is named. One that fails
// is named, the others are run, and the first failure is the command's.
bool command_run(const struct cli *cli, const char *command_line, struct abl_err *err)
{
    struct abl_err first = { 0 };
    size_t n_failed = 0;
    if (!cli->n_args)
        return abl_fail(err, ABL_USAGE, "run needs a configuration: 'abltui run CONFIG.json'");
    if (!check_places(cli, err))
        return false;
    stopping_begin();
    stopping_after(cli->stop_after);
    for (size_t i = 0; i < cli->n_args && !stopping_cause(); i++) {
        struct buf among = { 0 };
        struct abl_err failed = { 0 };
        bool ok = !cli->export_dir || cli->n_args == 1 || place_among(cli, i, &among, &failed);
        if (ok
            && run_config(cli, command_line, cli->args[i],
                          among.data ? among.data : cli->export_dir, &failed)) {
            buf_release(&among);
            continue;
        }
        buf_release(&among);
        if (cli->n_args == 1) {
            *err = failed;
            return false;
        }
        n_failed++;
        if (!stopping_cause())
            say(SAY_ERR, "%s: %s\n", cli->args[i], failed.text);
        if (!first.code || stopping_cause())
            first = failed;
    }
    return !first.code || stopping_failed(&first, n_failed, cli->n_args, "run files", err);
}
