// Pieces that pre-tokenizers cut texts into, one JSON line each: cut < steps.jsonl > pieces.jsonl
// with {"pre_tokenizer": …, "normalizer": …, "texts": ["…", …]} to [["…", …], …]; a text that is
// refused gives {"refused": "why"}, and so does a whole line. tools/fuzz_patterns.py reads it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/json.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/tokenizer_steps.h"

static cJSON *refused(const struct abl_err *err)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "refused", err->text);
    return o;
}

// A step of the line's object as tokenizer.json has it.
static bool read_steps(const cJSON *line, const char *key, bool (*read)(struct json *j, void *to),
                       struct definition *d, struct abl_err *err)
{
    const cJSON *steps = cJSON_GetObjectItem(line, key);
    char *text = steps ? cJSON_PrintUnformatted(steps) : NULL;
    struct json j;
    if (!text)
        return true;
    bool ok
        = json_open(&j, key, text, strlen(text), ABL_BAD_MODEL, err) && read(&j, d) && json_end(&j);
    json_close(&j);
    cJSON_free(text);
    return ok;
}

// The pieces, cut one behind the other out of their text.
static cJSON *list_pieces(const struct pieces *p)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < p->n; i++) {
        size_t begin = i ? p->ends[i - 1] : 0;
        char *piece = strndup(p->text.data + begin, p->ends[i] - begin);
        cJSON_AddItemToArray(list, cJSON_CreateString(piece));
        free(piece);
    }
    return list;
}

static cJSON *cut(const struct normalizer *n, const struct pretokenizer *p, const char *text,
                  struct pieces *pieces)
{
    struct abl_err err;
    struct buf normal = { 0 };
    bool ok = normalizer_run(n, text, strlen(text), NULL, &normal, &err)
              && (!normal.len || pretokenizer_run(p, normal.data, normal.len, true, pieces, &err));
    if (ok && !normal.len)
        pieces->n = 0;
    cJSON *out = ok ? list_pieces(pieces) : refused(&err);
    buf_release(&normal);
    return out;
}

static cJSON *answer(const cJSON *line)
{
    struct definition d = { .path = "line" };
    struct normalizer n = { 0 };
    struct pretokenizer p = { 0 };
    struct pieces pieces = { 0 };
    struct abl_err err = { 0 };
    const cJSON *text;
    cJSON *out;
    if (!read_steps(line, "normalizer", steps_read_normalizer, &d, &err)
        || !read_steps(line, "pre_tokenizer", steps_read_pre_tokenizer, &d, &err)
        || !normalizer_init(&n, d.normals, d.n_normals, d.path, &err)
        || !pretokenizer_init(&p, d.cuts, d.n_cuts, d.path, &err))
        out = refused(&err);
    else {
        out = cJSON_CreateArray();
        cJSON_ArrayForEach(text, cJSON_GetObjectItem(line, "texts"))
            cJSON_AddItemToArray(out, cut(&n, &p, text->valuestring, &pieces));
    }
    pieces_release(&pieces);
    pretokenizer_release(&p);
    normalizer_release(&n);
    definition_release(&d);
    return out;
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        cJSON *in = cJSON_Parse(line);
        cJSON *out = answer(in);
        char *text = cJSON_PrintUnformatted(out);
        puts(text);
        cJSON_free(text);
        cJSON_Delete(out);
        cJSON_Delete(in);
    }
    free(line);
    return 0;
}
