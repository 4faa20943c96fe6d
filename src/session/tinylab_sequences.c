#include "session/tinylab_sequences.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { N_SIDES = 2 }; // targets, foils

struct sequence {
    uint32_t *ids;
    uint32_t n, n_scored; // tokens, and columns from its padded end that are scored
};

struct maker {
    const struct prompts *rows;
    const struct tokenizer *tokenizer;
    uint32_t n_ctx, n_vocab;
    struct sequence *sequences[N_SIDES]; // (rows->n)
    uint32_t longest[N_SIDES];
    struct whole_answers *out;
    struct prompt *items;
    uint32_t *row;
    enum span_part *part;
    struct arena *arena;
    struct abl_err *err;
};

static const char *answer_of(const struct dataset_row *row, int side)
{
    return side ? row->foil : row->target;
}

static bool encode(const struct maker *m, const struct dataset_row *row, const char *text,
                   struct token_ids *out)
{
    struct abl_err why;
    if (tokenizer_encode(m->tokenizer, text, strlen(text), out, &why))
        return true;
    return abl_fail(m->err, why.code, "'%s' line %" PRIu32 ": %s", m->rows->source, row->line,
                    why.text);
}

// A prompt with an answer behind it, BOS in front, in the arena.
static bool encode_joined(const struct maker *m, const struct dataset_row *row, const char *answer,
                          struct sequence *out)
{
    bool has_bos = m->rows->bos != TOKEN_NONE;
    const char *text = arena_printf(m->arena, "%s%s", row->clean, answer);
    struct token_ids ids = { 0 };
    bool ok = (text || abl_no_memory(m->err)) && encode(m, row, text, &ids);
    out->n = (uint32_t)ids.n + has_bos;
    out->ids = ok ? arena_alloc(m->arena, out->n + 1u, sizeof *out->ids) : NULL;
    if (out->ids && has_bos)
        out->ids[0] = m->rows->bos;
    if (out->ids && ids.n)
        memcpy(out->ids + has_bos, ids.ids, ids.n * sizeof *ids.ids);
    token_ids_release(&ids);
    return ok && (out->ids || abl_no_memory(m->err));
}

static bool check(const struct maker *m, const struct dataset_row *row, const struct sequence *s)
{
    if (m->n_ctx && s->n > m->n_ctx)
        return abl_fail(m->err, ABL_BAD_DATA,
                        "'%s' line %" PRIu32 ": the prompt and an answer are %" PRIu32
                        " tokens where the model takes %" PRIu32
                        ": expected shorter rows, or first tokens only (--span first)",
                        m->rows->source, row->line, s->n, m->n_ctx);
    for (uint32_t i = 0; m->n_vocab && i < s->n; i++)
        if (s->ids[i] >= m->n_vocab)
            return abl_fail(m->err, ABL_BAD_DATA,
                            "'%s' line %" PRIu32 ": id %" PRIu32 " of a vocabulary of %" PRIu32
                            ": tokenizer and weights do not fit",
                            m->rows->source, row->line, s->ids[i], m->n_vocab);
    return true;
}

static bool encode_row(struct maker *m, size_t number, int side)
{
    const struct dataset_row *row = m->rows->items[number].row;
    const char *answer = answer_of(row, side);
    struct sequence *s = &m->sequences[side][number];
    struct token_ids alone = { 0 };
    bool ok
        = encode_joined(m, row, answer, s) && check(m, row, s) && encode(m, row, answer, &alone);
    s->n_scored = (uint32_t)alone.n;
    m->longest[side] = s->n > m->longest[side] ? s->n : m->longest[side];
    token_ids_release(&alone);
    return ok;
}

static bool encode_all(struct maker *m)
{
    for (int side = 0; side < N_SIDES; side++) {
        m->sequences[side] = arena_alloc(m->arena, m->rows->n, sizeof *m->sequences[side]);
        if (!m->sequences[side])
            return abl_no_memory(m->err);
        for (size_t i = 0; i < m->rows->n; i++)
            if (!encode_row(m, i, side))
                return false;
    }
    return true;
}

// ---------------------------------------------------------------------------------------- prompts

// Columns that are scored: the first has nothing before it to be told from.
static uint32_t n_columns(const struct maker *m, int side, size_t row)
{
    uint32_t most = m->longest[side] ? m->longest[side] - 1 : 0;
    uint32_t n = m->sequences[side][row].n_scored;
    return n < most ? n : most;
}

static void add(struct maker *m, const struct prompt *p, size_t row, enum span_part part)
{
    size_t at = m->out->prompts.n++;
    m->items[at] = *p;
    m->row[at] = (uint32_t)row;
    m->part[at] = part;
}

// A prompt for each scored column of a row's sequence.
static bool add_sequence(struct maker *m, size_t row, int side)
{
    const struct sequence *s = &m->sequences[side][row];
    uint32_t longest = m->longest[side], n = n_columns(m, side, row);
    uint32_t *padded = arena_alloc(m->arena, longest + 1u, sizeof *padded);
    if (!padded)
        return abl_no_memory(m->err);
    memcpy(padded, s->ids, s->n * sizeof *padded);
    for (uint32_t i = s->n; i < longest; i++)
        padded[i] = m->rows->pad;
    for (uint32_t column = longest - n; column < longest; column++) {
        struct prompt p = m->rows->items[row];
        p.ids = padded;
        p.n_ids = column;
        p.target = p.foil = padded[column];
        add(m, &p, row, side ? SPAN_FOIL : SPAN_TARGET);
    }
    return true;
}

static bool make_room(struct maker *m)
{
    size_t n = m->rows->n;
    for (int side = 0; side < N_SIDES; side++)
        for (size_t i = 0; i < m->rows->n; i++)
            n += n_columns(m, side, i);
    m->out = arena_alloc(m->arena, 1, sizeof *m->out);
    m->items = arena_alloc(m->arena, n, sizeof *m->items);
    m->row = arena_alloc(m->arena, n, sizeof *m->row);
    m->part = arena_alloc(m->arena, n, sizeof *m->part);
    if (!m->out || !m->items || !m->row || !m->part)
        return abl_no_memory(m->err);
    *m->out = (struct whole_answers){ .beside = true,
                                      .prompts.items = m->items,
                                      .row = m->row,
                                      .part = m->part,
                                      .n_rows = m->rows->n };
    return true;
}

bool tinylab_sequences_make(const struct prompts *rows, const struct tokenizer *t, uint32_t n_ctx,
                            uint32_t n_vocab, struct arena *a, struct whole_answers **out,
                            struct abl_err *err)
{
    struct maker m = {
        .rows = rows, .tokenizer = t, .n_ctx = n_ctx, .n_vocab = n_vocab, .arena = a, .err = err
    };
    bool ok = encode_all(&m) && make_room(&m);
    for (size_t i = 0; ok && i < rows->n; i++) {
        add(&m, &rows->items[i], i, SPAN_FIRST);
        ok = add_sequence(&m, i, 0) && add_sequence(&m, i, 1);
    }
    if (ok)
        *out = m.out;
    return ok;
}
