#include "engine/vulkan/tune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/buf.h"

enum { TRIES = 2, MOST_SHAPES = 256, MAX_PATH = 4096, MAX_BYTES = 1 << 20 };

static const double least_work = 2e7; // multiply-adds of a product that is worth measuring
static const char header[] = "abltui-tune 1";

// --- the file ---

// The cache of all programs, made where it is not there; NULL where there is none to be had.
static const char *cache_root(char *out, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len = cache && *cache ? snprintf(out, size, "%s", cache)
              : home && *home ? snprintf(out, size, "%s/.cache", home)
                              : -1;
    if (len < 0 || (size_t)len >= size)
        return NULL;
    return !mkdir(out, 0700) || errno == EEXIST ? out : NULL;
}

static struct tune_shape *add_shape(struct tuner *t, uint32_t log2_m, uint32_t n, uint32_t k)
{
    struct tune_shape *bigger
        = t->n < MOST_SHAPES ? array_room(t->shapes, t->n, &t->cap, sizeof *bigger) : NULL;
    if (!bigger)
        return NULL;
    t->shapes = bigger;
    t->shapes[t->n] = (struct tune_shape){ .log2_m = log2_m, .n = n, .k = k };
    return &t->shapes[t->n++];
}

static struct tune_shape *find_shape(struct tuner *t, uint32_t log2_m, uint32_t n, uint32_t k)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->shapes[i].log2_m == log2_m && t->shapes[i].n == n && t->shapes[i].k == k)
            return &t->shapes[i];
    return NULL;
}

static bool same_header(FILE *f, const struct device_info *device)
{
    char line[sizeof header + sizeof device->driver + 2], expected[sizeof line];
    snprintf(expected, sizeof expected, "%s %s\n", header, device->driver);
    return fgets(line, sizeof line, f) && !strcmp(line, expected);
}

// "log2_m n k rate rate" a line. A driver of another version starts over, and so does a file with a
// line that is none.
static bool read_shapes(struct tuner *t, FILE *f)
{
    bool ok = same_header(f, &t->context->gpu->info);
    struct tune_shape s;
    int fields;
    while (ok
           && (fields = fscanf(f, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %lf %lf", &s.log2_m, &s.n,
                               &s.k, &s.best[0], &s.best[1]))
                  != EOF) {
        ok = fields == 5 && s.best[0] > 0 && s.best[1] > 0;
        struct tune_shape *to = ok ? add_shape(t, s.log2_m, s.n, s.k) : NULL;
        if (!to)
            break;
        for (int w = 0; w < TUNE_WAYS; w++) {
            to->best[w] = s.best[w];
            to->tries[w] = TRIES;
        }
    }
    if (!ok)
        t->n = 0;
    return ok;
}

static void load(struct tuner *t, struct device_info *info)
{
    struct file_bytes bytes;
    if (own_folder_read(&t->folder, t->file, MAX_BYTES, &bytes)) {
        FILE *f = bytes.size ? fmemopen(bytes.data, bytes.size, "r") : NULL;
        if (f && read_shapes(t, f))
            snprintf(info->tuned, sizeof info->tuned, "%s/%s", t->folder.path, t->file);
        if (f)
            fclose(f);
        file_bytes_release(&bytes);
    }
}

// Find the file and read it.
static void open_kept(struct tuner *t, struct device_info *info)
{
    char root[MAX_PATH];
    if (!info->uuid[0] || !cache_root(root, sizeof root))
        return;
    snprintf(t->file, sizeof t->file, "tune-%s%s.txt", info->uuid, t->context->coop ? "-coop" : "");
    if (own_folder_open(root, "abltui", &t->folder))
        load(t, info);
    snprintf(info->not_tuned, sizeof info->not_tuned, "%s", t->folder.why);
}

static bool is_known(const struct tune_shape *s)
{
    for (int w = 0; w < TUNE_WAYS; w++)
        if (!(s->best[w] > 0))
            return false;
    return true;
}

static void save(const struct tuner *t)
{
    struct buf text = { 0 };
    if (t->folder.fd < 0 || !t->learnt)
        return;
    buf_printf(&text, "%s %s\n", header, t->context->gpu->info.driver);
    for (size_t i = 0; i < t->n; i++) {
        const struct tune_shape *s = &t->shapes[i];
        if (is_known(s))
            buf_printf(&text, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %.4g %.4g\n", s->log2_m, s->n,
                       s->k, s->best[0], s->best[1]);
    }
    if (!text.failed)
        own_folder_write(&t->folder, t->file, text.data, text.len);
    buf_release(&text);
}

