#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "cli/lab_config.h"
#include "cli/runner.h"
#include "report/cross.h"
#include "report/rundir.h"

static void print_notes(const struct cli *cli, const struct lab_config *c)
{
    for (size_t i = 0; i < c->n_notes && !(cli->flags & CLI_QUIET); i++)
        fprintf(stderr, "note: %s\n", c->notes[i]);
}

static bool run_one(const struct cli *cli, const char *command_line, const struct config_run *one,
                    const char *dir, struct abl_err *err)
{
    struct runner run = { .dir = dir,
                          .flags = cli->flags,
                          .command_line = command_line,
                          .verify_rows = one->verify_rows,
                          .verify_device = one->verify_device };
    return runner_run(&run, &one->settings, NULL, err);
}

// "runs/<run_name>_<12 hex of the file's SHA-256>", in the arena.
static const char *joint_place(const char *path, struct lab_config *c, struct abl_err *err)
{
    struct file_bytes bytes;
    char hash[SHA256_HEX];
    if (!file_read(path, 4 << 20, &bytes, ABL_BAD_DATA, err))
        return NULL;
    bool ok = sha256_bytes(bytes.data, bytes.size, hash, err);
    file_bytes_release(&bytes);
    const char *place = ok ? arena_printf(&c->arena, "runs/%s_%.12s", c->name, hash) : NULL;
    if (ok && !place)
        abl_no_memory(err);
    return place;
}

// The conditions one after the other into `dir`, then their joint tables. One that fails is named and left out.
static bool run_several(const struct cli *cli, const char *command_line, struct lab_config *c,
                        const char *dir, struct abl_err *err)
{
    struct cross_child *children = arena_alloc(&c->arena, c->n, sizeof *children);
    struct abl_err first = { 0 };
    size_t n = 0;
    if (!children)
        return abl_no_memory(err);
    if (!cross_begin(dir, c->name, err))
        return false;
    for (size_t i = 0; i < c->n && first.code != ABL_INTERRUPTED; i++) {
        const struct config_run *one = &c->runs[i];
        const char *place = arena_printf(&c->arena, "%s/%s", dir, one->tag);
        struct abl_err failed;
        if (!place)
            return abl_no_memory(err);
        if (run_one(cli, command_line, one, place, &failed)) {
            children[n++] = (struct cross_child){ one->tag, place };
            continue;
        }
        fprintf(stderr, "%s: %s\n", one->tag, failed.text);
        if (!first.code || failed.code == ABL_INTERRUPTED)
            first = failed;
    }
    if (!n)
        cross_abandon(dir);
    else if (!cross_write(dir, c->name, children, n, err))
        return false;
    if (n && !(cli->flags & CLI_QUIET))
        fprintf(stderr, "all of them in %s\n", dir);
    return !first.code
           || abl_fail(err, first.code, "%zu of %zu conditions failed; the first: %s", c->n - n,
                       c->n, first.text);
}

// place: where the results of this configuration go, NULL = by its name.
static bool run_config(const struct cli *cli, const char *command_line, const char *path,
                       const char *place, struct abl_err *err)
{
    struct lab_config c;
    struct run_settings defaults = cli->run;
    if (!(cli->flags & CLI_MODEL))
        defaults.model = NULL; // the configuration says
    bool ok = lab_config_read(path, &defaults, &c, err);
    if (ok) {
        print_notes(cli, &c);
        bool several = c.joint || c.n > 1;
        const char *dir = place || !several ? place : joint_place(path, &c, err);
        if (several)
            ok = dir && run_several(cli, command_line, &c, dir, err);
        else
            ok = run_one(cli, command_line, &c.runs[0], dir, err);
    }
    lab_config_release(&c);
    return ok;
}

// Several configurations go into folders of their own below the one that is named.
bool command_run(const struct cli *cli, const char *command_line, struct abl_err *err)
{
    if (!cli->n_args)
        return abl_fail(err, ABL_USAGE, "run needs a configuration: 'abltui run CONFIG.json'");
    runner_catch_signals();
    for (size_t i = 0; i < cli->n_args; i++) {
        const char *slash = strrchr(cli->args[i], '/'), *base = slash ? slash + 1 : cli->args[i];
        struct buf place = { 0 };
        if (cli->export_dir)
            buf_str(&place, cli->export_dir);
        if (cli->export_dir && cli->n_args > 1)
            buf_printf(&place, "/%.*s", (int)strcspn(base, "."), base);
        bool ok = !place.failed || abl_no_memory(err);
        if (ok && cli->n_args > 1 && cli->export_dir)
            ok = file_make_dirs(cli->export_dir, err);
        ok = ok && run_config(cli, command_line, cli->args[i], place.data, err);
        buf_release(&place);
        if (!ok)
            return false;
    }
    return true;
}
