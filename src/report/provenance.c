#include "report/provenance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "report/config.h"

const char abl_version[] = "0.1.0";

#ifndef ABLTUI_COMMIT
#define ABLTUI_COMMIT ""
#endif

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

// The processor's name where the system tells it, else the kind of machine.
static void host_cpu(char *out, size_t size)
{
    struct utsname u;
    snprintf(out, size, "%s", uname(&u) == 0 ? u.machine : "unknown");
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0)
            continue;
        colon += strspn(colon, ": \t");
        snprintf(out, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        break;
    }
    if (f)
        fclose(f);
}

static void add_model(struct doc *d, const struct model *m, const struct weights_of *weights)
{
    const struct model_shape *s = &m->shape;
    cJSON *o = doc_object(d, d->root, "model");
    doc_text(d, o, "name", m->name);
    doc_text(d, o, "arch", s->arch);
    doc_name(d, o, "path", m->path);
    doc_text(d, o, "sha256", or_null(weights->sha256));
    doc_text(d, o, "sha256_lacks", or_null(weights->unknown.text));
    doc_text(d, o, "config_sha256", or_null(m->config_sha256));
    doc_text(d, o, "dtype", m->dtype);
    doc_uint(d, o, "n_params", m->n_params);
    doc_uint(d, o, "n_layers", s->n_layers);
    doc_uint(d, o, "n_heads", s->n_heads);
    doc_uint(d, o, "d_model", s->d_model);
    doc_uint(d, o, "n_vocab", s->n_vocab);
}

static void add_data(struct doc *d, const struct session *session)
{
    cJSON *o = doc_object(d, d->root, "data");
    doc_text(d, o, "name", session->data->name);
    doc_name(d, o, "path", session->data->path);
    doc_text(d, o, "sha256", session->data->sha256);
    doc_text(d, o, "split", split_name(session->data->split));
    doc_uint(d, o, "rows", session->prompts->n);
    doc_uint(d, o, "clusters", session->prompts->n_clusters);
    doc_uint(d, o, "dropped", session->n_dropped + session->prompts->n_dropped);
    doc_uint(d, o, "spaced", session->prompts->n_spaced);
    cJSON *list = doc_array(d, o, "dropped_rows");
    for (size_t i = 0; i < session->prompts->n_dropped; i++) {
        const struct prompt_drop *drop = &session->prompts->dropped[i];
        cJSON *item = doc_object(d, list, NULL);
        doc_uint(d, item, "row", row_number(drop->row));
        doc_uint(d, item, "line", drop->row->line);
        doc_text(d, item, "id", drop->row->id);
        doc_text(d, item, "kind", drop->kind);
        doc_text(d, item, "why", drop->why);
    }
}

static void add_tokenizer(struct doc *d, const struct session *session)
{
    uint32_t bos = session->prompts->bos;
    cJSON *o = doc_object(d, d->root, "tokenizer");
    doc_text(d, o, "like", tokenizer_like(session->tokenizer));
    doc_text(d, o, "sha256", tokenizer_sha256(session->tokenizer));
    cJSON *files = doc_array(d, o, "files");
    for (size_t i = 0; tokenizer_file(session->tokenizer, i); i++)
        doc_text(d, files, NULL, tokenizer_file(session->tokenizer, i));
    if (bos == TOKEN_NONE) {
        doc_null(d, o, "bos_id");
        doc_null(d, o, "bos");
    } else {
        doc_uint(d, o, "bos_id", bos);
        doc_text(d, o, "bos", tokenizer_text(session->tokenizer, bos));
    }
}

// Whose reading of the model's files was followed, and where that made a difference.
static void add_readings(struct doc *d, const struct session *session)
{
    const struct owner_notes *of[]
        = { &session->model->notes, tokenizer_notes(session->tokenizer) };
    doc_text(d, d->root, "like", owner_name(session->settings.like));
    cJSON *list = doc_array(d, d->root, "readings");
    for (size_t k = 0; k < sizeof of / sizeof *of; k++)
        for (size_t i = 0; i < of[k]->n; i++)
            doc_text(d, list, NULL, of[k]->lines[i]);
    const char *doubt = prompts_doubt(session->prompts, session->tokenizer);
    if (doubt)
        doc_text(d, list, NULL, doubt);
}

