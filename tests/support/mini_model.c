#include "tests/support/mini_model.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static const char prefix[] = "transformer.";
static const char *const shard_names[]
    = { "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors" };

// One finaliser step of splitmix64: any input, well mixed output.
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static bool is_value_bias(const char *name)
{
    return strstr(name, "ln_1.bias") || strstr(name, "attn.c_attn.bias");
}

float mini_model_value(const struct mini_model *m, const char *name, uint64_t i)
{
    if (m->flags & MINI_NO_VALUE_BIAS && is_value_bias(name))
        return 0.0f;
    uint64_t h = m->seed;
    for (const char *c = name; *c; c++)
        h = mix(h ^ (unsigned char)*c);
    h = mix(h ^ i);
    bool gain = strstr(name, "ln_") && strstr(name, ".weight");
    return gain ? 1.0f + (float)(h % 128) / 128.0f : ((float)(h % 255) - 127.0f) / 512.0f;
}

int mini_model_shard(const char *name)
{
    return strstr(name, "mlp.") || strstr(name, "wpe.") ? 1 : 0;
}

// The value in 16 bits by shifting its parts: exact for normal numbers with 8 significant bits, and
// 0, infinity, NaN.
static uint16_t half_bits(float value, bool brain)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (brain)
        return (uint16_t)(bits >> 16);
    uint32_t sign = bits >> 16 & 0x8000u, exponent = bits >> 23 & 0xff,
             fraction = bits >> 13 & 0x3ff;
    if (exponent == 0)
        return (uint16_t)sign;
    exponent = exponent == 0xff ? 0x1f : exponent - 112;
    return (uint16_t)(sign | exponent << 10 | fraction);
}

static void add_value(struct buf *data, const char *dtype, float value)
{
    if (strcmp(dtype, "F32") == 0) {
        buf_add(data, &value, sizeof value);
    } else if (strcmp(dtype, "U8") == 0) {
        buf_char(data, (char)(value > 0));
    } else {
        uint16_t half = half_bits(value, strcmp(dtype, "BF16") == 0);
        assert_true(strcmp(dtype, "BF16") == 0 || strcmp(dtype, "F16") == 0);
        buf_add(data, &half, sizeof half);
    }
}

struct shard {
    struct buf header, data;
};

struct writer {
    const struct mini_model *m;
    struct shard shards[2];
    struct buf map; // of the index
};

static const char *without_prefix(const char *name)
{
    return strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : name;
}

