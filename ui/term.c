#define NCURSES_WIDECHAR 1
#include "ui/term.h"

#include <fcntl.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "ui/depth.h"
#include "ui/direct_entry.h"
#include "ui/keys.h"
#include "ui/probe.h"
#include "ui/terminfo.h"

struct term {
    SCREEN *screen;
    FILE *input; // NULL: standard input itself
    enum depth depth;
    bool utf8;
    struct grid shown; // what the screen holds
    bool shown_valid;
    int stderr_before, stderr_pipe; // -1: standard error was not taken
    struct probe probe;
    double fed_at;  // when its reader had the last character
    char note[128]; // term_note; empty: none
};

static void start_colors(struct term *t, enum color_when when)
{
    const char *no_color = getenv("NO_COLOR");
    bool unwanted = when == COLOR_NEVER || (when == COLOR_AUTO && no_color && *no_color);
    if (unwanted || !has_colors() || start_color() == ERR || use_default_colors() == ERR)
        t->depth = DEPTH_MONO;
    else
        t->depth = depth_of(COLORS);
}

// Others may print while the screen is ours: let it run into a pipe that the loop empties.
static void hold_stderr(struct term *t)
{
    int ends[2];
    t->stderr_before = t->stderr_pipe = -1;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return;
    t->stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (t->stderr_before < 0 || dup2(ends[1], STDERR_FILENO) < 0)
        close(ends[0]);
    else
        t->stderr_pipe = ends[0];
    close(ends[1]);
}

static void release_stderr(struct term *t)
{
    if (t->stderr_pipe < 0)
        return;
    fflush(stderr);
    dup2(t->stderr_before, STDERR_FILENO);
    close(t->stderr_before);
    close(t->stderr_pipe);
    t->stderr_pipe = -1;
}

static bool terminal_is_here(struct abl_err *err)
{
    const char *name = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return abl_fail(err, ABL_USAGE,
                        "the explorer needs a terminal: standard %s is none; use --export DIR to "
                        "run without one",
                        isatty(STDIN_FILENO) ? "output" : "input");
    if (!name || !*name || strcmp(name, "dumb") == 0)
        return abl_fail(err, ABL_USAGE,
                        "the explorer needs a terminal that can place a cursor: TERM is '%s'; set "
                        "TERM or use --export DIR",
                        name ? name : "");
    return true;
}

// Keys come through an open file of our own whose reads never wait. Else curses waits for the rest
// of a mouse report that was cut off, and the screen with it; standard input's own flags are shared
// with whoever started us. NULL where there is no such file.
static FILE *open_input(void)
{
    const char *name = ttyname(STDIN_FILENO);
    int fd = name ? open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
    FILE *input = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!input && fd >= 0)
        close(fd);
    return input;
}

static bool starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

// A terminal within another: COLORTERM is about the one that started it, and lies.
static bool is_inside(const char *name)
{
    return getenv("TMUX") || getenv("STY") || starts_with(name, "tmux")
           || starts_with(name, "screen");
}

// An entry of ours that no database has to have.
static SCREEN *open_direct(FILE *input)
{
    const char *before = getenv("TERMINFO");
    char *kept = before ? strdup(before) : NULL;
    struct buf entry = { 0 };
    SCREEN *screen = NULL;
    for (size_t i = 0; i < sizeof direct_entry / sizeof *direct_entry; i++)
        buf_str(&entry, direct_entry[i]);
    if (!entry.failed && !(before && !kept) && setenv("TERMINFO", entry.data, 1) == 0)
        screen = newterm(DIRECT_ENTRY_NAME, stdout, input);
    if (kept)
        setenv("TERMINFO", kept, 1);
    else
        unsetenv("TERMINFO");
    free(kept);
    buf_release(&entry);
    return screen;
}

// The terminal under the richest name that it has proved or promised to answer to.
static SCREEN *open_screen(struct term *t, enum color_when color)
{
    const char *name = getenv("TERM");
    FILE *input = t->input ? t->input : stdin;
    char direct[128];
    bool inside = is_inside(name);
    probe_terminal(&t->probe, fileno(input), STDOUT_FILENO, name, inside);
    struct terminfo_says says = terminfo_look_up(name);
    bool like_xterm = depth_is_like_xterm(name);
    if (!says.known && !like_xterm && !t->probe.answers.ended)
        return NULL;
    if (!says.known) {
        snprintf(t->note, sizeof t->note,
                 "terminfo has no entry for TERM=%.40s: taken for xterm-256color", name);
        name = "xterm-256color";
        says = terminfo_look_up(name);
        like_xterm = true;
    }
    bool any = t->probe.answers.direct || says.promises
               || (!inside && depth_colorterm(getenv("COLORTERM")));
    if (color == COLOR_NEVER || says.direct || !any)
        return newterm(name, stdout, input);
    if (depth_direct_entry(name, direct, sizeof direct) && terminfo_look_up(direct).direct)
        return newterm(direct, stdout, input);
    SCREEN *screen = like_xterm && !inside ? open_direct(input) : NULL;
    return screen ? screen : newterm(name, stdout, input);
}

