#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/say.h"
#include "cli/resume_words.h"
#include "experiments/experiments.h"
#include "report/live_run.h"
#include "report/merge.h"
#include "report/rundir_place.h"
#include "report/write.h"

// The folder that the run goes to, from wherever that is; malloc'd. Of one folder of shards: into
// its place.
static char *find_place(const struct cli *cli, struct abl_err *err)
{
    const char *named = cli->export_dir ? cli->export_dir : cli->n_args == 1 ? cli->args[0] : NULL;
    if (!named) {
        abl_fail(err, ABL_USAGE,
                 "several folders of shards are joined into another: name it with "
                 "--export DIR");
        return NULL;
    }
    char *here = realpath(".", NULL);
    char *place = *named == '/' || !here ? strdup(named) : file_join(here, named);
    free(here);
    if (!place)
        abl_no_memory(err);
    return place;
}

static bool write_run(const struct cli *cli, const struct report *r, const char *place,
                      struct abl_err *err)
{
    struct written w = { 0 };
    struct buf lines = { 0 };
    bool ok = report_write(r, place, &w, err);
    if (ok) {
        live_run_drop_old(place);
        written_tell(&w, "warning: ", &lines);
    }
    if (lines.len && !lines.failed)
        say_lines(SAY_ERR, lines.data);
    if (ok && !(cli->flags & CLI_QUIET))
        say(SAY_ERR, "results in %s\n", place);
    buf_release(&lines);
    written_release(&w);
    return ok;
}

static bool join(const struct cli *cli, const char *command_line, const struct merge *m,
                 struct session *session, const char *place, struct abl_err *err)
{
    struct variants variants;
    struct results table;
    if (!experiment_variants(session, &variants, err))
        return false;
    bool ok = merge_start(m, session, &variants, err)
              && results_init(&table, &variants, session->prompts->n, err);
    if (ok) {
        char *workers = merge_workers(m);
        struct live_run there = { .parent = -1, .folder = m->folders[0].fd };
        struct report r = { .session = session,
                            .settings = &session->settings,
                            .results = &table,
                            .jobs = cli->ui.jobs,
                            .command_line = command_line,
                            .live = cli->export_dir ? NULL : &there,
                            .workers = workers };
        ok = merge_load(m, session, &table, err) && write_run(cli, &r, place, err);
        free(workers);
        results_release(&table);
    }
    variants_release(&variants);
    return ok;
}

// What the shards' command line asks for, from the folder where it was given.
static bool open_session(const struct cli *cli, const struct merge *m, struct arena *words,
                         struct session **out, struct abl_err *err)
{
    struct cli of = { 0 };
    char **argv;
    int argc;
    if (!journal_words(m->head, cli->args[0], "abltui", &argc, &argv, words, err)
        || !cli_parse(argc, argv, &of, err))
        return false;
    of.run.data_dir = cli->run.data_dir;
    of.run.hf_cache = cli->run.hf_cache;
    bool ok = session_open_cold(&of.run, out, err);
    arena_release(&of.texts);
    return ok;
}

// The folder has been joined before, as when a script that does so is run once more.
static bool is_joined(const struct cli *cli)
{
    if (cli->n_args != 1 || cli->export_dir || !file_is_regular_in(cli->args[0], manifest_name))
        return false;
    if (!(cli->flags & CLI_QUIET))
        say(SAY_ERR, "%s is complete: nothing is left to do\n", cli->args[0]);
    return true;
}

bool command_merge(const struct cli *cli, const char *command_line, struct abl_err *err)
{
    struct merge m = { 0 };
    struct session *session = NULL;
    struct arena words = { 0 };
    if (!cli->n_args)
        return abl_fail(err, ABL_USAGE, "merge needs the folders of shards: 'abltui merge DIR…'");
    if (is_joined(cli))
        return true;
    char *place = find_place(cli, err);
    bool ok = place && merge_open(cli->args, cli->n_args, &m, err)
              && open_session(cli, &m, &words, &session, err)
              && join(cli, command_line, &m, session, place, err);
    session_free(session);
    merge_close(&m);
    arena_release(&words);
    free(place);
    return ok;
}
