#include "report/runs_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "report/config.h"

static const char runs_folder[] = "runs";

char *runs_default_place(const struct session *session, const struct settings *settings,
                         const char *model_sha256, bool partial, struct abl_err *err)
{
    struct buf path = { 0 };
    buf_printf(&path, "%s/", runs_folder);
    if (!config_run_name(session, settings, model_sha256, &path, err)) {
        buf_release(&path);
        return NULL;
    }
    if (partial)
        buf_str(&path, "-partial");
    if (path.failed) {
        buf_release(&path);
        abl_no_memory(err);
    }
    return path.data;
}

bool runs_make(bool *made, struct abl_err *err)
{
    *made = mkdir(runs_folder, 0777) == 0;
    return *made || errno == EEXIST
           || abl_fail(err, ABL_FAILED,
                       "cannot create folder '%s' here: %s; name another place with --export",
                       runs_folder, strerror(errno));
}

void runs_unmake(bool made)
{
    if (made)
        rmdir(runs_folder);
}
