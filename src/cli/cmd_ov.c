#include "cli/commands.h"

#include <stdio.h>

#include "base/file.h"
#include "base/say.h"
#include "cli/print.h"
#include "experiments/experiments.h"
#include "report/ov_compare.h"
#include "report/ov_report.h"
#include "session/readings.h"

enum { SHOWN = 8 }; // tokens at either end, on the screen

// One condition's reading on standard output.
static bool print_reading(const struct cli *cli, const struct session *session,
                          const struct readings *in, struct abl_err *err)
{
    struct buf text = { 0 };
    bool ok = true;
    if (cli->flags & CLI_JSON) {
        struct doc d = ov_report_doc(session, in->ov);
        ok = doc_print(&d, DOC_PRETTY, &text, err);
        doc_release(&d);
    } else
        ov_report_text(session, in->ov, SHOWN, &text);
    ok = ok && (!text.failed || abl_no_memory(err));
    if (ok && cli->flags & CLI_JSON)
        ok = say_json(text.data, text.len, err);
    else if (ok)
        say_lines(SAY_OUT, text.data);
    buf_release(&text);
    return ok;
}

static bool show_reading(const struct cli *cli, struct session *session, struct abl_err *err)
{
    struct readings in;
    struct variants none;
    struct results table;
    if (!experiment_variants(session, &none, err))
        return false;
    bool ok = session_start(session, err) && results_init(&table, &none, session->prompts->n, err);
    if (ok) {
        if (!(cli->flags & CLI_QUIET)) {
            print_findings(session->prompts);
            print_compat(session);
        }
        ok = experiment_read(session, &table, NULL, &in, err)
             && print_reading(cli, session, &in, err);
        readings_release(&in);
        results_release(&table);
    }
    variants_release(&none);
    return ok;
}

// Into a file, or on standard output.
static bool put_doc(struct doc *d, const char *path, struct abl_err *err)
{
    struct buf text = { 0 };
    bool ok = doc_print(d, DOC_PRETTY, &text, err);
    if (ok && path)
        ok = file_write_atomic(path, text.data, text.len, err);
    else if (ok)
        ok = say_json(text.data, text.len, err);
    buf_release(&text);
    doc_release(d);
    return ok;
}

bool command_ov(const struct cli *cli, const char *command_line, struct abl_err *err)
{
    if (cli->export_dir)
        return command_export(cli, command_line, err);
    struct session *session;
    if (!session_open_cold(&cli->run, &session, err))
        return false;
    bool ok = show_reading(cli, session, err);
    session_free(session);
    return ok;
}

// The reports that are named, read into the arena.
static bool read_files(const struct cli *cli, size_t least, struct arena *a,
                       const struct ov_file **out, struct abl_err *err)
{
    if (cli->n_args < least)
        return abl_fail(
            err, ABL_USAGE,
            "expected %s ov_report.json files or run directories that 'abltui ov' wrote",
            least > 1 ? "two or more" : "one or more");
    for (size_t i = 0; i < cli->n_args; i++)
        if (!ov_file_read(cli->args[i], a, &out[i], err))
            return false;
    return true;
}

bool command_cluster(const struct cli *cli, struct abl_err *err)
{
    const struct ov_file *files[MAX_ARGS];
    struct arena a = { 0 };
    bool ok = read_files(cli, 1, &a, files, err);
    struct doc d;
    ok = ok && ov_clusters_doc(files, cli->n_args, cli->limit, cli->top_n, &d, err)
         && put_doc(&d, cli->out_dir, err);
    arena_release(&a);
    return ok;
}

bool command_compare(const struct cli *cli, struct abl_err *err)
{
    const struct ov_file *files[MAX_ARGS];
    struct arena a = { 0 };
    bool ok = read_files(cli, 2, &a, files, err);
    struct doc d;
    ok = ok && ov_compare_doc(files, cli->n_args, &d, err) && put_doc(&d, cli->out_dir, err);
    arena_release(&a);
    return ok;
}
