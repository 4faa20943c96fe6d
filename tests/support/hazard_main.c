// Leaves out a barrier on purpose, so that tests/engine/validation.sh can see that the validation
// layer is watching. Exits with 77 where there is no Vulkan device.
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "engine/vulkan/vulkan.h"

static bool race(struct engine *e, struct abl_err *err)
{
    struct tensor t[3];
    static const float ones[64] = { 1 };
    for (int i = 0; i < 3; i++)
        if (!e->ops->alloc(e, 1, 64, &t[i], err) || !e->ops->upload(e, t[i], ones, err))
            return false;
    struct norm_args norm = { .gain = t[0], .eps = 1e-5f, .groups = 1 };
    if (!e->ops->norm(e, t[1], t[0], &norm, err))
        return false;
    t[1].buffer->write_epoch = 0; // the queue forgets that it was written
    return e->ops->norm(e, t[2], t[1], &norm, err) && e->ops->finish(e, err);
}

int main(void)
{
    struct device_info *list;
    struct engine *e;
    size_t n;
    char note[256];
    struct abl_err err;
    if (!vulkan_device_list(&list, &n, note, sizeof note, &err) || n == 0)
        return 77;
    bool ok = vulkan_engine_open(&list[0], PRECISION_F32, &e, &err);
    free(list);
    if (ok) {
        ok = race(e, &err);
        e->ops->free(e);
    }
    if (!ok)
        fprintf(stderr, "hazard: %s\n", err.text);
    return ok ? 0 : 1;
}
