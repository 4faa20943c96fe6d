// tokenizer.model: SentencePiece's protocol buffer (sentencepiece_model.proto). Only BPE
// models without a character map are taken, which LLaMA's and Mistral's are; the others
// are refused by name.
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/string_index.h"
#include "text/definition.h"
#include "text/scores.h"
#include "text/tokenizer_settings.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };

// A message, or one inside of another: what is left of it.
struct message {
    const char *path;
    const unsigned char *start, *at, *end; // start: of the file
    struct abl_err *err;
};

struct wire_field {
    uint32_t number, wire;
    uint64_t value;            // of a varint
    const unsigned char *data; // of the others
    size_t len;
};

struct sp_model {
    struct scored_piece *pieces;
    size_t n, cap;
    uint64_t model_type;
    bool byte_fallback, add_prefix, remove_extra, escape, has_map, suffix;
    int64_t bos_id, eos_id;
    struct json_text name;
};

static bool bad(const struct message *m, const char *what)
{
    return abl_fail(m->err, ABL_BAD_MODEL,
                    "bad tokenizer.model '%s' at byte %zu: %s; download the file again", m->path,
                    (size_t)(m->at - m->start), what);
}

static bool read_varint(struct message *m, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (m->at == m->end)
            return bad(m, "found the end inside of a number");
        unsigned char byte = *m->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return bad(m, "found a number of more than 64 bits");
}

// The next field; false at the end (m->err untouched) or after a failure.
static bool next_field(struct message *m, struct wire_field *f, bool *failed)
{
    uint64_t key, len;
    *f = (struct wire_field){ 0 };
    if (m->at == m->end)
        return false;
    *failed = true;
    if (!read_varint(m, &key))
        return false;
    f->number = key >> 3 < UINT32_MAX ? (uint32_t)(key >> 3) : UINT32_MAX;
    f->wire = key & 7;
    if (f->wire == WIRE_VARINT) {
        *failed = !read_varint(m, &f->value);
        return !*failed;
    }
    if (f->wire == WIRE_BYTES) {
        if (!read_varint(m, &len))
            return false;
    } else if (f->wire == WIRE_32 || f->wire == WIRE_64)
        len = f->wire == WIRE_32 ? 4 : 8;
    else
        return bad(m, "found a field of unknown kind");
    if (len > (size_t)(m->end - m->at))
        return bad(m, "found a field that is longer than what holds it");
    f->data = m->at;
    f->len = (size_t)len;
    m->at += len;
    *failed = false;
    return true;
}

static struct message inside(const struct message *m, const struct wire_field *f)
{
    return (struct message){ m->path, m->start, f->data, f->data + f->len, m->err };
}

static struct json_text text_of(const struct wire_field *f)
{
    return (struct json_text){ .data = (const char *)f->data, .len = f->len };
}

static bool need_wire(struct message *m, const struct wire_field *f, uint32_t wire)
{
    return f->wire == wire || bad(m, "found a field of another kind than its number has");
}

static bool read_piece(struct message m, struct scored_piece *out)
{
    struct wire_field f;
    bool failed = false;
    float score = 0;
    *out = (struct scored_piece){ .type = PIECE_NORMAL, .text = { .data = "" } };
    while (next_field(&m, &f, &failed)) {
        if (f.number == 1) {
            if (!need_wire(&m, &f, WIRE_BYTES))
                return false;
            out->text = text_of(&f);
        } else if (f.number == 2) {
            if (!need_wire(&m, &f, WIRE_32))
                return false;
            memcpy(&score, f.data, sizeof score);
        } else if (f.number == 3) {
            if (!need_wire(&m, &f, WIRE_VARINT))
                return false;
            out->type = f.value <= PIECE_BYTE ? (enum piece_type)f.value : 0;
        }
    }
    out->score = (double)score;
    out->own = out->text;
    return !failed;
}

static bool add_piece(struct message *m, const struct wire_field *f, struct sp_model *model)
{
    struct scored_piece *grown = array_room(model->pieces, model->n, &model->cap, sizeof *grown);
    if (!grown)
        return abl_no_memory(m->err);
    model->pieces = grown;
    return need_wire(m, f, WIRE_BYTES) && read_piece(inside(m, f), &model->pieces[model->n++]);
}

static bool read_trainer(struct message m, struct sp_model *model)
{
    struct wire_field f;
    bool failed = false;
    while (next_field(&m, &f, &failed)) {
        if (f.wire != WIRE_VARINT)
            continue;
        if (f.number == 3)
            model->model_type = f.value;
        else if (f.number == 24)
            model->suffix = f.value != 0;
        else if (f.number == 35)
            model->byte_fallback = f.value != 0;
        else if (f.number == 41)
            model->bos_id = (int64_t)f.value;
        else if (f.number == 42)
            model->eos_id = (int64_t)f.value;
    }
    return !failed;
}

static bool read_normalizer(struct message m, struct sp_model *model)
{
    struct wire_field f;
    bool failed = false;
    while (next_field(&m, &f, &failed)) {
        if (f.number == 1 && f.wire == WIRE_BYTES)
            model->name = text_of(&f);
        else if (f.number == 2 && f.wire == WIRE_BYTES)
            model->has_map = f.len > 0;
        else if (f.number == 3 && f.wire == WIRE_VARINT)
            model->add_prefix = f.value != 0;
        else if (f.number == 4 && f.wire == WIRE_VARINT)
            model->remove_extra = f.value != 0;
        else if (f.number == 5 && f.wire == WIRE_VARINT)
            model->escape = f.value != 0;
    }
    return !failed;
}