static void add_device(struct doc *d, const struct session *session)
{
    static const char *const kinds[] = {
        [DEVICE_CPU] = "cpu", [DEVICE_VULKAN_GPU] = "vulkan gpu", [DEVICE_VULKAN_CPU] = "vulkan cpu"
    };
    const struct device_info *info = &session->device;
    uint32_t n_threads = session->settings.n_threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    char cpu[256];
    host_cpu(cpu, sizeof cpu);
    cJSON *o = doc_object(d, d->root, "device");
    doc_text(d, o, "kind", kinds[info->kind]);
    doc_text(d, o, "name", info->name);
    doc_text(d, o, "driver", or_null(info->driver));
    doc_text(d, o, "uuid", or_null(info->uuid));
    doc_text(d, o, "precision", precision_name(info->precision));
    doc_text(d, o, "weights",
             weights_form_name(
                 weights_are_stored(session->settings.weights, &session->model->shape, info)
                     ? WEIGHTS_STORED
                     : WEIGHTS_F32));
    doc_uint(d, o, "threads", n_threads ? n_threads : cores > 0 ? (uint64_t)cores : 1);
    doc_text(d, o, "host_cpu", cpu);
    doc_name(d, o, "tuned", or_null(info->tuned));
    doc_text(d, o, "not_tuned", or_null(info->not_tuned));
}

// So many seconds ago, as UTC in ISO 8601.
static void add_start(struct doc *d, cJSON *to, double seconds)
{
    time_t start = time(NULL) - (time_t)(seconds > 0 ? seconds : 0);
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&start, &utc))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    doc_text(d, to, "started", or_null(text));
}

void provenance_worker(struct doc *d, cJSON *to, const struct session *session,
                       const char *command_line)
{
    const struct device_info *info = &session->device;
    struct utsname host;
    char cpu[256];
    host_cpu(cpu, sizeof cpu);
    doc_text(d, to, "version", abl_version);
    doc_text(d, to, "commit", or_null(ABLTUI_COMMIT));
    doc_text(d, to, "device", info->name);
    doc_text(d, to, "driver", or_null(info->driver));
    doc_text(d, to, "host_cpu", cpu);
    doc_name(d, to, "host", uname(&host) == 0 ? host.nodename : NULL);
    add_start(d, to, 0);
    doc_text(d, to, "command_line", command_line);
}

// Everybody who worked at it, where that went over a journal.
static void add_workers(struct doc *d, const char *workers)
{
    if (workers)
        doc_raw(d, d->root, "workers", workers);
}

// The run file, in texts, as it may hold anything.
static void add_run_file(struct doc *d, const struct run_file *f)
{
    if (!f->config) {
        doc_null(d, d->root, "run_file");
        return;
    }
    cJSON *o = doc_object(d, d->root, "run_file");
    doc_text(d, o, "tag", f->tag);
    doc_text(d, o, "config", f->config);
    doc_text(d, o, "battery", f->battery);
}

struct doc provenance_doc(const struct report *r, const struct weights_of *weights)
{
    const struct session *session = r->session;
    const struct settings *s = &session->settings;
    char ablate[ABLATE_SIZE], foil[FOIL_RULE_SIZE];
    struct doc d = doc_file("provenance", r->interrupted);
    doc_text(&d, d.root, "version", abl_version);
    doc_text(&d, d.root, "commit", or_null(ABLTUI_COMMIT));
    doc_text(&d, d.root, "command_line", r->command_line);
    add_run_file(&d, &s->run_file);
    doc_name(&d, d.root, "data_dir", s->data_dir);
    add_start(&d, d.root, r->seconds);
    doc_number(&d, d.root, "seconds", r->seconds);
    add_workers(&d, r->workers);
    doc_uint(&d, d.root, "seed", s->seed);
    doc_text(&d, d.root, "ablate", ablate_text(s, ablate));
    if (settings_resample(s)) {
        doc_text(&d, d.root, "donor_from", donor_from_name(s->donor_from));
        doc_uint(&d, d.root, "donors", settings_donors(s));
    }
    doc_text(&d, d.root, "value_bias", value_bias_name(s->ablation.value_bias));
    doc_text(&d, d.root, "answers", answer_rule_name(s->answers));
    if (s->foil.from != FOIL_GIVEN)
        doc_text(&d, d.root, "foil", foil_rule_text(s->foil, foil));
    doc_text(&d, d.root, "compat", compat_name(s->compat));
    doc_text(&d, d.root, "banner", conventions_of(s->compat)->banner);
    add_model(&d, session->model, weights);
    add_data(&d, session);
    add_tokenizer(&d, session);
    add_readings(&d, session);
    add_device(&d, session);
    return d;
}