static void put(struct writer *w, struct mini_tensor t)
{
    const struct mini_model *m = w->m;
    const struct mini_tensor original = t;
    const char *values_of = without_prefix(original.name); // a renamed tensor keeps its values
    if (m->spoil)
        m->spoil(&t);
    if (!t.name[0])
        return;
    int which = m->flags & MINI_SHARDS ? mini_model_shard(values_of) : 0;
    struct shard *s = &w->shards[which];
    uint64_t n = 1;
    size_t begin = s->data.len;
    buf_printf(&s->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", s->header.len ? "," : "{",
               t.name, t.dtype);
    for (uint32_t i = 0; i < t.n_dims; i++) {
        buf_printf(&s->header, "%s%" PRIu64, i ? "," : "", t.dims[i]);
        n *= t.dims[i];
    }
    for (uint64_t i = 0; i < n; i++) {
        bool poisoned = m->poisoned && strcmp(m->poisoned, values_of) == 0 && i == m->poisoned_at;
        add_value(&s->data, t.dtype, poisoned ? m->poison : mini_model_value(m, values_of, i));
    }
    buf_printf(&s->header, "],\"data_offsets\":[%zu,%zu]}", begin, s->data.len);
    buf_printf(&w->map, "%s\"%s\":\"%s\"", w->map.len ? "," : "", t.name, shard_names[which]);
}

// rows 0 makes a vector; layer -1 is outside of the layers.
static void weight(struct writer *w, int layer, const char *name, uint64_t rows, uint64_t cols)
{
    struct mini_tensor t
        = { .dtype = w->m->dtype, .n_dims = rows ? 2 : 1, .dims = { rows ? rows : cols, cols } };
    const char *before = w->m->flags & MINI_PREFIX ? prefix : "";
    if (layer >= 0)
        snprintf(t.name, sizeof t.name, "%sh.%d.%s", before, layer, name);
    else
        snprintf(t.name, sizeof t.name, "%s%s", before, name);
    put(w, t);
}

static void masks(struct writer *w, int layer)
{
    const char *before = w->m->flags & MINI_PREFIX ? prefix : "";
    struct mini_tensor t = { .dtype = "U8", .n_dims = 4 };
    t.dims[0] = t.dims[1] = 1;
    t.dims[2] = t.dims[3] = w->m->n_ctx;
    snprintf(t.name, sizeof t.name, "%sh.%d.attn.bias", before, layer);
    put(w, t);
    t = (struct mini_tensor){ .dtype = "F32", .n_dims = 0 };
    snprintf(t.name, sizeof t.name, "%sh.%d.attn.masked_bias", before, layer);
    put(w, t);
}

static uint32_t mlp_width(const struct mini_model *m)
{
    return m->d_mlp ? m->d_mlp : 4 * m->d_model;
}

static void add_tensors(struct writer *w)
{
    const struct mini_model *m = w->m;
    uint32_t d = m->d_model, ff = mlp_width(m);
    weight(w, -1, "wte.weight", m->n_vocab, d);
    weight(w, -1, "wpe.weight", m->n_ctx, d);
    for (int i = 0; i < (int)m->n_layers; i++) {
        weight(w, i, "ln_1.weight", 0, d);
        weight(w, i, "ln_1.bias", 0, d);
        if (m->flags & MINI_MASKS)
            masks(w, i);
        weight(w, i, "attn.c_attn.weight", d, 3 * (uint64_t)d);
        weight(w, i, "attn.c_attn.bias", 0, 3 * (uint64_t)d);
        weight(w, i, "attn.c_proj.weight", d, d);
        weight(w, i, "attn.c_proj.bias", 0, d);
        weight(w, i, "ln_2.weight", 0, d);
        weight(w, i, "ln_2.bias", 0, d);
        weight(w, i, "mlp.c_fc.weight", d, ff);
        weight(w, i, "mlp.c_fc.bias", 0, ff);
        weight(w, i, "mlp.c_proj.weight", ff, d);
        weight(w, i, "mlp.c_proj.bias", 0, d);
    }
    weight(w, -1, "ln_f.weight", 0, d);
    weight(w, -1, "ln_f.bias", 0, d);
    if (m->flags & MINI_LM_HEAD)
        put(w, (struct mini_tensor){ "lm_head.weight", m->dtype, 2, { m->n_vocab, d } });
    if (m->extra)
        put(w, *m->extra);
}

static void write_named(const struct scratch *s, const char *folder, const char *name,
                        const struct buf *bytes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_false(bytes->failed);
    scratch_write(s, path, bytes->data ? bytes->data : "", bytes->len);
}

static void write_shard(const struct scratch *s, const char *folder, const char *name,
                        struct shard *shard)
{
    struct buf file = { 0 };
    buf_str(&shard->header, shard->header.len ? "}" : "{}");
    while (shard->header.len % 8)
        buf_char(&shard->header, ' ');
    for (int i = 0; i < 64; i += 8)
        buf_char(&file, (char)((uint64_t)shard->header.len >> i & 0xff));
    buf_add(&file, shard->header.data, shard->header.len);
    if (shard->data.len)
        buf_add(&file, shard->data.data, shard->data.len);
    assert_false(shard->data.failed);
    write_named(s, folder, name, &file);
    buf_release(&file);
    buf_release(&shard->header);
    buf_release(&shard->data);
}

static void write_config(const struct scratch *s, const char *folder, const struct mini_model *m)
{
    struct buf b = { 0 };
    buf_printf(&b,
               "{\"model_type\":\"gpt2\",\"n_layer\":%" PRIu32 ",\"n_head\":%" PRIu32
               ",\"n_embd\":%" PRIu32 ",\"n_positions\":%" PRIu32 ",\"vocab_size\":%" PRIu32,
               m->n_layers, m->n_heads, m->d_model, m->n_ctx, m->n_vocab);
    if (m->d_mlp)
        buf_printf(&b, ",\"n_inner\":%" PRIu32, m->d_mlp);
    if (m->flags & MINI_UNTIED)
        buf_str(&b, ",\"tie_word_embeddings\":false");
    if (m->flags & MINI_NO_ATTN_SCALE)
        buf_str(&b, ",\"scale_attn_weights\":false");
    if (m->flags & MINI_LAYER_SCALE)
        buf_str(&b, ",\"scale_attn_by_inverse_layer_idx\":true");
    if (m->flags & MINI_TOKENIZER)
        buf_str(&b, ",\"bos_token_id\":256,\"eos_token_id\":256");
    buf_str(&b, "}\n");
    write_named(s, folder, "config.json", &b);
    buf_release(&b);
}

// The byte alphabet of byte-level BPE: printable bytes stand for themselves, the others follow from
// U+0100 on.
static void add_byte_token(struct buf *b, int byte, int *next)
{
    bool printable
        = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    int c = printable ? byte : 0x100 + (*next)++;
    if (c == '"' || c == '\\')
        buf_char(b, '\\');
    if (c < 0x80) {
        buf_char(b, (char)c);
    } else {
        buf_char(b, (char)(0xc0 | c >> 6));
        buf_char(b, (char)(0x80 | (c & 0x3f)));
    }
}

static void write_tokenizer(const struct scratch *s, const char *folder)
{
    struct buf vocab = { 0 }, merges = { 0 };
    int next = 0;
    for (int byte = 0; byte < 256; byte++) {
        buf_str(&vocab, byte ? ",\"" : "{\"");
        add_byte_token(&vocab, byte, &next);
        buf_printf(&vocab, "\":%d", byte);
    }
    buf_str(&vocab, ",\"<|endoftext|>\":256}");
    buf_str(&merges, "#version: 0.2\n");
    write_named(s, folder, "vocab.json", &vocab);
    write_named(s, folder, "merges.txt", &merges);
    buf_release(&vocab);
    buf_release(&merges);
}

void mini_model_write(const struct scratch *s, const char *folder, const struct mini_model *m)
{
    struct writer w = { .m = m };
    add_tensors(&w);
    write_config(s, folder, m);
    if (m->flags & MINI_SHARDS) {
        struct buf index = { 0 };
        buf_printf(&index, "{\"metadata\":{\"total_size\":%zu},\"weight_map\":{%s}}",
                   w.shards[0].data.len + w.shards[1].data.len, w.map.data);
        write_named(s, folder, "model.safetensors.index.json", &index);
        buf_release(&index);
        write_shard(s, folder, shard_names[0], &w.shards[0]);
        write_shard(s, folder, shard_names[1], &w.shards[1]);
    } else
        write_shard(s, folder, "model.safetensors", &w.shards[0]);
    if (m->flags & MINI_TOKENIZER)
        write_tokenizer(s, folder);
    buf_release(&w.map);
}
