// Oniguruma 6.9.8, which distributions ship, and 6.9.10, which the reference tokenizers have,
// differ in what is spelt otherwise or refused here; tools/fuzz_patterns.py found it.
#include "text/pattern_spelling.h"

#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 256 }; // of groups; more than the library is allowed

// What holds in a group.
struct state {
    bool extended; // (?x): "#" begins a comment
    bool behind;   // it looks behind
};

struct scan {
    const char *text;
    size_t len, at;
    unsigned classes; // how many classes are open
    struct state now, outer[MAX_DEPTH];
    unsigned depth;
    struct spelling *out;
};

static bool starts(const struct scan *s, const char *with)
{
    size_t n = strlen(with);
    return n <= s->len - s->at && memcmp(s->text + s->at, with, n) == 0;
}

static void copy(struct scan *s, size_t n)
{
    n = n < s->len - s->at ? n : s->len - s->at;
    buf_add(&s->out->text, s->text + s->at, n);
    s->at += n;
}

static void put_in_place_of(struct scan *s, size_t n, const char *text)
{
    buf_str(&s->out->text, text);
    s->at += n;
}

// The bytes of \p{Word} or a like, 0 where there is none; *inside tells whether it asks for words.
static size_t word_property(const struct scan *s, bool *inside)
{
    const char *end = memchr(s->text + s->at, '}', s->len - s->at);
    if (!end || !(starts(s, "\\p{") || starts(s, "\\P{")))
        return 0;
    const char *name = s->text + s->at + 3;
    *inside = s->text[s->at + 1] == 'p';
    if (*name == '^') {
        *inside = !*inside;
        name++;
    }
    char plain[8];
    size_t n = 0;
    for (; name < end && n < sizeof plain - 1; name++)
        if (!strchr(" -_", *name))
            plain[n++] = *name;
    plain[n] = '\0';
    return name == end && strcasecmp(plain, "word") == 0 ? (size_t)(end + 1 - s->text) - s->at : 0;
}

// A newline of \R repeats only once in the older version, and what the newer one sees behind it
// cannot be spelt otherwise; \p{Word} has ranges in the older one, where \w has a rule of its own
// for U+00AA to U+00FF.
static void take_escape(struct scan *s)
{
    bool inside;
    size_t word = s->classes ? 0 : word_property(s, &inside);
    char c = s->at + 1 < s->len ? s->text[s->at + 1] : '\0';
    if (word)
        put_in_place_of(s, word, inside ? "\\w" : "\\W");
    else if (c == 'R' && !s->classes) {
        if (s->now.behind)
            s->out->refused = "\\R behind (?<= or (?<!";
        put_in_place_of(s, 2, "(?>\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])");
    } else {
        s->out->asks_breaks |= !s->classes && (c == 'X' || c == 'y' || c == 'Y');
        copy(s, 2);
    }
}

// "]" first in a class, or behind its "^", is a member.
static void open_class(struct scan *s)
{
    s->classes++;
    copy(s, 1);
    if (s->at < s->len && s->text[s->at] == '^')
        copy(s, 1);
    if (s->at < s->len && s->text[s->at] == ']')
        copy(s, 1);
}

static void copy_comment(struct scan *s, char end)
{
    while (s->at < s->len && s->text[s->at] != end)
        copy(s, end == ')' && s->text[s->at] == '\\' ? 2 : 1);
    copy(s, 1);
}

// The options of "(?imx-imx:" or "(?imx-imx)"; *last is the byte behind them. Those for the whole
// expression (longest match, ASCII cases, groups that capture) have changed their meaning.
static bool read_options(const struct scan *s, bool *extended, size_t *last)
{
    bool on = true, whole = false;
    size_t at = s->at + 2;
    *extended = s->now.extended;
    for (; at < s->len && strchr("-abcdefghijklmnopqrstuvwxyzCDILPSW{}", s->text[at]); at++) {
        if (s->text[at] == '-')
            on = false;
        else if (s->text[at] == 'x')
            *extended = on;
        whole |= s->text[at] && strchr("CIL", s->text[at]);
    }
    *last = at;
    bool are = at < s->len && (s->text[at] == ':' || s->text[at] == ')');
    if (are && whole)
        s->out->refused = "(?C), (?I) or (?L)";
    return are;
}

static void open_group(struct scan *s)
{
    struct state inside = s->now;
    size_t last;
    if (starts(s, "(?#")) {
        copy_comment(s, ')');
        return;
    }
    if (starts(s, "(?("))
        s->out->refused = "(?(…)…|…)";
    inside.behind |= starts(s, "(?<=") || starts(s, "(?<!");
    bool options = starts(s, "(?") && read_options(s, &inside.extended, &last);
    if (s->depth < MAX_DEPTH)
        s->outer[s->depth] = s->now;
    s->depth++;
    if (options && s->text[last] == ')' && s->depth <= MAX_DEPTH)
        s->outer[s->depth - 1] = inside; // for the rest of the group around it
    s->now = inside;
    copy(s, options ? last - s->at : 1);
}

static void close_group(struct scan *s)
{
    if (s->depth && --s->depth < MAX_DEPTH)
        s->now = s->outer[s->depth];
    copy(s, 1);
}

void pattern_spell(struct json_text source, struct spelling *out)
{
    struct scan s = { .text = source.data, .len = source.len, .out = out };
    buf_str(&out->text, "");
    while (s.at < s.len) {
        char c = s.text[s.at];
        if (c == '\\')
            take_escape(&s);
        else if (c == '[')
            open_class(&s);
        else if (s.classes) {
            s.classes -= c == ']';
            copy(&s, 1);
        } else if (c == '(')
            open_group(&s);
        else if (c == ')')
            close_group(&s);
        else if (c == '#' && s.now.extended)
            copy_comment(&s, '\n');
        else
            copy(&s, 1);
    }
}
