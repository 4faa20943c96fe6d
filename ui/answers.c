#include "ui/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE = 27, BELL = 7 };

#define BACKGROUND "\033]11;?\033\\"
// Sets a colour that only exact terminals keep, asks for it, and takes it back.
#define EXACT_COLOR "\033[48;2;1;2;3m\033P$qm\033\\\033[0m"
#define CAPABILITIES "\033P+q524742;5463\033\\" // RGB, Tc
#define SYNCHRONISED "\033[?2026$p"
#define KIND "\033[c" // which all answer: the last one

const char *answers_questions(const char *term, bool inside)
{
    static const char *const silent[] = { "linux", "vt",    "ansi", "cons", "sun",   "dumb",
                                          "eterm", "emacs", "hurd", "mach", "pcansi" };
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        if (!strncmp(term, silent[i], strlen(silent[i])))
            return "";
    if (inside) // screen hands strings on to the terminal outside, as they are
        return strncmp(term, "screen", 6) ? BACKGROUND SYNCHRONISED KIND : KIND;
    return BACKGROUND EXACT_COLOR CAPABILITIES SYNCHRONISED KIND;
}

// "rgb:ffff/8000/00": as many digits of sixteen as a terminal likes.
static bool read_color(const char *text, struct rgb *out)
{
    uint8_t parts[3];
    for (int i = 0; i < 3; i++) {
        char *end;
        unsigned long v = strtoul(text, &end, 16), digits = (unsigned long)(end - text);
        if (!digits || digits > 4 || (i < 2 && *end != '/'))
            return false;
        parts[i] = (uint8_t)(v * 255 / ((1ul << 4 * digits) - 1));
        text = end + 1;
    }
    *out = (struct rgb){ parts[0], parts[1], parts[2] };
    return true;
}

// An answer behind its escape, without what ends it.
static void read_answer(const char *text, struct term_answers *out)
{
    int mode;
    if (!strncmp(text, "]11;rgb", 7) && strchr(text, ':'))
        out->has_background |= read_color(strchr(text, ':') + 1, &out->background);
    else if (!strncmp(text, "P1$r", 4))
        out->direct
            |= strstr(text, "2;1;2;3") || strstr(text, "2:1:2:3") || strstr(text, "2::1:2:3");
    else if (!strncmp(text, "P1+r", 4))
        out->direct |= strstr(text, "524742") || strstr(text, "5463");
    else if (sscanf(text, "[?2026;%d$", &mode) == 1)
        out->synchronised = mode == 1 || mode == 2;
    else if (!strncmp(text, "[?", 2) && text[strlen(text) - 1] == 'c')
        out->ended = true;
}

static enum answer_step finish(struct answer_reader *r, struct term_answers *out)
{
    r->text[r->len] = '\0';
    r->state = BETWEEN_ANSWERS;
    read_answer(r->text, out);
    return ANSWER_PART;
}

static void keep(struct answer_reader *r, uint32_t c)
{
    if (c < 128 && r->len + 1 < sizeof r->text)
        r->text[r->len++] = (char)c;
}

static enum answer_step begin(struct answer_reader *r, uint32_t c)
{
    r->len = 0;
    keep(r, c);
    r->state = c == '[' ? IN_CSI : c == ']' || c == 'P' ? IN_STRING : BETWEEN_ANSWERS;
    return r->state == BETWEEN_ANSWERS ? ANSWER_NO_PART : ANSWER_PART;
}

// A string has no other control characters, and is never long.
static enum answer_step string_character(struct answer_reader *r, uint32_t c,
                                         struct term_answers *out)
{
    if (c == BELL)
        return finish(r, out);
    if (c < ' ' && c != ESCAPE) {
        r->state = BETWEEN_ANSWERS;
        return ANSWER_NONE;
    }
    if (c == ESCAPE)
        r->state = IN_STRING_ESCAPE;
    else
        keep(r, c);
    if (r->len + 1 == sizeof r->text)
        r->state = BETWEEN_ANSWERS;
    return ANSWER_PART;
}

enum answer_step answers_take(struct answer_reader *r, uint32_t c, struct term_answers *out)
{
    switch (r->state) {
    case BETWEEN_ANSWERS:
        if (c != ESCAPE)
            return ANSWER_NONE;
        r->state = AFTER_ESCAPE;
        return ANSWER_PART;
    case AFTER_ESCAPE:
        return begin(r, c);
    case IN_CSI:
        keep(r, c);
        return c >= '@' && c <= '~' ? finish(r, out) : ANSWER_PART;
    case IN_STRING:
        return string_character(r, c, out);
    case IN_STRING_ESCAPE:
        return c == '\\' ? finish(r, out) : begin(r, c);
    }
    return ANSWER_NONE;
}
