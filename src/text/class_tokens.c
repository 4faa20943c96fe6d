#include "text/class_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "text/added_vocabulary.h"

// One owner's doing.
struct adder {
    const struct definition *d;
    const struct tokenizer_settings *s;
    const struct tokenizer_reading *r;
    bool later; // transformers 5
    struct added_vocabulary v;
    struct string_index special; // texts of special tokens
    struct string_index listed;  // texts that the decoder, or the file in its place, lists
    struct string_index mapped;  // of those, what added_tokens.json alone has is not
    struct special_list names;   // of transformers 5: special tokens by other names
    struct string_index name_places;
    struct string_index dropped; // of those that a file lists, whose id another has
    struct string_index plain;   // texts that were added without flags of their own
    struct added_token *batch;   // malloc'd: what is added next
    size_t n, cap;
    struct abl_err *err;
};

static bool push(struct adder *a, struct json_text text, unsigned flags)
{
    if (!text.data || !text.len)
        return true;
    struct added_token *batch = array_room(a->batch, a->n, &a->cap, sizeof *batch);
    if (!batch)
        return abl_no_memory(a->err);
    a->batch = batch;
    a->batch[a->n++] = (struct added_token){ .text = text.data, .len = text.len, .flags = flags };
    return true;
}

static bool flush(struct adder *a)
{
    bool ok = added_vocabulary_add(&a->v, a->batch, a->n, a->err);
    a->n = 0;
    return ok;
}

static bool put(struct adder *a, struct string_index *x, struct json_text text)
{
    return !text.data || !text.len || string_index_put(x, text.data, text.len, 1)
           || abl_no_memory(a->err);
}

static bool has(const struct string_index *x, struct json_text text)
{
    return string_index_find(x, text.data, text.len) != NULL;
}

static bool put_list(struct adder *a, struct string_index *x, const struct special_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!put(a, x, list->items[i].text))
            return false;
    return true;
}

// The list that transformers 5 takes: the newer key's, else the older one's; where
// tokenizer_config.json has neither, special_tokens_map.json's.
static const struct special_list *later_extras(const struct definition *d,
                                               const struct tokenizer_settings *s)
{
    static const struct special_list none = { 0 };
    if (s->extra.n)
        return &s->extra;
    // beside names the older key is taken last, when other files have had their say
    if (s->named.n && d->source == SOURCE_PIECES)
        return &none;
    if (s->named.n && s->map_additional.given)
        return &s->map_additional;
    // beside a tokenizer.model the latter's own take that place
    bool neither = !s->additional.given && !s->extra.given && d->source != SOURCE_PIECES;
    return neither ? &s->map_additional : &s->additional;
}

// A later one of the same name takes the place of the first.
static bool add_name(struct adder *a, const struct special_token *t)
{
    const uint32_t *place
        = string_index_put(&a->name_places, t->key.data, t->key.len, (uint32_t)a->names.n);
    struct special_token *items
        = array_room(a->names.items, a->names.n, &a->names.cap, sizeof *items);
    if (!place || !items)
        return abl_no_memory(a->err);
    a->names.items = items;
    items[*place] = *t;
    a->names.n += *place == a->names.n;
    return true;
}

// transformers 5's order: entries with flags, then plain ones, then the object's; another object
// counts only where there are neither of these two.
static bool list_names(struct adder *a)
{
    const struct tokenizer_settings *s = a->s;
    const struct special_list *last = &s->named;
    bool ok = true, plain = s->named.n > 0;
    for (size_t i = 0; ok && i < s->other.n; i++)
        ok = !s->other.items[i].flagged || add_name(a, &s->other.items[i]);
    for (size_t i = 0; ok && i < s->other.n; i++) {
        bool flagged = s->other.items[i].flagged;
        plain |= !flagged;
        ok = flagged || add_name(a, &s->other.items[i]);
    }
    if (!plain)
        last = &s->stated;
    for (size_t i = 0; ok && i < last->n; i++)
        ok = add_name(a, &last->items[i]);
    return ok;
}

