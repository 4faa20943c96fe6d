#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/print.h"
#include "engine/engine.h"
#include "model/model.h"

static cJSON *model_json(const struct model_entry *m)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", m->name);
    cJSON_AddStringToObject(o, "path", m->path);
    cJSON_AddBoolToObject(o, "usable", m->usable);
    if (!m->usable) {
        cJSON_AddStringToObject(o, "why", m->why.text);
        return o;
    }
    cJSON_AddStringToObject(o, "arch", m->shape.arch);
    cJSON_AddNumberToObject(o, "n_layers", m->shape.n_layers);
    cJSON_AddNumberToObject(o, "n_heads", m->shape.n_heads);
    cJSON_AddNumberToObject(o, "d_head", m->shape.d_head);
    cJSON_AddNumberToObject(o, "d_model", m->shape.d_model);
    cJSON_AddNumberToObject(o, "n_vocab", m->shape.n_vocab);
    cJSON_AddNumberToObject(o, "n_params", (double)m->n_params);
    cJSON_AddStringToObject(o, "dtype", m->dtype);
    cJSON_AddNumberToObject(o, "bytes", (double)m->weight_bytes);
    return o;
}

static void model_line(const struct model_entry *m)
{
    char size[SIZE_TEXT];
    if (m->usable)
        printf("%-20s %-8s %3" PRIu32 " x %-4" PRIu32 " %8.1fM %-5s %10s  %s\n", m->name,
               m->shape.arch, m->shape.n_layers, m->shape.n_heads, (double)m->n_params / 1e6,
               m->dtype, size_text(m->weight_bytes, size), m->path);
    else
        printf("%-20s not usable: %s\n", m->name, m->why.text);
}

bool command_models(const struct cli *cli, struct abl_err *err)
{
    struct model_entry *models;
    size_t n;
    if (!model_list(cli->run.data_dir, &models, &n, err))
        return false;
    bool ok = true;
    if (cli->flags & CLI_JSON) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "schema", "abltui.models/1");
        cJSON *list = cJSON_AddArrayToObject(o, "models");
        for (size_t i = 0; i < n; i++)
            cJSON_AddItemToArray(list, model_json(&models[i]));
        ok = print_json(o, err);
    } else {
        printf("%-20s %-8s %10s %9s %-5s %10s  %s\n", "model", "arch", "layersxheads", "params",
               "type", "size", "path");
        for (size_t i = 0; i < n; i++)
            model_line(&models[i]);
    }
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
    cJSON_AddStringToObject(o, "uuid", d->uuid);
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
    printf("%-10s %-9s %10s  %s (%s)\n", option, kind_name(d->kind),
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
        printf("%-10s %-9s %10s  %s\n", "device", "kind", "memory", "name (driver)");
        for (size_t i = 0; i < n; i++)
            device_line(&devices[i]);
    }
    if (*note && !(cli->flags & CLI_QUIET))
        fprintf(stderr, "abltui: %s\n", note);
    free(devices);
    return ok;
}
