#include "tests/support/devices.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

static bool wanted(const char *name)
{
    const char *only = getenv("ABLTUI_TEST_DEVICES");
    return !only || strstr(only, name);
}

size_t test_devices(const char *out[2])
{
    size_t n = 0;
    if (wanted("cpu"))
        out[n++] = "cpu";
    struct device_info *list;
    size_t n_vulkan = 0;
    char note[512];
    struct abl_err err;
    if (wanted("vulkan") && vulkan_device_list(&list, &n_vulkan, note, sizeof note, &err))
        free(list);
    if (n_vulkan)
        out[n++] = "vulkan";
    return n;
}