// Special tokens' texts: who counts as special though its entry does not say so.
static bool find_special(struct adder *a)
{
    const struct tokenizer_settings *s = a->s;
    bool ok = true;
    for (size_t i = 0; ok && i < N_ROLES; i++)
        ok = put(a, &a->special, a->r->roles[i].text);
    if (a->later)
        return ok && list_names(a) && put_list(a, &a->special, &a->names);
    return ok && put_list(a, &a->special, &s->named) && put_list(a, &a->special, &s->additional)
           && put_list(a, &a->special, &s->map_additional);
}

// -------------------------------------------------------------------------------------- the file's

static struct json_text text_of(const struct added_token *t)
{
    return (struct json_text){ .data = t->text, .len = t->len };
}

static int by_id(const void *a, const void *b)
{
    const struct numbered_token *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id)
                          : (x->place > y->place) - (x->place < y->place);
}

// The file's own tokens, in its order. A SentencePiece model's are found in the text as it is, or
// those of its users cut out later, as STEPS_PIECES does.
static bool push_files(struct adder *a)
{
    const struct definition *d = a->d;
    bool pieces = d->source == SOURCE_PIECES;
    bool marks = pieces && (a->r->class == CLASS_LLAMA || a->r->class == CLASS_CODE_LLAMA);
    for (size_t i = 0; i < d->n_added; i++) {
        const struct added_token *t = &d->added[i];
        bool unknown = pieces && d->unk_token && json_key_is(text_of(t), d->unk_token);
        unsigned flags = marks && t->flags & ADDED_AS_IS ? 0 : t->flags;
        bool later = pieces && a->later;
        bool cut = later && !marks && t->flags & ADDED_AS_IS;
        if (unknown || cut || (later && has(&a->listed, text_of(t))))
            continue;
        // transformers 5's library takes those of a tokenizer.json one by one, the older at once
        if (!push(a, text_of(t), flags) || (!pieces && a->later && !flush(a)))
            return false;
    }
    return true;
}

// Whether settings name every token that the file has.
static bool names_all(struct adder *a, bool *all)
{
    *all = true;
    struct string_index named = { 0 };
    const struct special_list *extras = later_extras(a->d, a->s);
    bool ok = put_list(a, &named, extras);
    for (size_t i = 0; ok && i < a->s->decoder.n; i++)
        ok = put(a, &named, a->s->decoder.items[i].text);
    for (size_t i = 0; ok && i < a->d->n_added; i++)
        *all = *all
               && (has(&named, text_of(&a->d->added[i]))
                   || has(&a->special, text_of(&a->d->added[i])));
    string_index_release(&named);
    return ok;
}

// ----------------------------------------------------------------------------------- the decoder's

// added_tokens_decoder; without one, added_tokens.json and the file's own tokens by their ids.
static bool list_decoder(struct adder *a, struct numbered_token **out, size_t *n)
{
    const struct definition *d = a->d;
    const struct numbered_list *from = a->s->decoder.given ? &a->s->decoder : &a->s->plain;
    bool with_file = !a->s->decoder.given && d->source == SOURCE_JSON;
    size_t n_file = with_file ? d->n_added : 0;
    struct numbered_token *all = calloc(from->n + n_file + 1, sizeof *all);
    if (!all)
        return abl_no_memory(a->err);
    *n = 0;
    for (size_t i = 0; i < from->n; i++)
        all[(*n)++] = from->items[i];
    for (size_t i = 0; i < n_file; i++)
        all[(*n)++] = (struct numbered_token){ .text = text_of(&d->added[i]),
                                               .id = d->added[i].id,
                                               .flags = d->added[i].flags,
                                               .place = from->n + i };
    qsort(all, *n, sizeof *all, by_id);
    *out = all;
    return true;
}

static bool is_text(const struct special_token *t, struct json_text text)
{
    return t->text.data && t->text.len == text.len
           && memcmp(t->text.data, text.data, text.len) == 0;
}

// Texts alone count in tokenizer_config.json, as nothing has been made of entries with flags.
static bool lists_text(const struct special_list *list, bool of_config, struct json_text text)
{
    for (size_t i = 0; i < list->n; i++)
        if (is_text(&list->items[i], text) && !(of_config && list->items[i].flagged))
            return true;
    return false;
}

// Whether a text is known as a special token's when added_tokens.json is read. Objects of names and
// a class's own tokens come later.
static bool known_early(const struct adder *a, struct json_text text)
{
    const struct tokenizer_settings *s = a->s;
    for (size_t i = 0; i < N_ROLES; i++)
        if (s->roles[i].given && !s->roles[i].of_config && is_text(&s->roles[i], text))
            return true;
    if (a->later)
        return lists_text(s->extra.n ? &s->extra : &s->additional, true, text);
    return lists_text(&s->additional, true, text) || lists_text(&s->map_additional, false, text);
}

