// A sweep's results written as run directories.
#include "ui/sweep.h"

#include <string.h>

#include "experiments/experiments.h"
#include "plan/head_syntax.h"
#include "report/write.h"
#include "ui/presentation.h"
#include "ui/sweep_parts.h"
#include "verify/drift.h"

// What has become of a run, as lines for the log: warnings last, which is what is shown.
static void tell(const struct written *w, struct buf *said)
{
    if (!w->not_there.code)
        buf_printf(said, "exported %s\n", w->place);
    written_tell(w, "!", said);
}

static bool save(const struct report *r, const char *path, struct buf *said, struct abl_err *err)
{
    struct written w;
    // A folder that cannot be meant is asked for again; one that fails later costs nothing.
    if (path && !report_check_target(path, err))
        return false;
    bool ok = report_save(r, path, &w, err);
    if (ok)
        tell(&w, said);
    written_release(&w);
    return ok;
}

// A drift that cannot be measured costs itself: what was measured is saved as partial.
static bool export_run(struct sweep *s, const char *path, struct buf *said, struct abl_err *err)
{
    struct drift drift = { 0 };
    struct abl_err why;
    bool known = drift_measure(s->session, &s->run.results, &drift, &why);
    if (!known)
        buf_printf(said, "!%s: the drift is not measured\n", why.text);
    struct report r = { .session = s->session,
                        .settings = &s->session->settings,
                        .drift = &drift,
                        .results = &s->run.results,
                        .readings = s->has_readings ? &s->readings : NULL,
                        .jobs = s->jobs,
                        .interrupted = !known || !sweep_is_complete(s),
                        .seconds = s->seconds };
    return save(&r, path, said, err);
}

// The marked set as the run of its own that `--experiment sets` would have been.
static bool export_set(struct sweep *s, const char *path, struct buf *said, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set set = { s->marks.items, s->marks.n };
    struct settings settings = s->session->settings;
    struct drift drift;
    settings.experiment = &experiment_sets;
    settings.ablation = s->set.variants.items[0].how;
    settings.also.n = 0;
    settings.sets = head_set_label(&set, &scratch);
    struct report r = { .session = s->session,
                        .settings = &settings,
                        .drift = &drift,
                        .results = &s->set.results,
                        .jobs = s->jobs,
                        .seconds = s->seconds };
    size_t len = path ? strlen(path) : 0;
    while (len > 1 && path[len - 1] == '/')
        len--;
    const char *beside = path ? arena_printf(&scratch, "%.*s-sets", (int)len, path) : NULL;
    bool ok = ((settings.sets && (beside || !path)) || abl_no_memory(err))
              && drift_measure(s->session, &s->set.results, &drift, err)
              && save(&r, beside, said, err);
    arena_release(&scratch);
    return ok;
}

bool sweep_has_news(const struct sweep *s)
{
    return !s->shows_opened && s->session && s->run.ready && s->run.results.n_done > s->exported;
}

bool sweep_export(struct sweep *s, const char *path, struct buf *said, struct abl_err *err)
{
    if (s->shows_opened)
        return abl_fail(err, ABL_FAILED, "the run lies in '%s' already: R runs it anew",
                        opened_run_place(s->opened));
    const char *given = path && *path ? path : NULL;
    if (!s->session || !s->run.ready || (!s->run.results.n_done && !sweep_is_complete(s)))
        return abl_fail(err, ABL_FAILED, "nothing to export yet: nothing has been measured");
    bool with_set
        = s->set.ready && !s->marks.keep_only && presentation_of(s->choice.experiment)->set_beside;
    if (!export_run(s, given, said, err) || (with_set && !export_set(s, given, said, err)))
        return false;
    s->exported = s->run.results.n_done;
    return true;
}
