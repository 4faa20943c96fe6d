// A sweep's results written as run directories.
#include "ui/sweep.h"

#include <stdlib.h>

#include "experiments/experiments.h"
#include "plan/head_syntax.h"
#include "report/write.h"
#include "ui/presentation.h"
#include "ui/sweep_parts.h"
#include "verify/drift.h"

static bool export_run(struct sweep *s, const char *path, char **written, struct abl_err *err)
{
    struct drift drift;
    if (!drift_measure(s->session, &s->run.results, &drift, err))
        return false;
    struct report r = { .session = s->session,
                        .settings = &s->session->settings,
                        .drift = &drift,
                        .results = &s->run.results,
                        .readings = s->has_readings ? &s->readings : NULL,
                        .interrupted = !sweep_is_complete(s),
                        .seconds = s->seconds };
    return report_write(&r, path, written, err);
}

// The marked set as the run of its own that `--experiment sets` would have been.
static bool export_set(struct sweep *s, const char *path, char **written, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set set = { s->marks.items, s->marks.n };
    struct settings settings = s->session->settings;
    struct drift drift;
    settings.experiment = &experiment_sets;
    settings.sets = head_set_label(&set, &scratch);
    struct report r = { .session = s->session,
                        .settings = &settings,
                        .drift = &drift,
                        .results = &s->set.results,
                        .seconds = s->seconds };
    path = path ? arena_printf(&scratch, "%s-sets", path) : NULL;
    bool ok = (settings.sets || abl_no_memory(err))
              && drift_measure(s->session, &s->set.results, &drift, err)
              && report_write(&r, path, written, err);
    arena_release(&scratch);
    return ok;
}

bool sweep_export(struct sweep *s, const char *path, struct buf *said, struct abl_err *err)
{
    char *heads = NULL, *set = NULL;
    const char *given = path && *path ? path : NULL;
    if (!s->session || !s->run.ready || (!s->run.results.n_done && !sweep_is_complete(s)))
        return abl_fail(err, ABL_FAILED, "nothing to export yet: nothing has been measured");
    bool with_set = s->set.ready && presentation_of(s->choice.experiment)->set_beside;
    bool ok = export_run(s, given, &heads, err) && (!with_set || export_set(s, given, &set, err));
    if (ok) {
        buf_printf(said, "exported %s%s%s", heads, set ? " and " : "", set ? set : "");
        s->exported = s->run.results.n_done;
    }
    free(heads);
    free(set);
    return ok;
}