// Of a token that added_tokens.json lists: normalized where it is not special yet.
static unsigned plain_flags(const struct adder *a, struct json_text text)
{
    bool special = has(&a->special, text);
    return known_early(a, text) ? ADDED_SPECIAL : ADDED_NORMALIZED | (special ? ADDED_SPECIAL : 0u);
}

static bool push_decoder(struct adder *a)
{
    struct numbered_token *all = NULL;
    size_t n = 0;
    if (!list_decoder(a, &all, &n))
        return false;
    bool ok = true;
    // each stretch between them gets a prefix of its own
    bool raw = a->r->steps == STEPS_PIECES && a->d->pieces_prefix;
    for (size_t i = 0; ok && i < n; i++) {
        // of equal ids the last one counts
        if (i + 1 < n && all[i + 1].id == all[i].id) {
            ok = put(a, &a->dropped, all[i].text);
            continue;
        }
        unsigned flags = all[i].flags;
        bool special = has(&a->special, all[i].text);
        if (all[i].plain)
            flags = plain_flags(a, all[i].text);
        else if (special)
            flags |= ADDED_SPECIAL;
        if (raw)
            flags &= ~(unsigned)ADDED_NORMALIZED;
        ok = push(a, all[i].text, flags) && put(a, &a->listed, all[i].text)
             && (all[i].plain || put(a, &a->mapped, all[i].text));
    }
    free(all);
    return ok;
}

// ------------------------------------------------------------------------------ the special tokens

// Whether only the class has that token, and no file says of what class the tokenizer is.
static bool is_supposed(const struct adder *a, const struct special_token *t)
{
    return !t->given && !a->s->read_any && t->text.data && !has(a->v.model, t->text);
}

// transformers 5: what is known already stays as it is.
static bool push_unknown(struct adder *a, const struct special_token *t, unsigned flags)
{
    if (!t->text.data || !t->text.len || has(&a->listed, t->text)
        || added_vocabulary_has(&a->v, t->text.data, t->text.len)
        || (!t->flagged && has(&a->plain, t->text)))
        return true;
    return push(a, t->text, flags) && (t->flagged || put(a, &a->plain, t->text));
}

// What Code LLaMA's class adds whatever files say; the last one only in transformers 5.
static bool push_infilling(struct adder *a)
{
    static const char *const texts[] = { "\xe2\x96\x81<PRE>", "\xe2\x96\x81<MID>",
                                         "\xe2\x96\x81<SUF>", "\xe2\x96\x81<EOT>", "<FILL_ME>" };
    bool ok = true;
    for (size_t i = 0; ok && a->r->class == CLASS_CODE_LLAMA && i < 4u + a->later; i++) {
        struct special_token t = { .text = { texts[i], strlen(texts[i]) } };
        ok = push_unknown(a, &t, ADDED_SPECIAL);
    }
    return ok;
}

static bool push_later(struct adder *a)
{
    const struct special_list *extras = later_extras(a->d, a->s);
    bool ok = true;
    for (size_t i = 0; ok && i < N_ROLES; i++) {
        const struct special_token *t = &a->r->roles[i];
        bool dropped = t->text.data && has(&a->dropped, t->text);
        unsigned flags = dropped ? plain_flags(a, t->text) : t->flags;
        ok = is_supposed(a, t) || push_unknown(a, t, flags);
    }
    ok = ok && push_infilling(a);
    for (size_t i = 0; ok && i < a->names.n; i++)
        ok = push_unknown(a, &a->names.items[i], a->names.items[i].flags);
    for (size_t i = 0; ok && i < extras->n; i++) {
        const struct special_token *t = &extras->items[i];
        ok = push_unknown(a, t, has(&a->special, t->text) ? t->flags : t->own_flags);
    }
    return ok;
}

