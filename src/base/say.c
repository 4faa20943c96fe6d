#include "base/say.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/printable.h"

// What is on its way: without memory of the heap, whose lack is to be told of too.
struct way {
    FILE *file; // or
    struct buf *into;
    bool ascii; // a terminal that takes no UTF-8
    int error;  // why the file did not take something, 0: it took all
    size_t n;
    char bytes[4096];
};

static struct way begin(enum say_to to)
{
    FILE *file = to == SAY_OUT ? stdout : stderr;
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return (struct way){ .file = file, .ascii = !utf8 && isatty(fileno(file)) };
}

static void flush(struct way *w)
{
    if (w->into)
        buf_add(w->into, w->bytes, w->n);
    else if (fwrite(w->bytes, 1, w->n, w->file) != w->n && !w->error)
        w->error = errno;
    w->n = 0;
}

static void put(struct way *w, const char *text, size_t len)
{
    while (len) {
        if (w->n == sizeof w->bytes)
            flush(w);
        size_t room = sizeof w->bytes - w->n, n = len < room ? len : room;
        memcpy(w->bytes + w->n, text, n);
        w->n += n;
        text += n;
        len -= n;
    }
}

static void put_blanks(struct way *w, size_t n)
{
    while (n--)
        put(w, " ", 1);
}

static size_t next(const struct way *w, const char *text, size_t left, struct printable *p)
{
    size_t n = printable_next(text, left, p);
    if (w->ascii && !p->escaped && p->character > 0x7e)
        printable_escape(p->character, p);
    return n;
}

// How much of a text goes as it is, without a closer look: ASCII and, of lines, their ends.
static size_t plain(const char *text, size_t len, bool lines)
{
    size_t n = 0;
    while (
        n < len
        && ((text[n] >= 0x20 && text[n] < 0x7f) || (lines && (text[n] == '\n' || text[n] == '\t'))))
        n++;
    return n;
}

static void put_foreign(struct way *w, const char *text, size_t len, bool lines)
{
    struct printable p;
    for (size_t at = 0; at < len;) {
        size_t n = plain(text + at, len - at, lines);
        put(w, text + at, n);
        at += n;
        if (at < len) {
            at += next(w, text + at, len - at, &p);
            put(w, p.text, p.len);
        }
    }
}

// Bytes of text[0..len) that fit into so many columns; how many these take.
static size_t fitting(const struct way *w, const char *text, size_t len, size_t columns,
                      size_t *width)
{
    struct printable p;
    size_t at = 0;
    for (*width = 0; at < len;) {
        size_t n = next(w, text + at, len - at, &p), more = printable_width(p.text);
        if (*width + more > columns)
            break;
        *width += more;
        at += n;
    }
    return at;
}

// What stands between '%' and the letter of a conversion.
struct conversion {
    char flags[8];
    int width, precision; // precision -1: none
    char length[3];
    char letter;
};

static int read_number(const char **at, va_list *args)
{
    int n = 0;
    if (**at == '*') {
        ++*at;
        return va_arg(*args, int);
    }
    for (; **at >= '0' && **at <= '9'; ++*at)
        n = 10 * n + (**at - '0');
    return n;
}

static const char *read_span(const char *at, const char *of, char *out, size_t size)
{
    size_t n = strspn(at, of);
    memcpy(out, at, n < size ? n : size - 1);
    out[n < size ? n : size - 1] = '\0';
    return at + n;
}

// The conversion behind a '%'; returns what follows it.
static const char *read_conversion(const char *at, va_list *args, struct conversion *c)
{
    at = read_span(at, "-+ #0", c->flags, sizeof c->flags - 1);
    c->width = read_number(&at, args);
    if (c->width < 0) {
        strcat(c->flags, "-");
        c->width = -c->width;
    }
    c->precision = -1;
    if (*at == '.') {
        at++;
        c->precision = read_number(&at, args);
    }
    at = read_span(at, "hlzjt", c->length, sizeof c->length);
    c->letter = *at;
    return at + 1;
}

static void put_text(struct way *w, const struct conversion *c, const char *text, size_t len)
{
    size_t width = 0, most = c->precision < 0 ? SIZE_MAX : (size_t)c->precision;
    if (c->width || c->precision >= 0)
        len = fitting(w, text, len, most, &width);
    size_t blanks = (size_t)c->width > width ? (size_t)c->width - width : 0;
    bool left = strchr(c->flags, '-');
    put_blanks(w, left ? 0 : blanks);
    put_foreign(w, text, len, false);
    put_blanks(w, left ? blanks : 0);
}

