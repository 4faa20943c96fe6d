#include "report/config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "experiments/ov.h"
#include "experiments/saved.h"
#include "plan/head_file.h"
#include "report/doc.h"
#include "report/number.h"
#include "report/report.h"
#include "text/clusters.h"

const char *ablation_text(const struct ablation *how, char out[ABLATION_SIZE])
{
    char scale[NUMBER_SIZE];
    number_format_float(how->scale, scale);
    if (ablation_has_factor(*how))
        snprintf(out, ABLATION_SIZE, "scale=%.24s", scale);
    else
        snprintf(out, ABLATION_SIZE, "%s", ablation_kind_name(how->kind));
    return out;
}

const char *ablate_text(const struct settings *s, char out[ABLATE_SIZE])
{
    struct ablations kinds = settings_ablations(s);
    char one[ABLATION_SIZE];
    size_t len = 0;
    if (!settings_ablate(s))
        return NULL;
    for (size_t i = 0; i < kinds.n; i++)
        len += (size_t)snprintf(out + len, ABLATE_SIZE - len, "%s%s", i ? "," : "",
                                ablation_text(&kinds.items[i], one));
    return out;
}

// "cpu", "vulkan:<name>"; without an engine, what was asked for. NULL when memory is out.
static const char *device_name(const struct session *session, struct arena *a)
{
    if (!session->engine)
        return session->settings.device;
    if (session->engine->info.kind == DEVICE_CPU)
        return "cpu";
    return arena_printf(a, "vulkan:%s", session->engine->info.name);
}

// "resid_post,mlp_out" in the arena; NULL when memory is out.
static const char *site_list(unsigned sites, struct arena *a)
{
    const char *list = "";
    for (int i = 0; list && i < N_SITES; i++)
        if (sites & 1u << i)
            list = arena_printf(a, "%s%s%s", list, *list ? "," : "", site_name((enum site)i));
    return list;
}

// Tokens that enter OV circuits; null where they are the rows' targets.
static void add_sources(struct doc *d, const struct settings *s)
{
    if (!(s->experiment->options & READS_OV) || !s->n_sources) {
        doc_null(d, d->root, "sources");
        return;
    }
    cJSON *list = doc_array(d, d->root, "sources");
    for (size_t i = 0; i < s->n_sources; i++)
        doc_text(d, list, NULL, s->sources[i]);
}

// What the rows are made of; nothing where they are a file's.
static void add_templates(struct doc *d, const struct settings *s)
{
    if (!settings_have_templates(s))
        return;
    cJSON *list = doc_array(d, d->root, "templates");
    for (size_t i = 0; i < s->templates.n; i++) {
        cJSON *one = doc_object(d, list, NULL);
        doc_text(d, one, "clean", s->templates.clean[i]);
        doc_text(d, one, "corrupt", s->templates.n_corrupt ? s->templates.corrupt[i] : NULL);
    }
}

// What a list out of a file says: the run is the same wherever its heads were written.
static const char *plain(struct doc *d, const char *text, char separator, struct arena *a)
{
    const char *said = head_file_plain(text, separator, a);
    d->failed |= text && !said;
    return said;
}

