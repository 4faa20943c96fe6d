#include "ui/facts.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/estimates.h"

static void name_device(const struct device_info *d, char *out, size_t size)
{
    bool f32 = d->precision == PRECISION_F32;
    const char *space = f32 ? "" : " ", *precision = f32 ? "" : precision_name(d->precision);
    if (d->kind == DEVICE_CPU)
        snprintf(out, size, "cpu%s%s", space, precision);
    else
        snprintf(out, size, "vulkan%s%s: %.100s%s", space, precision, d->name,
                 d->kind == DEVICE_VULKAN_CPU ? " (software)" : "");
}

void facts_gather(const struct session *session, struct facts *f)
{
    struct abl_err ignored;
    const struct prompts *p = session->prompts;
    *f = (struct facts){ .compat = compat_name(session->settings.compat),
                         .baseline = settings_baseline(&session->settings),
                         .whole_answers = session->answers != NULL,
                         .has_bos = p->bos != TOKEN_NONE,
                         .shape = session->model->shape,
                         .n_rows = p->n,
                         .n_dropped = session->n_dropped + p->n_dropped,
                         .n_clusters = p->n_clusters,
                         .scope = clusters_scope(p) };
    clusters_short(p, f->clusters);
    const char *at = settings_ablated_at(&session->settings);
    snprintf(f->ablated_at, sizeof f->ablated_at, "%s", at ? at : "");
    snprintf(f->model, sizeof f->model, "%s", session->model->name);
    snprintf(f->condition, sizeof f->condition, "%s", session->data->name);
    snprintf(f->split, sizeof f->split, "%s", split_name(session->data->split));
    name_device(&session->engine->info, f->device, sizeof f->device);
    snprintf(f->bos, sizeof f->bos, "%s",
             p->bos == TOKEN_NONE ? "none" : tokenizer_text(session->tokenizer, p->bos));
    struct measured_rows measured = session_measured_rows(session);
    if (!estimate_intact(&measured, METRIC_LD, &f->intact_ld, &ignored))
        f->intact_ld.mean = f->intact_ld.ci_lo = f->intact_ld.ci_hi = NAN;
    f->accuracy = intact_accuracy(&measured);
    for (size_t i = 0; i < p->n_findings; i++)
        if (p->findings[i].level == FINDING_WARNING && !f->n_warnings++)
            snprintf(f->warning, sizeof f->warning, "%s", p->findings[i].text);
}

// The part of a path below a folder; NULL if it lies elsewhere.
static const char *below(const char *path, const char *folder)
{
    size_t len = folder ? strlen(folder) : 0;
    bool inside = len > 1 && strncmp(path, folder, len) == 0 && path[len] == '/';
    return inside ? path + len + 1 : NULL;
}

// As one would type it: from here, or from home.
static void short_path(const char *path, char *out, size_t size)
{
    char here[PATH_MAX];
    const char *rest = below(path, getcwd(here, sizeof here));
    const char *home = rest ? NULL : below(path, getenv("HOME"));
    snprintf(out, size, "%s%s", home ? "~/" : "", rest ? rest : home ? home : path);
}

void facts_describe(const struct facts *f, const struct session *session, struct buf *out)
{
    char path[PATH_MAX];
    short_path(session->model->path, path, sizeof path);
    buf_printf(out, "%s: %s, %" PRIu32 " layers x %" PRIu32 " heads, from %s\n", f->model,
               f->shape.arch, f->shape.n_layers, f->shape.n_heads, path);
    short_path(session->data->path, path, sizeof path);
    buf_printf(out, "%s: %zu rows, from %s\n", session->data->name, session->prompts->n, path);
    if (*session->engine->info.not_tuned)
        buf_printf(out, "\t!%s\n", session->engine->info.not_tuned);
    buf_printf(out, "%s: %s, %s\n", f->device, session->engine->info.name,
               session->engine->info.driver);
    for (size_t i = 0; i < session->prompts->n_findings; i++)
        buf_printf(out, "\t!%s\n", session->prompts->findings[i].text);
}
