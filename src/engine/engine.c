#include "engine/engine.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// First device of a kind, or NULL.
static const struct device_info *first_of(const struct device_info *list, size_t n,
                                          enum device_kind kind)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].kind == kind)
            return &list[i];
    return NULL;
}

static bool contains_folded(const char *text, const char *part)
{
    size_t len = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < len && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == len)
            return true;
    }
    return false;
}

// UUIDs are written with or without dashes.
static bool same_uuid(const char *uuid, const char *text)
{
    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (tolower((unsigned char)*text) != *uuid)
            return false;
        uuid++;
    }
    return !*uuid;
}

// The device that "N", "NAME" or "UUID" names. A UUID may be all digits.
static const struct device_info *named(const struct device_info *list, size_t n, const char *name)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    bool is_number = *name >= '0' && *name <= '9' && !*end;
    for (size_t i = 0; i < n; i++)
        if (same_uuid(list[i].uuid, name))
            return &list[i];
    for (size_t i = 0; i < n; i++)
        if (is_number ? list[i].vulkan_index == number : contains_folded(list[i].name, name))
            return &list[i];
    return NULL;
}

static bool no_such_device(const char *device, const struct device_info *list, size_t n,
                           const char *note, struct abl_err *err)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%svulkan:%" PRIu32 " (%s)",
                                 i ? ", " : "", list[i].vulkan_index, list[i].name);
    return abl_fail(err, n ? ABL_USAGE : ABL_FAILED, "no device '%s': %s%s%s%s", device,
                    n ? "expected cpu, " : "", known, n && *note ? "; " : "",
                    n || *note ? note : "no Vulkan device here");
}

static bool open_vulkan(const char *device, enum precision precision, struct engine **out,
                        struct abl_err *err)
{
    struct device_info *list;
    size_t n;
    char note[512] = "";
    if (!vulkan_device_list(&list, &n, note, sizeof note, err))
        return false;
    const struct device_info *chosen;
    if (device[6] == ':')
        chosen = named(list, n, device + 7);
    else {
        chosen = first_of(list, n, DEVICE_VULKAN_GPU);
        chosen = chosen ? chosen : first_of(list, n, DEVICE_VULKAN_CPU);
    }
    bool ok = chosen ? vulkan_engine_open(chosen, precision, out, err)
                     : no_such_device(device, list, n, note, err);
    free(list);
    return ok;
}

// A real GPU where one opens, else the cpu: a broken driver must not keep anyone from working.
static bool open_auto(uint32_t n_threads, struct engine **out, struct abl_err *err)
{
    struct device_info *list;
    size_t n;
    char note[512] = "";
    struct abl_err ignored;
    bool opened = false;
    if (vulkan_device_list(&list, &n, note, sizeof note, &ignored)) {
        const struct device_info *gpu = first_of(list, n, DEVICE_VULKAN_GPU);
        opened = gpu && vulkan_engine_open(gpu, PRECISION_F32, out, &ignored);
        free(list);
    }
    return opened || cpu_engine_open(n_threads, PRECISION_F32, out, err);
}

static bool wrong_device(const char *device, enum precision precision, const char *right,
                         struct abl_err *err)
{
    return abl_fail(err, ABL_USAGE,
                    "--precision %s is not for --device %s: take --device %s, or --precision f32",
                    precision_name(precision), device, right);
}

bool engine_open(const char *device, uint32_t n_threads, enum precision precision,
                 struct engine **out, struct abl_err *err)
{
    if (strcmp(device, "auto") == 0 && precision == PRECISION_F32)
        return open_auto(n_threads, out, err);
    if (strcmp(device, "auto") == 0)
        device = precision == PRECISION_F16 ? "vulkan" : "cpu";
    if (strcmp(device, "cpu") == 0)
        return precision == PRECISION_F16 ? wrong_device(device, precision, "vulkan", err)
                                          : cpu_engine_open(n_threads, precision, out, err);
    if (strcmp(device, "vulkan") == 0 || (strncmp(device, "vulkan:", 7) == 0 && device[7]))
        return precision == PRECISION_BF16X3 ? wrong_device(device, precision, "cpu", err)
                                             : open_vulkan(device, precision, out, err);
    return abl_fail(err, ABL_USAGE,
                    "unknown device '%s': expected auto, cpu, vulkan, vulkan:N, vulkan:NAME or "
                    "vulkan:UUID; see 'abltui devices'",
                    device);
}

bool engine_list(struct device_info **out, size_t *n, char *note, size_t size, struct abl_err *err)
{
    struct device_info *vulkan = NULL;
    size_t n_vulkan = 0;
    *note = '\0';
    if (!vulkan_device_list(&vulkan, &n_vulkan, note, size, err))
        return false;
    struct device_info *list = calloc(n_vulkan + 1, sizeof *list);
    if (!list) {
        free(vulkan);
        return abl_no_memory(err);
    }
    cpu_device_info(&list[0]);
    if (n_vulkan)
        memcpy(list + 1, vulkan, n_vulkan * sizeof *list);
    free(vulkan);
    *out = list;
    *n = n_vulkan + 1;
    return true;
}
