#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "base/say.h"
#include "cli/print.h"
#include "engine/engine.h"
#include "experiments/experiments.h"
#include "forward/weights.h"
#include "model/model.h"
#include "session/session.h"

static const char *source_name(enum model_source source)
{
    return source == MODEL_BUNDLED ? "bundled" : "cache";
}

// What a model takes of a device, and whether it is there.
struct device_fit {
    enum { FIT_WHOLE, FIT_STREAMED, FIT_NOT } kind;
    // bytes: weights packed as fp32 and activations; with layers that come and go; 0: not known
    uint64_t needs, least, has;
};

static struct device_fit fit_of(const struct model_entry *m, const struct device_info *device)
{
    struct settings s;
    settings_default(&s, experiments[0]);
    struct run_memory mem = settings_memory(&s, device);
    struct weights_fit w = weights_fit_of(&m->shape, PRECISION_F32, mem.weights);
    struct device_fit f = { .needs = w.bytes + mem.activations,
                            .least = w.kept + mem.activations,
                            .has = device->memory };
    if (w.n_streamed)
        f.kind = f.has && f.least > f.has ? FIT_NOT : FIT_STREAMED;
    return f;
}

static void fit_text(const struct device_fit *f, char *out, size_t size)
{
    char needs[SIZE_TEXT], has[SIZE_TEXT];
    if (f->kind == FIT_WHOLE)
        snprintf(out, size, "fits");
    else
        snprintf(
            out, size, "%s: needs %s, has %s", f->kind == FIT_NOT ? "too large" : "layer by layer",
            size_text(f->kind == FIT_NOT ? f->least : f->needs, needs), size_text(f->has, has));
}

static cJSON *model_json(const struct model_entry *m, const struct device_info *device)
{
    char fit[128];
    cJSON *o = cJSON_CreateObject();
    add_name(o, "name", m->name);
    cJSON_AddStringToObject(o, "source", source_name(m->source));
    if (m->path)
        add_name(o, "path", m->path);
    else
        cJSON_AddNullToObject(o, "path");
    cJSON_AddBoolToObject(o, "usable", m->usable);
    if (!m->usable) {
        cJSON_AddStringToObject(o, "why", m->why.text);
        return o;
    }
    cJSON_AddStringToObject(o, "arch", m->shape.arch);
    cJSON_AddNumberToObject(o, "n_layers", m->shape.n_layers);
    cJSON_AddNumberToObject(o, "n_heads", m->shape.n_heads);
    cJSON_AddNumberToObject(o, "n_kv_heads", m->shape.n_kv_heads);
    cJSON_AddNumberToObject(o, "d_head", m->shape.d_head);
    cJSON_AddNumberToObject(o, "d_model", m->shape.d_model);
    cJSON_AddNumberToObject(o, "n_vocab", m->shape.n_vocab);
    cJSON_AddNumberToObject(o, "n_params", (double)m->n_params);
    cJSON_AddStringToObject(o, "dtype", m->dtype);
    cJSON_AddNumberToObject(o, "bytes", (double)m->weight_bytes);
    cJSON_AddNumberToObject(o, "packed_bytes",
                            (double)weights_fit_of(&m->shape, PRECISION_F32, UINT64_MAX).bytes);
    struct device_fit f = fit_of(m, device);
    fit_text(&f, fit, sizeof fit);
    cJSON_AddStringToObject(o, "fit", fit);
    cJSON_AddBoolToObject(o, "fits", f.kind != FIT_NOT);
    cJSON_AddNumberToObject(o, "needs_bytes", (double)f.needs);
    cJSON_AddNumberToObject(o, "least_bytes", (double)f.least);
    return o;
}

// "124.4M"
static const char *count_text(uint64_t n, char out[16])
{
    double v = (double)n;
    if (v < 999.5e3)
        snprintf(out, 16, "%.3gK", v / 1e3);
    else if (v < 999.5e6)
        snprintf(out, 16, "%.4gM", v / 1e6);
    else
        snprintf(out, 16, "%.3gB", v / 1e9);
    return out;
}

static void model_line(const struct model_entry *m, const struct device_info *device, int width)
{
    char size[SIZE_TEXT], fit[128], params[16];
    if (!m->usable) {
        say(SAY_OUT, "%-*s  %-7s  not usable: %s\n", width, m->name, source_name(m->source),
            m->why.text);
        return;
    }
    struct device_fit f = fit_of(m, device);
    fit_text(&f, fit, sizeof fit);
    say(SAY_OUT, "%-*s  %-7s  %-8s %3" PRIu32 " x %-3" PRIu32 " %7s  %-4s %9s  %s\n", width,
        m->name, source_name(m->source), m->shape.arch, m->shape.n_layers, m->shape.n_heads,
        count_text(m->n_params, params), m->dtype, size_text(m->weight_bytes, size), fit);
}

