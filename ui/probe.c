#include "ui/probe.h"

#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"

enum { WAIT_MS = 250, LATE_SECONDS = 10 };

// Questions go to another page, which takes what a terminal shows of those it does not know.
static const char other_page[] = "\033[?1049h", first_page[] = "\033[?1049l";

static bool send(int out, const char *text)
{
    size_t len = strlen(text);
    return write(out, text, len) == (ssize_t)len;
}

static void take_key(struct probe *p, char c)
{
    if (p->n_typed < sizeof p->typed)
        p->typed[p->n_typed++] = c;
}

static void take(struct probe *p, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum answer_step step = answers_take(&p->reader, (unsigned char)bytes[i], &p->answers);
        if (step == ANSWER_NO_PART)
            take_key(p, '\033');
        if (step != ANSWER_PART)
            take_key(p, bytes[i]);
    }
}

// Until the last answer or the time is up.
static void wait_for_answers(struct probe *p, int in, double until)
{
    for (double left; !p->answers.ended && (left = until - now_seconds()) > 0;) {
        struct pollfd fd = { .fd = in, .events = POLLIN };
        char bytes[256];
        if (poll(&fd, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        ssize_t n = read(in, bytes, sizeof bytes);
        if (n <= 0)
            return;
        take(p, bytes, (size_t)n);
    }
}

void probe_terminal(struct probe *p, int in, int out, const char *term, bool inside)
{
    const char *questions = answers_questions(term, inside);
    struct termios before, raw;
    if (!*questions || tcgetattr(in, &before) != 0)
        return;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(in, TCSANOW, &raw) != 0)
        return;
    p->asked_at = now_seconds();
    p->asked = send(out, other_page) && send(out, questions);
    if (p->asked)
        wait_for_answers(p, in, p->asked_at + WAIT_MS * 1e-3);
    send(out, first_page);
    tcsetattr(in, TCSANOW, &before);
}

bool probe_is_outstanding(const struct probe *p)
{
    return p->asked && !p->answers.ended && now_seconds() - p->asked_at < LATE_SECONDS;
}

void probe_end(struct probe *p, int in)
{
    enum { LAST_MS = 1000 };
    struct termios before, raw;
    if (!p->asked || p->answers.ended || tcgetattr(in, &before) != 0)
        return;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(in, TCSANOW, &raw);
    wait_for_answers(p, in, p->asked_at + LAST_MS * 1e-3);
    tcflush(in, TCIFLUSH);
    tcsetattr(in, TCSANOW, &before);
}