// transformers 4: a token with flags is added again, whatever is known. Of equal texts those of the
// first key count, all of them.
static bool push_earlier_one(struct adder *a, struct string_index *seen,
                             const struct special_token *t, bool mapped)
{
    if (!t->text.data || !t->text.len || has(seen, t->text))
        return true;
    // One that the decoder or the file lists is that one.
    if (mapped && t->given && has(&a->mapped, t->text))
        return true;
    if (!t->flagged)
        return push_unknown(a, t, t->flags);
    return push(a, t->text, t->flags);
}

static bool push_earlier(struct adder *a)
{
    const struct special_list *lists[] = { &a->s->additional, &a->s->map_additional };
    const struct special_list *named = &a->s->named;
    struct string_index seen = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < N_ROLES; i++)
        ok = is_supposed(a, &a->r->roles[i])
             || (push_earlier_one(a, &seen, &a->r->roles[i], true)
                 && put(a, &seen, a->r->roles[i].text));
    for (size_t k = 0; ok && k < 2; k++)
        for (size_t i = 0; ok && i < lists[k]->n; i++)
            ok = push_earlier_one(a, &seen, &lists[k]->items[i], false);
    ok = ok && push_infilling(a);
    for (size_t k = 0; ok && k < 2; k++)
        ok = put_list(a, &seen, lists[k]);
    for (size_t i = 0; ok && i < named->n; i++)
        ok = push_earlier_one(a, &seen, &named->items[i], false)
             && put(a, &seen, named->items[i].text);
    string_index_release(&seen);
    return ok;
}

// Qwen 2's class adds its special tokens a last time.
static bool repeat_special(struct adder *a)
{
    const struct special_list *lists[] = { &a->names, later_extras(a->d, a->s) };
    bool ok = true;
    for (size_t i = 0; ok && i < N_ROLES; i++)
        ok = push(a, a->r->roles[i].text, ADDED_SPECIAL);
    for (size_t k = 0; ok && k < 2; k++)
        for (size_t i = 0; ok && i < lists[k]->n; i++)
            ok = push(a, lists[k]->items[i].text, ADDED_SPECIAL);
    return ok && flush(a);
}

static bool add_all(struct adder *a)
{
    const struct tokenizer_settings *s = a->s;
    if (!find_special(a))
        return false;
    bool pieces = a->d->source == SOURCE_PIECES;
    bool skip = a->later && pieces && !s->named.n && (s->additional.given || s->extra.given);
    bool all = true;
    if (a->r->fresh && s->decoder.given && !names_all(a, &all))
        return false;
    bool fresh = a->r->fresh && all;
    // transformers 5 takes a SentencePiece model's for further special tokens
    bool last = pieces && a->later;
    if (!fresh && !last && !(push_files(a) && flush(a)))
        return false;
    // a tokenizer.json by itself is the library's, not a class's
    if (a->d->source == SOURCE_JSON && !s->read_any)
        return true;
    if (!push_decoder(a) || !(a->later ? push_later(a) : push_earlier(a)))
        return false;
    if ((last && !skip && !push_files(a)) || !flush(a))
        return false;
    return !a->r->repeats_special || repeat_special(a);
}

static void release(struct adder *a)
{
    string_index_release(&a->special);
    string_index_release(&a->listed);
    string_index_release(&a->mapped);
    string_index_release(&a->dropped);
    string_index_release(&a->plain);
    string_index_release(&a->name_places);
    free(a->names.items);
    free(a->batch);
}

bool class_tokens(const struct definition *d, const struct tokenizer_settings *s,
                  const struct tokenizer_reading *r, enum owner owner,
                  const struct string_index *model, struct added_token **out, size_t *n,
                  struct abl_err *err)
{
    struct adder a = { .d = d, .s = s, .r = r, .later = owner == OWNER_TRANSFORMERS_5, .err = err };
    added_vocabulary_init(&a.v, model, d->n_vocab, a.later);
    bool ok = add_all(&a) && added_vocabulary_list(&a.v, out, n, err);
    added_vocabulary_release(&a.v);
    release(&a);
    return ok;
}

bool class_tokens_lacking(const struct definition *d, const struct tokenizer_settings *s,
                          const struct tokenizer_reading *r, bool *out, struct abl_err *err)
{
    struct adder a = { .d = d, .s = s, .r = r, .later = true, .err = err };
    bool all = true;
    bool ok = !r->fresh || !s->decoder.given || (find_special(&a) && names_all(&a, &all));
    release(&a);
    *out = !all;
    return ok;
}