static intmax_t signed_argument(const char *length, va_list *args)
{
    if (strcmp(length, "ll") == 0)
        return va_arg(*args, long long);
    switch (*length) {
    case 'l':
        return va_arg(*args, long);
    case 'j':
        return va_arg(*args, intmax_t);
    case 'z':
        return va_arg(*args, ssize_t);
    case 't':
        return va_arg(*args, ptrdiff_t);
    default:
        return va_arg(*args, int);
    }
}

static uintmax_t unsigned_argument(const char *length, va_list *args)
{
    if (strcmp(length, "ll") == 0)
        return va_arg(*args, unsigned long long);
    switch (*length) {
    case 'l':
        return va_arg(*args, unsigned long);
    case 'j':
        return va_arg(*args, uintmax_t);
    case 'z':
        return va_arg(*args, size_t);
    case 't':
        return (uintmax_t)va_arg(*args, ptrdiff_t);
    default:
        return va_arg(*args, unsigned);
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" // put together from the caller's, which is one
static void put_number(struct way *w, const struct conversion *c, va_list *args)
{
    char form[32], out[512];
    int n;
    bool is_float = strchr("aAeEfFgG", c->letter);
    snprintf(form, sizeof form, "%%%s*.*%s%c", c->flags, is_float ? "" : "j", c->letter);
    if (is_float)
        n = snprintf(out, sizeof out, form, c->width, c->precision, va_arg(*args, double));
    else if (c->letter == 'd' || c->letter == 'i')
        n = snprintf(out, sizeof out, form, c->width, c->precision,
                     signed_argument(c->length, args));
    else
        n = snprintf(out, sizeof out, form, c->width, c->precision,
                     unsigned_argument(c->length, args));
    if (n > 0)
        put(w, out, (size_t)n < sizeof out ? (size_t)n : sizeof out - 1);
}
#pragma GCC diagnostic pop

static void put_argument(struct way *w, const struct conversion *c, va_list *args)
{
    if (c->letter == 's') {
        const char *text = va_arg(*args, const char *);
        text = text ? text : "(null)";
        put_text(w, c, text, c->precision < 0 ? strlen(text) : strnlen(text, (size_t)c->precision));
    } else if (c->letter == 'c') {
        char letter = (char)va_arg(*args, int);
        put_text(w, c, &letter, 1);
    } else if (c->letter == '%')
        put(w, "%", 1);
    else
        put_number(w, c, args);
}

static void put_format(struct way *w, const char *format, va_list *args)
{
    struct conversion c;
    while (*format) {
        size_t ours = strcspn(format, "%");
        put(w, format, ours);
        format += ours;
        if (*format) {
            format = read_conversion(format + 1, args, &c);
            put_argument(w, &c, args);
        }
    }
    flush(w);
}

void say(enum say_to to, const char *format, ...)
{
    struct way w = begin(to);
    va_list args;
    va_start(args, format);
    put_format(&w, format, &args);
    va_end(args);
}

void say_into(struct buf *out, const char *format, ...)
{
    struct way w = { .into = out };
    va_list args;
    va_start(args, format);
    put_format(&w, format, &args);
    va_end(args);
}

void say_lines(enum say_to to, const char *text)
{
    struct way w = begin(to);
    put_foreign(&w, text, strlen(text), true);
    flush(&w);
}

static void put_json_escape(struct way *w, uint32_t c)
{
    char out[16];
    int n = c > 0xffff ? snprintf(out, sizeof out, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10),
                                  0xdc00 + (c & 0x3ff))
                       : snprintf(out, sizeof out, "\\u%04x", c);
    put(w, out, (size_t)n);
}

static bool not_written(int error, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "cannot write to standard output: %s", strerror(error));
}

bool say_json(const char *text, size_t len, struct abl_err *err)
{
    struct way w = begin(SAY_OUT);
    struct printable p;
    for (size_t at = 0; at < len;) {
        // White space stands between JSON's tokens alone: in its strings it is escaped.
        size_t n = plain(text + at, len - at, true);
        put(&w, text + at, n);
        at += n;
        if (at == len)
            break;
        at += next(&w, text + at, len - at, &p);
        if (p.character == '\r')
            put(&w, " ", 1);
        else if (p.escaped)
            put_json_escape(&w, p.character == PRINTABLE_NO_UTF8 ? 0xfffd : p.character);
        else
            put(&w, p.text, p.len);
    }
    flush(&w);
    return w.error ? not_written(w.error, err) : say_end(err);
}

void say_last(const char *line)
{
    (void)!write(STDERR_FILENO, line, strlen(line));
}

bool say_end(struct abl_err *err)
{
    if (fflush(stdout) != 0)
        return not_written(errno, err);
    return !ferror(stdout) || abl_fail(err, ABL_FAILED, "cannot write to standard output");
}
