// The GGUF container: metadata and directory of tensors.
#include <string.h>

#include "format/gguf.h"
#include "tests/fuzz/fuzz.h"

static void check_string(struct gguf_string s)
{
    REQUIRE(s.data[s.len] == '\0' && (!s.len || memchr(s.data, s.data[0], s.len)));
}

static void check_value(const struct gguf *g, const struct gguf_value *v)
{
    check_string(v->key);
    if (strlen(v->key.data) == v->key.len)
        REQUIRE(gguf_find(g, v->key.data) == v);
    if (v->kind == GGUF_STRING)
        check_string(v->s);
    for (size_t i = 0; v->kind == GGUF_ARRAY && i < v->n; i++)
        switch (v->item) {
        case GGUF_STRING:
            check_string(v->ss[i]);
            break;
        case GGUF_BOOL:
            REQUIRE(v->bs[i] || !v->bs[i]);
            break;
        default:
            REQUIRE(v->item != GGUF_ARRAY && (v->us[i] || !v->us[i]));
        }
}

void fuzz_gguf(const uint8_t *data, size_t size)
{
    struct gguf g;
    struct abl_err err = { 0 };
    float values[SUPER_BLOCK_SIZE];
    if (!size)
        return;
    fuzz_write("model.gguf", (struct part){ (const char *)data, size });
    if (!fuzz_outcome(gguf_open(fuzz_path("model.gguf"), &g, &err), &err))
        return;
    REQUIRE(gguf_is(fuzz_path("model.gguf")));
    for (size_t i = 0; i < g.n_values; i++)
        check_value(&g, &g.values[i]);
    for (size_t i = 0; i < g.tensors.directory.n; i++) {
        const struct tensor_entry *t = &g.tensors.directory.entries[i];
        REQUIRE(t->begin <= t->end && g.tensors.directory.data_start + t->end <= size);
        REQUIRE(!i || t[-1].end <= t->begin);
        bool one = t->type->dtype != DTYPE_OTHER && t->end - t->begin >= t->type->bits / 8;
        err = (struct abl_err){ 0 };
        if (one)
            fuzz_outcome(tensor_file_read(&g.tensors, t, 0, t->type->block, values, &err), &err);
    }
    gguf_close(&g);
}