// Keys that were typed while answers were awaited.
static void type_ahead(const struct probe *p)
{
    for (size_t i = p->n_typed; i-- > 0;)
        ungetch((unsigned char)p->typed[i]);
}

bool term_open(enum color_when color, bool mouse, struct term **out, struct abl_err *err)
{
    if (!terminal_is_here(err))
        return false;
    struct term *t = calloc(1, sizeof *t);
    if (!t)
        return abl_no_memory(err);
    t->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    t->input = open_input();
    t->screen = open_screen(t, color);
    if (!t->screen) {
        if (t->input)
            fclose(t->input);
        free(t);
        return abl_fail(err, ABL_USAGE,
                        "unknown terminal TERM='%s': set TERM to one that terminfo "
                        "knows, or use --export DIR",
                        getenv("TERM"));
    }
    set_term(t->screen);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    start_colors(t, color);
    if (mouse)
        mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    mouseinterval(0);
    hold_stderr(t);
    type_ahead(&t->probe);
    *out = t;
    return true;
}

void term_close(struct term *t)
{
    if (!t)
        return;
    curs_set(1);
    endwin();
    delscreen(t->screen);
    probe_end(&t->probe, term_input_fd(t));
    if (t->input)
        fclose(t->input);
    release_stderr(t);
    grid_release(&t->shown);
    free(t);
}

void term_size(const struct term *t, uint32_t *width, uint32_t *height)
{
    (void)t;
    *width = (uint32_t)COLS;
    *height = (uint32_t)LINES;
}

const char *term_note(const struct term *t)
{
    return t->note[0] ? t->note : NULL;
}

unsigned term_look(const struct term *t)
{
    const struct term_answers *a = &t->probe.answers;
    bool dark = a->has_background && a->background.r + a->background.g + a->background.b < 3 * 110;
    return (t->utf8 ? 0u : (unsigned)LOOK_ASCII) | (dark ? (unsigned)LOOK_DARK : 0u)
           | (t->depth == DEPTH_MONO ? (unsigned)LOOK_MONO : 0u);
}

static void put_cell(const struct term *t, int x, int y, const struct cell *c)
{
    attr_t attributes = 0;
    int pair = 0, fg = depth_color(t->depth, c->style.fg), bg = depth_color(t->depth, c->style.bg);
    wchar_t text[CELL_MARKS + 2] = { (wchar_t)c->character };
    cchar_t out;
    for (size_t i = 0; i < CELL_MARKS; i++)
        text[i + 1] = (wchar_t)c->marks[i];
    attributes |= c->style.flags & STYLE_BOLD ? A_BOLD : 0;
    attributes |= c->style.flags & STYLE_DIM ? A_DIM : 0;
    attributes |= c->style.flags & STYLE_REVERSE ? A_REVERSE : 0;
    attributes |= c->style.flags & STYLE_UNDERLINE ? A_UNDERLINE : 0;
    if (fg >= 0 || bg >= 0)
        pair = alloc_pair(fg, bg);
    if (pair < 0)
        pair = 0;
    if (setcchar(&out, text, attributes, 0, &pair) == OK)
        mvadd_wch(y, x, &out);
}

// Around a frame: a terminal that knows these shows it at once.
static void mark_frame(const struct term *t, const char *mark)
{
    size_t len = strlen(mark);
    if (t->probe.answers.synchronised && write(STDOUT_FILENO, mark, len) != (ssize_t)len)
        return; // the terminal is gone, as the next read says
}

void term_draw(struct term *t, const struct grid *g, bool all)
{
    bool same_size = t->shown_valid && t->shown.width == g->width && t->shown.height == g->height;
    if (all || !same_size) {
        clearok(stdscr, TRUE);
        erase();
    }
    for (uint32_t y = 0; y < g->height; y++)
        for (uint32_t x = 0; x < g->width; x++) {
            const struct cell *c = grid_at(g, x, y);
            if (c->character && (all || !same_size || !cell_equal(c, grid_at(&t->shown, x, y))))
                put_cell(t, (int)x, (int)y, c);
        }
    if (g->has_cursor)
        move((int)g->cursor_y, (int)g->cursor_x);
    curs_set(g->has_cursor);
    mark_frame(t, "\033[?2026h");
    refresh();
    mark_frame(t, "\033[?2026l");
    struct abl_err ignored;
    t->shown_valid = same_size || grid_init(&t->shown, g->width, g->height, &ignored);
    if (t->shown_valid)
        memcpy(t->shown.cells, g->cells, (size_t)g->width * g->height * sizeof *g->cells);
}