// Keys of every object in ascending order: with no white space, equal settings are equal bytes.
static void fill(struct doc *d, const struct session *session, const struct settings *s,
                 const char *model_sha256, bool partial, struct arena *a)
{
    char ablate[ABLATE_SIZE], foil[FOIL_RULE_SIZE];
    unsigned reads = s->experiment->options;
    bool patch = reads & READS_PATCH, ov = reads & READS_OV;
    bool sets = reads & READS_SETS, heads = reads & READS_HEADS;
    cJSON *o = d->root;
    doc_text(d, o, "ablate", ablate_text(s, ablate));
    doc_number(d, o, "alpha", s->alpha);
    doc_text(d, o, "answers", answer_rule_name(s->answers));
    doc_uint(d, o, "boot", s->n_boot);
    doc_text(d, o, "bos", bos_mode_name(s->bos));
    if (s->fields.by)
        doc_text(d, o, "by", s->fields.by);
    doc_text(d, o, "cluster", cluster_name(session->prompts->clustered));
    doc_text(d, o, "compat", compat_name(s->compat));
    if (reads & READS_CONTROLS)
        doc_uint(d, o, "controls", s->n_controls);
    else
        doc_null(d, o, "controls");
    if (s->csv_safe)
        doc_bool(d, o, "csv_safe", true);
    doc_text(d, o, "data", session->data->name);
    doc_text(d, o, "data_sha256", session->data->sha256);
    doc_text(d, o, "device", device_name(session, a));
    doc_text(d, o, "direction", patch ? direction_name(s->direction) : NULL);
    doc_text(d, o, "donor_from", settings_resample(s) ? donor_from_name(s->donor_from) : NULL);
    if (settings_resample(s))
        doc_uint(d, o, "donors", settings_donors(s));
    else
        doc_null(d, o, "donors");
    doc_text(d, o, "experiment", s->experiment->name);
    if (s->fix_spaces)
        doc_bool(d, o, "fix_spaces", true);
    if (s->foil.from != FOIL_GIVEN)
        doc_text(d, o, "foil", foil_rule_text(s->foil, foil));
    // Heads that are named have their patterns written in every row; those of all heads otherwise
    // in the first.
    const char *unnamed = s->experiment->traits & NAMES_MATTER ? NULL : "all";
    doc_text(d, o, "heads", !heads ? NULL : s->heads ? plain(d, s->heads, ',', a) : unnamed);
    doc_number(d, o, "holdout", s->holdout > 0 ? s->holdout : NAN);
    doc_text(d, o, "layers", !heads ? NULL : s->layers ? s->layers : unnamed);
    doc_text(d, o, "like", owner_name(s->like));
    doc_text(d, o, "map", data_fields_text(&s->fields, a, &d->failed));
    doc_text(d, o, "metric", metric_info(s->metric)->name);
    doc_number(d, o, "min_effect", s->min_effect);
    doc_text(d, o, "model", session->model->name);
    doc_text(d, o, "model_sha256", *model_sha256 ? model_sha256 : NULL);
    doc_text(d, o, "ov_kind", ov ? ov_kind_name(s->ov_kind) : NULL);
    doc_text(d, o, "pairs", sets ? plain(d, s->pairs, ';', a) : NULL);
    if (partial)
        doc_bool(d, o, "partial", true);
    doc_text(d, o, "positions", patch ? session_positions(session) : settings_ablated_at(s));
    doc_text(d, o, "precision", precision_name(s->precision));
    doc_text(d, o, "restore", reads & READS_RESTORE ? plain(d, s->restore, ',', a) : NULL);
    if (s->max_rows)
        doc_uint(d, o, "rows", s->max_rows);
    else
        doc_null(d, o, "rows");
    if (s->save) {
        doc_text(d, o, "save", site_list(s->save, a));
        doc_text(d, o, "save_positions", saved_positions(s));
    }
    doc_text(d, o, "schema", "abltui.config/1");
    doc_uint(d, o, "seed", s->seed);
    doc_text(d, o, "sets", sets ? plain(d, s->sets, ';', a) : NULL);
    doc_text(d, o, "sites", patch ? site_list(s->sites, a) : NULL);
    doc_bool(d, o, "skip_bad", s->skip_bad);
    add_sources(d, s);
    doc_text(d, o, "span", span_name(s->whole_answers));
    doc_text(d, o, "split", split_name(session->data->split));
    add_templates(d, s);
    if (ov)
        doc_uint(d, o, "top_k", s->top_k);
    else
        doc_null(d, o, "top_k");
    doc_text(d, o, "triplets", sets ? plain(d, s->triplets, ';', a) : NULL);
    doc_text(d, o, "value_bias", value_bias_name(s->ablation.value_bias));
}

bool config_write(const struct session *session, const struct settings *settings,
                  const char model_sha256[SHA256_HEX], bool partial, struct buf *out,
                  struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct doc d = doc_new();
    fill(&d, session, settings, model_sha256, partial, &scratch);
    bool ok = doc_print(&d, DOC_COMPACT, out, err);
    doc_release(&d);
    arena_release(&scratch);
    return ok;
}

// Names of models and data come from paths: keep what every file system and shell takes.
void run_name_plain(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        buf_char(out, c < 0x80 && (isalnum(c) || strchr("._-", c)) ? (char)c : '_');
    }
}

bool config_run_name(const struct session *session, const struct settings *settings,
                     const char model_sha256[SHA256_HEX], struct buf *out, struct abl_err *err)
{
    struct buf config = { 0 };
    char hash[SHA256_HEX];
    bool ok = config_write(session, settings, model_sha256, false, &config, err)
              && sha256_bytes(config.data, config.len, hash, err);
    buf_release(&config);
    if (!ok)
        return false;
    if (settings->run_name) {
        run_name_plain(out, settings->run_name);
    } else {
        run_name_plain(out, session->model->name);
        buf_char(out, '-');
        run_name_plain(out, session->data->name);
        buf_printf(out, "-%s", settings->experiment->name);
    }
    buf_printf(out, "_%.12s", hash);
    return !out->failed || abl_no_memory(err);
}
