#include "cli/stopping.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "base/say.h"

enum { SECONDS_TO_STOP = 2 };

// A lock-free atomic is all a handler may touch.
static atomic_bool asked;
static atomic_int by_signal; // SIGALRM: the time was up
static atomic_int journal = -1;
static _Atomic(const char *) last_line;

static const struct {
    int number;
    const char *name;
} signals[] = { { SIGINT, "SIGINT" },
                { SIGTERM, "SIGTERM" },
                { SIGHUP, "SIGHUP" },
                { SIGUSR1, "SIGUSR1" },
                { SIGALRM, "--stop-after" } };
enum { N_SIGNALS = sizeof signals / sizeof *signals, N_CAUGHT = N_SIGNALS - 1 };

enum abl_code stopping_code(void)
{
    return atomic_load(&by_signal) == SIGINT ? ABL_INTERRUPTED : ABL_STOPPED;
}

static void ask(int number)
{
    atomic_store(&by_signal, number);
    atomic_store(&asked, true);
    if (atomic_load(&last_line))
        alarm(SECONDS_TO_STOP);
}

static void on_signal(int number)
{
    if (!atomic_load(&asked))
        ask(number);
}

static void end_now(void)
{
    const char *line = atomic_load(&last_line);
    int fd = atomic_load(&journal);
    if (!line)
        return;
    if (fd >= 0)
        fdatasync(fd);
    say_last(line);
    _exit((int)stopping_code());
}

// The time that the run was given is up, or that in which it was to stop.
static void on_alarm(int number)
{
    if (atomic_load(&asked))
        end_now();
    else
        ask(number);
}

// A queue that ends a job, or a terminal that closes, may well send its signal twice.
static void catch_signals(bool impatience_ends)
{
    for (size_t i = 0; i < N_CAUGHT; i++) {
        bool once = impatience_ends && signals[i].number == SIGINT;
        struct sigaction action
            = { .sa_handler = on_signal, .sa_flags = once ? (int)SA_RESETHAND : 0 };
        sigaction(signals[i].number, &action, NULL);
    }
}

void stopping_begin(void)
{
    struct sigaction action = { .sa_handler = on_alarm };
    sigaction(SIGALRM, &action, NULL);
    catch_signals(true);
}

void stopping_after(uint64_t seconds)
{
    if (seconds)
        alarm(seconds < 0x7fffffff ? (unsigned)seconds : 0x7fffffff);
}

atomic_bool *stopping_flag(void)
{
    return &asked;
}

const char *stopping_cause(void)
{
    for (size_t i = 0; i < N_SIGNALS; i++)
        if (atomic_load(&asked) && signals[i].number == atomic_load(&by_signal))
            return signals[i].name;
    return NULL;
}

bool stopping_failed(const struct abl_err *first, size_t n_failed, size_t n, const char *what,
                     struct abl_err *err)
{
    if (!stopping_cause())
        return abl_fail(err, first->code, "%zu of %zu %s failed; the first: %s", n_failed, n, what,
                        first->text);
    *err = *first;
    return false;
}

void stopping_spare(bool saving)
{
    catch_signals(!saving);
}

// A signal that came before is as good as one that comes now.
void stopping_in_time(int descriptor, const char *line)
{
    atomic_store(&journal, descriptor);
    atomic_store(&last_line, line);
    if (atomic_load(&asked))
        alarm(SECONDS_TO_STOP);
}

void stopping_at_leisure(void)
{
    atomic_store(&last_line, NULL);
    atomic_store(&journal, -1);
}