bool term_copy(const struct term *t, const char *text, size_t len)
{
    (void)t;
    struct buf out = { 0 };
    unsigned char *coded = malloc(len / 3 * 4 + 5); // with a NUL
    if (coded)
        EVP_EncodeBlock(coded, (const unsigned char *)text, (int)len);
    buf_printf(&out, "\033]52;c;%s\a", coded ? (const char *)coded : "");
    bool ok = coded && !out.failed && write(STDOUT_FILENO, out.data, out.len) == (ssize_t)out.len;
    free(coded);
    buf_release(&out);
    return ok;
}

// Curses' names for keys without a character.
static uint32_t function_key(wint_t c)
{
    static const struct {
        wint_t curses;
        uint32_t key;
    } keys[] = {
        { KEY_UP, KEYCODE_UP },         { KEY_DOWN, KEYCODE_DOWN },
        { KEY_LEFT, KEYCODE_LEFT },     { KEY_RIGHT, KEYCODE_RIGHT },
        { KEY_PPAGE, KEYCODE_PAGE_UP }, { KEY_NPAGE, KEYCODE_PAGE_DOWN },
        { KEY_HOME, KEYCODE_HOME },     { KEY_END, KEYCODE_END },
        { KEY_BTAB, KEYCODE_BACK_TAB }, { KEY_BACKSPACE, KEYCODE_BACKSPACE },
        { KEY_F(1), KEYCODE_F1 },       { KEY_F(5), KEYCODE_F5 },
        { KEY_F(10), KEYCODE_F10 },     { KEY_ENTER, '\n' },
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].curses == c)
            return keys[i].key;
    return 0;
}

static enum term_event read_mouse(uint32_t *x, uint32_t *y)
{
    MEVENT event;
    if (getmouse(&event) != OK || event.x < 0 || event.y < 0)
        return TERM_NONE;
    *x = (uint32_t)event.x;
    *y = (uint32_t)event.y;
    return event.bstate & BUTTON4_PRESSED   ? TERM_WHEEL_UP
           : event.bstate & BUTTON5_PRESSED ? TERM_WHEEL_DOWN
                                            : TERM_CLICK;
}

// A character that may belong to an answer that comes late. One that breaks off is forgotten after
// a moment.
static enum answer_step feed(struct term *t, wint_t c)
{
    enum { PAUSE_MS = 500 };
    double now = now_seconds();
    if (now - t->fed_at > PAUSE_MS * 1e-3)
        t->probe.reader = (struct answer_reader){ 0 };
    t->fed_at = now;
    return answers_take(&t->probe.reader, (uint32_t)c, &t->probe.answers);
}

enum term_event term_read(struct term *t, uint32_t *key, uint32_t *x, uint32_t *y)
{
    for (;;) {
        wint_t c;
        int got = get_wch(&c);
        bool late = probe_is_outstanding(&t->probe);
        if (got == ERR && late && t->probe.reader.state == AFTER_ESCAPE) {
            t->probe.reader = (struct answer_reader){ 0 };
            *key = KEYCODE_ESCAPE;
            return TERM_KEY;
        }
        if (got == ERR)
            return TERM_NONE;
        enum answer_step step = got == OK && late ? feed(t, c) : ANSWER_NONE;
        if (step == ANSWER_PART)
            continue;
        if (step == ANSWER_NO_PART) {
            unget_wch((wchar_t)c);
            *key = KEYCODE_ESCAPE;
            return TERM_KEY;
        }
        if (got == KEY_CODE_YES && c == KEY_RESIZE)
            return TERM_RESIZE;
        if (got == KEY_CODE_YES && c == KEY_MOUSE) {
            enum term_event event = read_mouse(x, y);
            if (event != TERM_NONE)
                return event;
            continue;
        }
        if (got == KEY_CODE_YES)
            *key = function_key(c);
        else
            *key = c == '\r'            ? '\n'
                   : c == 127 || c == 8 ? (uint32_t)KEYCODE_BACKSPACE
                                        : (uint32_t)c;
        if (*key)
            return TERM_KEY;
    }
}

int term_input_fd(const struct term *t)
{
    return t->input ? fileno(t->input) : STDIN_FILENO;
}

int term_stderr_fd(const struct term *t)
{
    return t->stderr_pipe;
}

void term_take_stderr(struct term *t, struct buf *out)
{
    char block[1024];
    ssize_t n;
    while (t->stderr_pipe >= 0 && (n = read(t->stderr_pipe, block, sizeof block)) > 0)
        buf_add(out, block, (size_t)n);
}
