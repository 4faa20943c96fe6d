// What a terminal sends: keys, answers, mouse reports, broken sequences, through curses into the
// explorer's state, which is drawn. The first two bytes are the size of the screen.
#define NCURSES_WIDECHAR 1
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/screen.h"
#include "text/unicode.h"
#include "ui/apply.h"
#include "ui/keys.h"
#include "ui/term.h"
#include "ui/view.h"

enum { CHUNK = 256, DRAW_EVERY = 64 };

struct terminal {
    struct term *term;
    int master; // the end at which somebody types
};

static struct terminal open_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave, messages = dup(STDERR_FILENO);
    struct terminal t = { .master = master };
    struct termios modes;
    struct abl_err err;
    REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 && messages >= 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0 && dup2(slave, STDIN_FILENO) == 0 && dup2(slave, STDOUT_FILENO) == 1);
    REQUIRE(setenv("TERM", "xterm-256color", 1) == 0 && unsetenv("COLORTERM") == 0);
    REQUIRE(term_open(COLOR_NEVER, true, &t.term, &err));
    dup2(messages, STDERR_FILENO); // a sanitizer's report is for us
    close(messages);
    set_escdelay(0); // all that belongs to a sequence is there
    REQUIRE(tcgetattr(slave, &modes) == 0);
    modes.c_iflag &= ~(tcflag_t)IXON; // Ctrl-S would stop the output, which nobody restarts
    REQUIRE(tcsetattr(slave, TCSANOW, &modes) == 0);
    REQUIRE(fcntl(master, F_SETFL, O_NONBLOCK) == 0);
    return t;
}

// Opened once a process.
static struct terminal *terminal(void)
{
    static struct terminal t;
    if (!t.term)
        t = open_terminal();
    return &t;
}

static void check_typed(const struct state *s)
{
    const char *text = s->typed.text;
    size_t len = strnlen(text, MAX_TYPED);
    REQUIRE(len < MAX_TYPED && s->typed.caret <= len);
    REQUIRE(utf8_invalid_at(text, len) == len);
    REQUIRE((text[s->typed.caret] & 0xc0) != 0x80);
}

static void draw(const struct state *s)
{
    struct grid g = { 0 };
    struct abl_err err;
    REQUIRE(grid_init(&g, s->width, s->height, &err));
    view_draw(s, &g);
    REQUIRE(!g.has_cursor || (g.cursor_x < g.width && g.cursor_y < g.height));
    for (uint32_t i = 0; i < g.width * g.height; i++)
        REQUIRE(g.cells[i].character == 0 || g.cells[i].character >= 0x20);
    grid_release(&g);
}

static void act(struct state *s, enum term_event event, uint32_t key, uint32_t x, uint32_t y)
{
    struct head h;
    if (event == TERM_KEY) {
        const struct binding *b = key_find(s, key);
        if (b)
            apply_action(s, b->action, b->action == DO_TYPE ? key : b->arg);
    } else if (event == TERM_CLICK && s->overlay == OVERLAY_NONE && view_hit(s, x, y, &h))
        apply_action(s, DO_SELECT, h.layer << 16 | h.head);
}

// Everything that has arrived, as the main loop takes it.
static void take(struct terminal *t, struct state *s)
{
    uint32_t key = 0, x = 0, y = 0, n = 0;
    char shown[4096];
    for (enum term_event e; (e = term_read(t->term, &key, &x, &y)) != TERM_NONE;) {
        act(s, e, key, x, y);
        check_typed(s);
        REQUIRE(s->cursor.layer < s->snap->n_layers && s->cursor.head < s->snap->n_heads);
        if (n++ % DRAW_EVERY == 0)
            draw(s);
    }
    while (read(t->master, shown, sizeof shown) > 0)
        continue;
}

void fuzz_terminal(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    uint32_t width = 70u + next_byte(&rest) % 140, height = 20u + next_byte(&rest) % 50;
    struct terminal *t = terminal();
    struct state *s = screen_state(width, height, 4, 8);
    while (rest.len) {
        size_t n = rest.len < CHUNK ? rest.len : CHUNK;
        REQUIRE(write(t->master, rest.data, n) == (ssize_t)n);
        rest = (struct part){ rest.data + n, rest.len - n };
        take(t, s);
    }
    draw(s);
    state_free(s);
}
