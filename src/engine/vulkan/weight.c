// Weights: read from a checkpoint block by block, put into panels on the way, never held whole by
// the host.
#include "engine/vulkan/vulkan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "engine/f16.h"

enum { TILE_PANEL = 64, TILE_SLICE = 16 }; // of linear_tile.comp
enum { MAX_PANELS = 65535 };               // workgroups in y
#define BLOCK_BYTES ((size_t)4 << 20)
#define LARGEST_PART (UINT64_C(1) << 30)

// The load of one weight.
struct loading {
    struct vulkan *v;
    const struct matrix_source *source;
    struct weight *w;
    float *block;   // file rows as read
    float *strip;   // a row of a panel
    float overflow; // a number that has no fp16; 0: none was met
};

static uint32_t round_up(uint32_t x, uint32_t to)
{
    return (x + to - 1) / to * to;
}

static uint64_t panel_bytes(const struct weight *w)
{
    return (uint64_t)w->k_pad * w->panel * w->bytes;
}

static uint32_t part_panels(const struct weight *w, const struct weight_part *part)
{
    return (part->n_cols + w->panel - 1) / w->panel;
}

static void shape(const struct vulkan_context *c, const struct matrix_source *s, bool halves,
                  struct weight *w)
{
    *w = (struct weight){ .k = s->k, .n = s->n, .bytes = halves ? 2 : 4 };
    w->panel = c->way.alone ? 4 * c->way.lanes : TILE_PANEL;
    w->k_pad = round_up(s->k, c->way.alone ? 4 : TILE_SLICE);
}

// As many panels in each part as one binding may hold.
static bool create_parts(struct vulkan *v, struct weight *w, struct abl_err *err)
{
    uint64_t limit = v->context.max_read < LARGEST_PART ? v->context.max_read : LARGEST_PART;
    uint64_t in_part = limit / panel_bytes(w);
    if (in_part == 0)
        return abl_fail(err, ABL_FAILED, "a weight of %u inputs is too large for '%s'; %s", w->k,
                        v->context.gpu->info.name, vulkan_choice(&v->context).text);
    uint32_t part_cols
        = u32_min((uint32_t)size_min(in_part, MAX_PANELS) * w->panel, round_up(w->n, w->panel));
    w->parts = calloc(w->n / part_cols + 1, sizeof *w->parts);
    if (!w->parts)
        return abl_no_memory(err);
    for (uint32_t col = 0; col < w->n; col += part_cols) {
        struct weight_part *part = &w->parts[w->n_parts++];
        part->first_col = col;
        part->n_cols = u32_min(part_cols, w->n - col);
        if (!vulkan_buffer_new(v, part_panels(w, part) * panel_bytes(w), &part->buffer, err)
            || (w->bytes == 2 && !memory_view_halves(&v->memory, part->buffer, err)))
            return false;
    }
    return true;
}

// Copy staged panels, each `size` bytes long and one after the other, to byte `to` of panels
// [first, first + n).
static bool copy_panels(struct loading *l, struct buffer *staging, uint64_t offset, uint64_t size,
                        const struct weight_part *part, uint32_t first, uint32_t n, uint64_t to,
                        struct abl_err *err)
{
    struct queue *q = &l->v->queue;
    struct buffer *buffer = part->buffer;
    VkBufferCopy *regions = calloc(n, sizeof *regions);
    if (!regions)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        regions[i] = (VkBufferCopy){ .srcOffset = offset + i * size,
                                     .dstOffset = (first + i) * panel_bytes(l->w) + to,
                                     .size = size };
    VkCommandBuffer commands;
    bool ok = queue_access(q, NULL, 0, &buffer, 1, err) && queue_commands(q, &commands, err);
    if (ok)
        l->v->context.api->CmdCopyBuffer(commands, staging->handle, buffer->handle, n, regions);
    free(regions);
    return ok && queue_spend(q, (double)n * (double)size, err);
}

// One row of a panel, l->strip, as the device stores it; returns where the next begins.
static unsigned char *put_strip(struct loading *l, unsigned char *to)
{
    uint32_t n = l->w->panel;
    if (l->w->bytes == 4) {
        memcpy(to, l->strip, n * sizeof *l->strip);
        return to + n * sizeof *l->strip;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint16_t half = f16_round(l->strip[i]);
        l->overflow = f16_overflows(l->strip[i]) ? l->strip[i] : l->overflow;
        memcpy(to + i * sizeof half, &half, sizeof half);
    }
    return to + n * sizeof(uint16_t);
}