static void models_table(const struct cli *cli, const struct model_entry *models, size_t n,
                         const struct device_info *device)
{
    int width = 5;
    size_t n_cached = 0;
    for (size_t i = 0; i < n; i++) {
        int len = (int)printable_width(models[i].name);
        width = len > width ? len : width;
        n_cached += models[i].source == MODEL_CACHED;
    }
    say(SAY_OUT, "%-*s  %-7s  %-8s %9s %7s  %-4s %9s  %s\n", width, "model", "source", "arch",
        "lay x hd", "params", "type", "size", "this device");
    for (size_t i = 0; i < n; i++)
        model_line(&models[i], device, width);
    if (!n_cached && !(cli->flags & CLI_QUIET))
        say(SAY_ERR,
            "no models in the Hugging Face cache (%s); fetch one with 'abltui pull gpt2', or "
            "name a folder or a .gguf file with --model\n",
            cli->run.hf_cache ? cli->run.hf_cache : "no HOME");
}

// The memory of the device that `auto` picks.
static bool auto_device(struct device_info *out, struct abl_err *err)
{
    struct engine *e;
    if (!engine_open("auto", 0, PRECISION_F32, &e, err))
        return false;
    *out = e->info;
    e->ops->free(e);
    return true;
}

bool command_models(const struct cli *cli, struct abl_err *err)
{
    struct model_places places = { cli->run.data_dir, cli->run.hf_cache };
    struct model_entry *models;
    struct device_info device;
    size_t n;
    if (!auto_device(&device, err) || !model_list(&places, &models, &n, err))
        return false;
    bool ok = true;
    if (cli->flags & CLI_JSON) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "schema", "abltui.models/2");
        cJSON_AddStringToObject(o, "device", device.name);
        if (device.memory)
            cJSON_AddNumberToObject(o, "device_bytes", (double)device.memory);
        else
            cJSON_AddNullToObject(o, "device_bytes");
        cJSON *list = cJSON_AddArrayToObject(o, "models");
        for (size_t i = 0; i < n; i++)
            cJSON_AddItemToArray(list, model_json(&models[i], &device));
        ok = print_json(o, err);
    } else
        models_table(cli, models, n, &device);
    model_entries_free(models, n);
    return ok;
}

static const char *kind_name(enum device_kind kind)
{
    switch (kind) {
    case DEVICE_CPU:
        return "cpu";
    case DEVICE_VULKAN_GPU:
        return "gpu";
    case DEVICE_VULKAN_CPU:
        return "software";
    }
    return "?";
}

static void option_name(const struct device_info *d, char out[24])
{
    if (d->kind == DEVICE_CPU)
        snprintf(out, 24, "cpu");
    else
        snprintf(out, 24, "vulkan:%" PRIu32, d->vulkan_index);
}

static cJSON *device_json(const struct device_info *d)
{
    char option[24];
    option_name(d, option);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "device", option);
    cJSON_AddStringToObject(o, "kind", kind_name(d->kind));
    cJSON_AddStringToObject(o, "name", d->name);
    cJSON_AddStringToObject(o, "driver", d->driver);
    if (*d->uuid)
        cJSON_AddStringToObject(o, "uuid", d->uuid);
    else
        cJSON_AddNullToObject(o, "uuid");
    if (d->memory)
        cJSON_AddNumberToObject(o, "memory", (double)d->memory);
    else
        cJSON_AddNullToObject(o, "memory");
    return o;
}

static void device_line(const struct device_info *d)
{
    char option[24], size[SIZE_TEXT];
    option_name(d, option);
    say(SAY_OUT, "%-10s %-9s %10s  %s (%s)\n", option, kind_name(d->kind),
        d->memory ? size_text(d->memory, size) : "", d->name, d->driver);
}

bool command_devices(const struct cli *cli, struct abl_err *err)
{
    struct device_info *devices;
    size_t n;
    char note[512] = "";
    if (!engine_list(&devices, &n, note, sizeof note, err))
        return false;
    bool ok = true;
    if (cli->flags & CLI_JSON) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "schema", "abltui.devices/1");
        cJSON *list = cJSON_AddArrayToObject(o, "devices");
        for (size_t i = 0; i < n; i++)
            cJSON_AddItemToArray(list, device_json(&devices[i]));
        ok = print_json(o, err);
    } else {
        say(SAY_OUT, "%-10s %-9s %10s  %s\n", "device", "kind", "memory", "name (driver)");
        for (size_t i = 0; i < n; i++)
            device_line(&devices[i]);
    }
    if (*note && !(cli->flags & CLI_QUIET))
        say(SAY_ERR, "abltui: %s\n", note);
    free(devices);
    return ok;
}
