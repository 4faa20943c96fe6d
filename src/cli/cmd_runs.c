#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/printable.h"
#include "base/say.h"
#include "cli/print.h"
#include "report/doc.h"
#include "report/run_list.h"

enum { COUNT_TEXT = 48 };

static void put_json(struct doc *d, cJSON *list, const struct run_info *run)
{
    cJSON *o = doc_object(d, list, NULL);
    doc_name(d, o, "run", run->place);
    doc_text(d, o, "state", run_state_name(run->state));
    doc_text(d, o, "model", *run->model ? run->model : NULL);
    doc_text(d, o, "condition", *run->condition ? run->condition : NULL);
    doc_text(d, o, "split", *run->split ? run->split : NULL);
    doc_text(d, o, "experiment", *run->experiment ? run->experiment : NULL);
    doc_text(d, o, "ablate", *run->ablate ? run->ablate : NULL);
    doc_uint(d, o, "done", run->done);
    doc_uint(d, o, "total", run->all);
    doc_bool(d, o, "joint", run->joint);
    doc_uint(d, o, "shards", run->n_shards);
    doc_text(d, o, "started", *run->started ? run->started : NULL);
    doc_text(d, o, "why", run->state == RUN_STATE_UNREADABLE ? run->why.text : NULL);
}

static bool say_document(const struct run_list *l, struct abl_err *err)
{
    struct doc d = doc_new();
    struct buf text = { 0 };
    doc_text(&d, d.root, "schema", "abltui.runs/1");
    cJSON *list = doc_array(&d, d.root, "runs");
    for (size_t i = 0; i < l->n; i++)
        put_json(&d, list, &l->items[i]);
    bool ok = doc_print(&d, DOC_PRETTY, &text, err) && say_json(text.data, text.len, err);
    doc_release(&d);
    buf_release(&text);
    return ok;
}

// "1234/5120"; what has no variants has no cells, either.
static const char *count_text(const struct run_info *run, char out[COUNT_TEXT])
{
    if (run->all)
        snprintf(out, COUNT_TEXT, "%" PRIu64 "/%" PRIu64, run->done, run->all);
    else
        snprintf(out, COUNT_TEXT, "-");
    return out;
}

// "2026-11-30 02:39" of "2026-11-30T02:39:48Z"
static const char *when_text(const struct run_info *run, char out[COUNT_TEXT])
{
    snprintf(out, COUNT_TEXT, "%.10s %.5s", run->started, *run->started ? run->started + 11 : "");
    return out;
}

struct widths {
    int run, model, condition, experiment, count;
};

static void widen(int *to, const char *text)
{
    int width = (int)printable_width(text);
    *to = width > *to ? width : *to;
}

static struct widths measure(const struct run_list *l)
{
    struct widths w = { 3, 5, 9, 10, 10 };
    char count[COUNT_TEXT];
    for (size_t i = 0; i < l->n; i++) {
        widen(&w.run, l->items[i].place);
        widen(&w.model, l->items[i].model);
        widen(&w.condition, l->items[i].condition);
        widen(&w.experiment, l->items[i].experiment);
        widen(&w.count, count_text(&l->items[i], count));
    }
    return w;
}

static void say_run(const struct run_info *run, const struct widths *w)
{
    char count[COUNT_TEXT], when[COUNT_TEXT];
    if (run->state == RUN_STATE_UNREADABLE)
        say(SAY_OUT, "%-*s  %-10s  %s\n", w->run, run->place, run_state_name(run->state),
            run->why.text);
    else
        say(SAY_OUT, "%-*s  %-10s  %-*s  %-*s  %-*s  %*s  %s\n", w->run, run->place,
            run_state_name(run->state), w->model, run->model, w->condition, run->condition,
            w->experiment, run->experiment, w->count, count_text(run, count), when_text(run, when));
}

static void say_table(const struct run_list *l)
{
    struct widths w = measure(l);
    say(SAY_OUT, "%-*s  %-10s  %-*s  %-*s  %-*s  %*s  %s\n", w.run, "run", "state", w.model,
        "model", w.condition, "condition", w.experiment, "experiment", w.count, "done/total",
        "started (UTC)");
    for (size_t i = 0; i < l->n; i++)
        say_run(&l->items[i], &w);
}

bool command_runs(const struct cli *cli, struct abl_err *err)
{
    const char *folder = cli->n_args ? cli->args[0] : "runs";
    struct run_list list = { 0 };
    if (cli->n_args && !file_is_dir(folder))
        return abl_fail(err, ABL_USAGE, "'%s' is no folder: expected a run, or a folder of runs",
                        folder);
    bool ok = run_list_read(folder, &list, err);
    if (ok && cli->flags & CLI_JSON)
        ok = say_document(&list, err);
    else if (ok && list.n)
        say_table(&list);
    else if (ok && !(cli->flags & CLI_QUIET))
        say(SAY_ERR, "no runs in '%s': 'abltui --export DIR' makes one\n", folder);
    run_list_release(&list);
    return ok;
}
