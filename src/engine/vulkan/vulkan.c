#include "engine/vulkan/vulkan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Scratch for logits: some hundred rows of a large vocabulary, enough rows for linear to run at
// full speed.
#define LOGITS_BYTES (UINT64_C(64) << 20)

// Between two products: a CPU's caches want little, a GPU's many units many rows.
enum { CPU_PART = 6 << 20, CPU_ROWS = 4096, GPU_PART = 256 << 20 };

static void vulkan_free(struct engine *e)
{
    struct vulkan *v = (struct vulkan *)e;
    if (v->context.device && v->context.api->DeviceWaitIdle)
        v->context.api->DeviceWaitIdle(v->context.device);
    tuner_release(&v->tuner, &v->queue);
    pipelines_release(&v->pipelines);
    queue_release(&v->queue);
    memory_release(&v->memory);
    vulkan_context_release(&v->context);
    free(v);
}

#define VULKAN_OP(op) .op = vulkan_##op,
static const struct engine_ops vulkan_ops = { .free = vulkan_free, ENGINE_OPS(VULKAN_OP) };

// Name what multiplies, where that is not the usual shaders.
static void describe_coop(const struct vulkan_context *c, struct device_info *info)
{
    size_t used = strlen(info->driver);
    if (c->coop)
        snprintf(info->driver + used, sizeof info->driver - used, ", cooperative matrices %ux%ux%u",
                 c->gpu->coop.m, c->gpu->coop.n, c->gpu->coop.k);
}

bool vulkan_engine_open(const struct device_info *device, enum precision precision,
                        struct engine **out, struct abl_err *err)
{
    struct vulkan *v = calloc(1, sizeof *v);
    if (!v)
        return abl_no_memory(err);
    struct vulkan_instance instance;
    bool ok = vulkan_instance_init(&instance, err);
    if (!ok)
        vulkan_instance_release(&instance);
    ok = ok && vulkan_context_init(&v->context, &instance, device, precision == PRECISION_F16, err);
    if (ok) {
        v->engine = (struct engine){ .ops = &vulkan_ops, .info = v->context.gpu->info };
        v->engine.info.precision = precision;
        v->engine.info.part_bytes = v->context.way.alone ? CPU_PART : GPU_PART;
        v->engine.info.rows_at_once = v->context.way.alone ? CPU_ROWS : UINT32_MAX;
        describe_coop(&v->context, &v->engine.info);
        v->logits_bytes = LOGITS_BYTES;
        memory_init(&v->memory, &v->context);
        ok = queue_init(&v->queue, &v->context, &v->memory, err)
             && pipelines_init(&v->pipelines, &v->context, err)
             && tuner_init(&v->tuner, &v->context, &v->engine.info, err);
    }
    if (!ok) {
        vulkan_free(&v->engine);
        return false;
    }
    *out = &v->engine;
    return true;
}

// "'A' lacks x; 'B' lacks y", as far as it fits.
static void add_note(char *note, size_t size, const struct vulkan_device *d)
{
    size_t used = strlen(note);
    if (used + 1 < size)
        snprintf(note + used, size - used, "%s'%s' lacks %s", used ? "; " : "", d->info.name,
                 d->lacks);
}

bool vulkan_device_list(struct device_info **out, size_t *n, char *note, size_t size,
                        struct abl_err *err)
{
    assert(size > 0);
    struct vulkan_instance instance;
    struct abl_err why = { .code = ABL_OK };
    *out = NULL;
    *n = 0;
    note[0] = '\0';
    if (!vulkan_instance_init(&instance, &why)) {
        vulkan_instance_release(&instance);
        snprintf(note, size, "%s", why.text);
        return true;
    }
    struct device_info *list = calloc(instance.n_devices + 1, sizeof *list);
    size_t count = 0;
    for (uint32_t i = 0; list && i < instance.n_devices; i++) {
        const struct vulkan_device *d = &instance.devices[i];
        if (d->lacks)
            add_note(note, size, d);
        else
            list[count++] = d->info;
    }
    if (instance.n_devices == 0)
        snprintf(note, size, "no Vulkan device on this machine");
    vulkan_instance_release(&instance);
    if (!list)
        return abl_no_memory(err);
    *out = list;
    *n = count;
    return true;
}