// --- measuring ---

static int forced_way(void)
{
    const char *way = getenv("ABLTUI_VULKAN_TILE");
    return !way ? -1 : !strcmp(way, "64") ? 0 : !strcmp(way, "128") ? 1 : -1;
}

bool tuner_init(struct tuner *t, const struct vulkan_context *c, struct device_info *info,
                struct abl_err *err)
{
    *t = (struct tuner){ .context = c, .forced = forced_way(), .folder.fd = -1 };
    if (c->way.alone || !c->gpu->timestamp_bits)
        return true;
    VkQueryPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                   .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                   .queryCount = 2 * TUNE_PROBES };
    if (!vulkan_check(c, c->api->CreateQueryPool(c->device, &pool, NULL, &t->clock),
                      "create timestamps", err))
        return false;
    open_kept(t, info);
    return true;
}

static void end_probe(struct tuner *t, uint32_t i)
{
    const struct vulkan_context *c = t->context;
    struct tune_probe *p = &t->probes[i];
    uint64_t ticks[2];
    p->busy = false;
    if (c->api->GetQueryPoolResults(c->device, t->clock, 2 * i, 2, sizeof ticks, ticks,
                                    sizeof ticks[0], VK_QUERY_RESULT_64_BIT)
        != VK_SUCCESS)
        return;
    double seconds = vulkan_seconds(c, ticks[0], ticks[1]);
    struct tune_shape *s = &t->shapes[p->shape];
    if (!(seconds > 0))
        return;
    if (p->work / seconds > s->best[p->way])
        s->best[p->way] = p->work / seconds;
    t->learnt = true;
}

// Read what is done.
static void collect(struct tuner *t, uint64_t completed)
{
    for (uint32_t i = 0; i < TUNE_PROBES; i++)
        if (t->probes[i].busy && t->probes[i].submission <= completed)
            end_probe(t, i);
}

void tuner_release(struct tuner *t, const struct queue *q)
{
    if (!t->context)
        return;
    collect(t, queue_completed(q));
    save(t);
    t->context->api->DestroyQueryPool(t->context->device, t->clock, NULL);
    free(t->shapes);
    own_folder_close(&t->folder);
    *t = (struct tuner){ 0 };
}

// The way that was tried least, the usual one first; TUNE_WAYS where each has been tried enough.
static uint32_t untried(const struct tune_shape *s, uint32_t usual)
{
    uint32_t least = usual;
    for (uint32_t w = 0; w < TUNE_WAYS; w++)
        if (s->tries[w] < s->tries[least])
            least = w;
    return s->tries[least] < TRIES ? least : TUNE_WAYS;
}

static uint32_t fastest(const struct tune_shape *s, uint32_t usual)
{
    uint32_t best = usual;
    for (uint32_t w = 0; w < TUNE_WAYS; w++)
        if (s->best[w] > s->best[best])
            best = w;
    return is_known(s) ? best : usual;
}

static struct timing start_probe(struct tuner *t, const struct queue *q, struct tune_shape *s,
                                 uint32_t way, double work)
{
    for (uint32_t i = 0; i < TUNE_PROBES; i++) {
        if (t->probes[i].busy)
            continue;
        t->probes[i] = (struct tune_probe){ .busy = true,
                                            .shape = (size_t)(s - t->shapes),
                                            .way = way,
                                            .work = work,
                                            .submission = q->submitted + 1 };
        s->tries[way]++;
        return (struct timing){ t->clock, 2 * i };
    }
    return (struct timing){ 0 };
}

uint32_t tuner_choose(struct tuner *t, const struct queue *q, uint32_t m, uint32_t n, uint32_t k,
                      uint32_t usual, struct timing *timing)
{
    double work = (double)m * n * k;
    uint32_t log2_m = 0;
    *timing = (struct timing){ 0 };
    if (t->forced >= 0)
        return (uint32_t)t->forced;
    if (!t->clock || work < least_work)
        return usual;
    while (log2_m < 31 && UINT32_C(1) << log2_m < m)
        log2_m++;
    struct tune_shape *s = find_shape(t, log2_m, n, k);
    if (!s && !(s = add_shape(t, log2_m, n, k)))
        return usual;
    if (is_known(s) && untried(s, usual) == TUNE_WAYS)
        return fastest(s, usual);
    collect(t, queue_completed(q));
    uint32_t way = untried(s, usual);
    if (way == TUNE_WAYS)
        return fastest(s, usual);
    *timing = start_probe(t, q, s, way, work);
    return timing->clock ? way : usual;
}