// The file holds n rows of k: each panel is the transpose of `panel` file rows. Zeros where k or n
// end early.
static bool send_out_in(struct loading *l, const struct weight_part *part, uint32_t first,
                        uint32_t n, struct abl_err *err)
{
    const struct weight *w = l->w;
    uint32_t row = part->first_col + first * w->panel, rows = u32_min(n * w->panel, w->n - row);
    if (!l->source->read(l->source->context, row, rows, l->block, err))
        return false;
    struct buffer *staging;
    uint64_t offset;
    if (!queue_stage(&l->v->queue, n * panel_bytes(w), 16, &staging, &offset, err))
        return false;
    unsigned char *to = (unsigned char *)staging->mapped + offset;
    for (uint32_t panel = 0; panel < n; panel++)
        for (uint32_t k = 0; k < w->k_pad; k++) {
            for (uint32_t c = 0; c < w->panel; c++) {
                uint32_t r = panel * w->panel + c;
                l->strip[c] = k < w->k && r < rows ? l->block[(size_t)r * w->k + k] : 0.0f;
            }
            to = put_strip(l, to);
        }
    return copy_panels(l, staging, offset, panel_bytes(w), part, first, n, 0, err);
}

// The file holds k rows of n: rows [first, first + n) give that many rows of every panel.
static bool send_in_out(struct loading *l, const struct weight_part *part, uint32_t first,
                        uint32_t n, struct abl_err *err)
{
    const struct weight *w = l->w;
    uint32_t panels = part_panels(w, part);
    uint64_t strip = (uint64_t)n * w->panel * w->bytes;
    struct buffer *staging;
    uint64_t offset;
    if (!queue_stage(&l->v->queue, panels * strip, 16, &staging, &offset, err))
        return false;
    unsigned char *to = (unsigned char *)staging->mapped + offset;
    for (uint32_t panel = 0; panel < panels; panel++)
        for (uint32_t k = first; k < first + n; k++) {
            uint32_t col = panel * w->panel;
            uint32_t cols = k < w->k ? u32_min(w->panel, part->n_cols - col) : 0;
            const float *from = l->block + (size_t)(k - first) * w->n + part->first_col + col;
            memcpy(l->strip, from, cols * sizeof(float));
            memset(l->strip + cols, 0, (w->panel - cols) * sizeof(float));
            to = put_strip(l, to);
        }
    return copy_panels(l, staging, offset, strip, part, 0, panels,
                       (uint64_t)first * w->panel * w->bytes, err);
}

static bool load_out_in(struct loading *l, uint32_t panels, struct abl_err *err)
{
    for (uint32_t i = 0; i < l->w->n_parts; i++) {
        const struct weight_part *part = &l->w->parts[i];
        uint32_t all = part_panels(l->w, part);
        for (uint32_t first = 0; first < all; first += panels)
            if (!send_out_in(l, part, first, u32_min(panels, all - first), err))
                return false;
    }
    return true;
}

static bool load_in_out(struct loading *l, uint32_t rows, struct abl_err *err)
{
    struct weight *w = l->w;
    for (uint32_t first = 0; first < w->k_pad; first += rows) {
        uint32_t n = u32_min(rows, w->k_pad - first); // with the rows of padding
        uint32_t in_file = first < w->k ? u32_min(n, w->k - first) : 0;
        if (in_file && !l->source->read(l->source->context, first, in_file, l->block, err))
            return false;
        for (uint32_t i = 0; i < w->n_parts; i++)
            if (!send_in_out(l, &w->parts[i], first, n, err))
                return false;
    }
    return true;
}

// Choose blocks of about BLOCK_BYTES, whole panels or whole rows, and send them all.
static bool load(struct loading *l, struct abl_err *err)
{
    const struct weight *w = l->w;
    size_t floats = BLOCK_BYTES / sizeof(float);
    size_t unit = l->source->out_in ? (size_t)w->k * w->panel : w->n; // floats of a panel, of a row
    size_t limit = l->source->out_in ? (w->n + w->panel - 1) / w->panel : w->k_pad;
    uint32_t count = (uint32_t)size_min(size_max(floats / unit, 1), limit);
    l->block = malloc(count * unit * sizeof(float));
    l->strip = malloc(w->panel * sizeof(float));
    bool ok = (l->block && l->strip) || abl_no_memory(err);
    ok = ok && (l->source->out_in ? load_out_in(l, count, err) : load_in_out(l, count, err));
    free(l->block);
    free(l->strip);
    if (ok && l->overflow != 0)
        return abl_fail(err, ABL_FAILED,
                        "a weight of %g is beyond fp16's 65504: take --precision f32",
                        (double)l->overflow);
    return ok;
}

bool vulkan_weight_new(struct engine *e, const struct matrix_source *source, struct weight **out,
                       struct abl_err *err)
{
    assert(source->k > 0 && source->n > 0);
    struct vulkan *v = (struct vulkan *)e;
    struct weight *w = calloc(1, sizeof *w);
    if (!w)
        return abl_no_memory(err);
    shape(&v->context, source, e->info.precision == PRECISION_F16, w);
    struct loading l = { .v = v, .source = source, .w = w };
    if (!create_parts(v, w, err) || !load(&l, err)) {
        vulkan_weight_free(e, w);
        return false;
    }
    *out = w;
    return true;
}

void vulkan_weight_free(struct engine *e, struct weight *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->n_parts; i++)
        vulkan_buffer_release((struct vulkan *)e, w->parts[i].buffer);
    free(w->parts);
    free(w);
}