static bool read_model(struct message *m, struct sp_model *model)
{
    struct wire_field f;
    bool failed = false, ok = true;
    while (ok && next_field(m, &f, &failed)) {
        if (f.number == 1)
            ok = add_piece(m, &f, model);
        else if (f.number == 2)
            ok = need_wire(m, &f, WIRE_BYTES) && read_trainer(inside(m, &f), model);
        else if (f.number == 3)
            ok = need_wire(m, &f, WIRE_BYTES) && read_normalizer(inside(m, &f), model);
    }
    return ok && !failed;
}

// What would change ids and is not done here.
static bool check_supported(const struct message *m, const struct sp_model *model)
{
    static const char *const types[] = { "?", "unigram", "BPE", "word", "char" };
    if (model->model_type != MODEL_BPE)
        return abl_fail(m->err, ABL_BAD_MODEL,
                        "SentencePiece model type %s in '%s' is not supported: expected BPE",
                        types[model->model_type < 5 ? model->model_type : 0], m->path);
    const char *what = model->has_map        ? "a map of characters (such as nmt_nfkc)"
                       : model->remove_extra ? "remove_extra_whitespaces"
                       : model->suffix       ? "treat_whitespace_as_suffix"
                       : !model->escape      ? "escape_whitespaces false"
                                             : NULL;
    return !what
           || abl_fail(
               m->err, ABL_BAD_MODEL,
               "SentencePiece normaliser with %s in '%s' is not supported: expected identity", what,
               m->path);
}

// The text of the piece with an id; NULL where there is none.
static bool piece_text(struct definition *d, const struct sp_model *model, int64_t id,
                       const char **out, struct abl_err *err)
{
    *out = NULL;
    if (id < 0 || (uint64_t)id >= model->n)
        return true;
    struct json_text text = model->pieces[id].own;
    *out = arena_strndup(&d->arena, text.data, text.len);
    return *out || abl_no_memory(err);
}

// The texts of pieces that keep their names.
static bool index_kept(const struct sp_model *model, const struct piece_names *names,
                       struct string_index *out)
{
    size_t next = 0;
    for (size_t i = 0; names->keeps && i < model->n; i++) {
        struct json_text t = model->pieces[i].own;
        while (next < names->n && names->items[next].id < i)
            next++;
        bool named = next < names->n && names->items[next].id == i;
        if (!named && !string_index_put(out, t.data, t.len, (uint32_t)i))
            return false;
    }
    return true;
}

// Of pieces with one text the last is the one that has it.
static bool drop_repeated(struct sp_model *model, struct string_index *seen)
{
    for (size_t i = model->n; i-- > 0;) {
        struct json_text *t = &model->pieces[i].text;
        const uint32_t *last = string_index_put(seen, t->data, t->len, (uint32_t)i);
        if (!last)
            return false;
        if (*last != i)
            *t = (struct json_text){ 0 };
    }
    return true;
}

static bool rename_pieces(struct sp_model *model, const struct piece_names *names,
                          struct abl_err *err)
{
    struct string_index kept = { 0 }, seen = { 0 };
    bool ok = index_kept(model, names, &kept);
    for (size_t i = 0; ok && i < names->n; i++) {
        const struct numbered_token *t = &names->items[i];
        if (t->id < model->n && t->id < names->below
            && !string_index_find(&kept, t->text.data, t->text.len))
            model->pieces[t->id].text = t->text;
    }
    ok = ok && (!names->n || drop_repeated(model, &seen));
    string_index_release(&kept);
    string_index_release(&seen);
    return ok || abl_no_memory(err);
}

static bool define(struct definition *d, struct message *m, struct sp_model *model,
                   enum score_order order, const struct piece_names *names)
{
    if (!read_model(m, model) || !check_supported(m, model) || !rename_pieces(model, names, m->err))
        return false;
    struct scored_settings s = { model->add_prefix, model->byte_fallback, order };
    d->pieces_prefix = model->add_prefix;
    return scores_define(d, model->pieces, model->n, &s, m->err)
           && piece_text(d, model, model->bos_id, &d->bos_piece, m->err)
           && piece_text(d, model, model->eos_id, &d->eos_piece, m->err);
}

bool definition_read_sentencepiece(struct definition *d, const char *folder, enum score_order order,
                                   const struct piece_names *names, struct abl_err *err)
{
    struct file_bytes bytes = { 0 };
    // Absent fields have the defaults of the schema.
    struct sp_model model = { .model_type = MODEL_UNIGRAM,
                              .add_prefix = true,
                              .remove_extra = true,
                              .escape = true,
                              .bos_id = 1,
                              .eos_id = 2 };
    char *path = file_join(folder, "tokenizer.model");
    d->path = path ? arena_strdup(&d->arena, path) : NULL;
    free(path);
    if (!d->path)
        return abl_no_memory(err);
    if (!definition_read_file(d, d->path, &bytes, err))
        return false;
    const unsigned char *start = (const unsigned char *)bytes.data;
    struct message m = { d->path, start, start, start + bytes.size, err };
    bool ok = define(d, &m, &model, order, names);
    free(model.pieces);
    file_bytes_release(&bytes);
    return ok;
}
