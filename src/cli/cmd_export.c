#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/name_text.h"
#include "base/say.h"
#include "base/sha256.h"
#include "cli/runner.h"
#include "cli/stopping.h"
#include "report/cross.h"

// A condition's name among the others: that of its corpus, without folders and ending.
static const char *tag_of(const char *data, struct arena *a)
{
    const char *name = strrchr(data, '/');
    name = name ? name + 1 : data;
    size_t len = strlen(name);
    static const char ending[] = ".jsonl";
    if (len > sizeof ending - 1 && strcmp(name + len - (sizeof ending - 1), ending) == 0)
        len -= sizeof ending - 1;
    const char *stem = arena_strndup(a, name, len);
    return stem ? name_label(stem, a) : NULL;
}

static bool name_children(const struct cli *cli, struct arena *a, struct cross_child *out,
                          struct abl_err *err)
{
    for (size_t i = 0; i < cli->n_data; i++) {
        out[i] = (struct cross_child){ .tag = tag_of(cli->data[i], a) };
        out[i].dir = out[i].tag ? file_path(a, "%s/%s", cli->export_dir, out[i].tag) : NULL;
        if (!out[i].dir)
            return abl_no_memory(err);
        for (size_t k = 0; k < i; k++)
            if (strcmp(out[i].tag, out[k].tag) == 0)
                return abl_fail(err, ABL_USAGE,
                                "--data '%s' and '%s' are both called '%s': expected names that "
                                "differ",
                                cli->data[k], cli->data[i], out[i].tag);
    }
    return true;
}

// Each condition in turn, then what is true of all. One that fails is reported and left out; the
// first failure is the command's.
static bool export_conditions(const struct cli *cli, const char *command_line, struct abl_err *err)
{
    struct arena a = { 0 };
    struct cross_child children[MAX_ARGS], done[MAX_ARGS];
    struct abl_err first = { 0 };
    size_t n = 0;
    bool ok = name_children(cli, &a, children, err) && cross_begin(cli->export_dir, "", err);
    for (size_t i = 0; ok && i < cli->n_data && !stopping_cause(); i++) {
        struct runner run = { .dir = children[i].dir,
                              .flags = cli->flags,
                              .jobs = cli->ui.jobs,
                              .words = cli->words,
                              .command_line = command_line };
        struct settings settings = cli->run;
        struct abl_err failed;
        settings.data = cli->data[i];
        if (runner_run(&run, &settings, NULL, &failed)) {
            done[n++] = children[i];
            continue;
        }
        if (!stopping_cause())
            say(SAY_ERR, "%s: %s\n", children[i].tag, failed.text);
        if (!first.code || stopping_cause())
            first = failed;
    }
    bool stopped = stopping_cause(); // what is joined is whole
    if (ok && !n && !stopped)
        cross_abandon(cli->export_dir);
    if (ok && n && !stopped)
        ok = cross_write(cli->export_dir, "", done, n, settings_csv(&cli->run), err);
    if (ok && n && !stopped && !(cli->flags & CLI_QUIET))
        say(SAY_ERR, "all of them in %s\n", cli->export_dir);
    if (ok && first.code)
        ok = stopping_failed(&first, cli->n_data - n, cli->n_data, "conditions", err);
    arena_release(&a);
    return ok;
}

bool command_export(const struct cli *cli, const char *command_line, struct abl_err *err)
{
    stopping_begin();
    stopping_after(cli->stop_after);
    if (cli->n_data > 1)
        return export_conditions(cli, command_line, err);
    struct runner run = { .dir = cli->export_dir ? cli->export_dir : "-",
                          .part = cli->shard,
                          .flags = cli->flags,
                          .jobs = cli->ui.jobs,
                          .words = cli->words,
                          .command_line = command_line };
    return runner_run(&run, &cli->run, NULL, err);
}
