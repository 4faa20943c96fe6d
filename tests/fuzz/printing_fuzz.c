// What is printed: a byte, which chooses a way out and sizes, and a foreign text. Whatever the text is, and
// whichever way it takes out (an argument of a message, lines, JSON, an error, cells of the screen),
// no terminal obeys a byte of it, and what it shows is the same text everywhere.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_canonical.h"
#include "base/printable.h"
#include "base/say.h"
#include "tests/fuzz/fuzz.h"
#include "ui/grid.h"
#include "ui/text.h"

enum { WIDTH = 24, HEIGHT = 2 };

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

static void empty(struct buf *b)
{
    b->len = 0;
}

// ---------------------------------------------------------------------------------- standard output

static ssize_t take(void *to, const char *bytes, size_t len)
{
    buf_add(to, bytes, len);
    return (ssize_t)len;
}

// A stream in the place of standard output, which keeps what comes.
static FILE *keeper(struct buf **kept)
{
    static struct buf out;
    static FILE *stream;
    if (!stream) {
        stream = fopencookie(&out, "w", (cookie_io_functions_t){ .write = take });
        REQUIRE(stream && setvbuf(stream, NULL, _IONBF, 0) == 0);
    }
    empty(&out);
    *kept = &out;
    return stream;
}

static void check_argument(const char *text, const struct buf *shown)
{
    struct buf *out;
    FILE *standard = stdout;
    stdout = keeper(&out);
    say(SAY_OUT, "%s", text);
    stdout = standard;
    REQUIRE(same(out, shown));
}

static void check_lines(const char *text)
{
    struct buf *out;
    FILE *standard = stdout;
    stdout = keeper(&out);
    say_lines(SAY_OUT, text);
    stdout = standard;
    REQUIRE(fuzz_is_printable(out->data, out->len, "\n\t"));
}

// JSON that was some means the same to who reads it.
static void check_json(const char *text, size_t len)
{
    struct buf *out, before = { 0 }, after = { 0 };
    struct abl_err err = { 0 };
    FILE *standard = stdout;
    stdout = keeper(&out);
    bool ok = say_json(text, len, &err);
    stdout = standard;
    REQUIRE(fuzz_outcome(ok, &err));
    REQUIRE(fuzz_is_printable(out->data, out->len, "\n\t"));
    if (json_canonical("text", text, len, ABL_BAD_DATA, &before, NULL)) {
        REQUIRE(json_canonical("out", out->data, out->len, ABL_BAD_DATA, &after, NULL));
        REQUIRE(same(&before, &after));
    }
    buf_release(&before);
    buf_release(&after);
}

// ------------------------------------------------------------------------------------------- forms

// Cut to a size: all of it, or its beginning and "...".
static void check_copy(const char *text, size_t size, const struct buf *shown)
{
    char *out = malloc(size);
    REQUIRE(out);
    memset(out, 1, size);
    printable_copy(out, size, text);
    size_t len = strnlen(out, size);
    REQUIRE(len < size && fuzz_is_printable(out, len, ""));
    if (shown->len < size)
        REQUIRE(len == shown->len && (!len || memcmp(out, shown->data, len) == 0));
    else {
        REQUIRE(len >= 3 && strcmp(out + len - 3, "...") == 0);
        REQUIRE(memcmp(out, shown->data, len - 3) == 0);
    }
    free(out);
}

// Padded to columns, cut to columns, from either side.
static void check_columns(const char *text, int columns)
{
    struct buf out = { 0 };
    say_into(&out, "%*s%-*.*s", columns, text, columns, columns, text);
    REQUIRE(!out.failed && fuzz_is_printable(out.data, out.len, ""));
    REQUIRE(printable_width(out.len ? out.data : "") >= 2 * (size_t)columns);
    empty(&out);
    say_into(&out, "%-*.*s", columns, columns, text);
    REQUIRE(printable_width(out.len ? out.data : "") == (size_t)columns);
    buf_release(&out);
}

static void check_error(const char *text)
{
    struct abl_err err = { 0 };
    fuzz_outcome(abl_fail(&err, ABL_BAD_DATA, "found '%s'", text), &err);
    abl_fail_in(&err, "%.40s", text);
    fuzz_outcome(false, &err);
}

static void check_screen(const char *text, uint32_t x)
{
    struct grid g = { 0 };
    struct buf out = { 0 };
    struct abl_err err = { 0 };
    struct rect all = { 0, 0, WIDTH, HEIGHT };
    REQUIRE(grid_init(&g, WIDTH, HEIGHT, &err));
    REQUIRE(grid_text(&g, all, x, 0, (struct style){ 0 }, text) <= WIDTH - x);
    grid_printf(&g, all, 0, 1, (struct style){ 0 }, "%s|%s", text, text);
    grid_dump(&g, &out);
    REQUIRE(fuzz_is_printable(out.data, out.len, "\n"));
    for (size_t at = 0, len = strlen(text); at < len;) {
        size_t n = text_break(text + at, WIDTH);
        REQUIRE(n && n <= len - at);
        at += n;
    }
    buf_release(&out);
    grid_release(&g);
}

void fuzz_printing(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    uint8_t number = next_byte(&rest);
    struct buf shown = { 0 }, again = { 0 };
    printable_add(&shown, rest.data, rest.len); // which may hold NUL
    REQUIRE(fuzz_is_printable(shown.data, shown.len, ""));
    if (shown.len)
        printable_add(&again, shown.data, shown.len);
    REQUIRE(same(&shown, &again));
    char *text = part_text(rest);
    empty(&shown);
    printable_add(&shown, text, strlen(text));
    REQUIRE(printable_width(text) == printable_width(shown.len ? shown.data : ""));
    switch (number % 6) {
    case 0:
        check_argument(text, &shown);
        check_lines(text);
        break;
    case 1:
        check_json(text, rest.len);
        break;
    case 2:
        check_copy(text, 4u + number, &shown);
        break;
    case 3:
        check_columns(text, number % 40);
        break;
    case 4:
        check_error(text);
        break;
    default:
        check_screen(text, number % WIDTH);
    }
    free(text);
    buf_release(&shown);
    buf_release(&again);
}
