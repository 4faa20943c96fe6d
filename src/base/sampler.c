#include "base/sampler.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

// Beyond this every second sample goes and the interval doubles.
enum { MAX_SAMPLES = 4096 };

struct sampler {
    struct samples samples;
    struct sample items[MAX_SAMPLES];
    pthread_t thread;
    pthread_mutex_t lock; // of stopped, samples and what follows
    pthread_cond_t wake;
    bool stopped, joined;
    double started, last, last_cpu; // seconds
};

static double cpu_seconds(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return NAN;
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec
           + 1e-6 * ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec);
}

static uint64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;
    long page = sysconf(_SC_PAGESIZE);
    bool ok = f && fscanf(f, "%*u %llu", &pages) == 1 && page > 0;
    if (f)
        fclose(f);
    return ok ? (uint64_t)pages * (uint64_t)page : 0;
}

static void thin(struct samples *s)
{
    for (size_t i = 0; 2 * i < s->n; i++)
        s->items[i] = s->items[2 * i];
    s->n = (s->n + 1) / 2;
    s->interval *= 2;
}

static void take(struct sampler *s)
{
    struct samples *all = &s->samples;
    double now = now_seconds(), cpu = cpu_seconds(), passed = now - s->last;
    if (all->n == MAX_SAMPLES)
        thin(all);
    all->items[all->n] = (struct sample){ .t = now - s->started, .rss_bytes = resident_bytes() };
    all->items[all->n].cpu_pct
        = all->n && passed > 0 ? 100 * (cpu - s->last_cpu) / passed : (double)NAN;
    all->n++;
    s->last = now;
    s->last_cpu = cpu;
}

static void *watch(void *context)
{
    struct sampler *s = context;
    pthread_mutex_lock(&s->lock);
    while (!s->stopped) {
        double due = s->last + s->samples.interval;
        struct timespec until = { .tv_sec = (time_t)due };
        until.tv_nsec = (long)(1e9 * (due - floor(due)));
        int woken = pthread_cond_timedwait(&s->wake, &s->lock, &until);
        if (woken == ETIMEDOUT && !s->stopped)
            take(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static bool start_thread(struct sampler *s)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
              && pthread_cond_init(&s->wake, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return ok && pthread_mutex_init(&s->lock, NULL) == 0
           && pthread_create(&s->thread, NULL, watch, s) == 0;
}

bool sampler_start(double interval, struct sampler **out, struct abl_err *err)
{
    struct sampler *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    s->samples = (struct samples){ .items = s->items, .interval = interval };
    s->started = s->last = now_seconds();
    s->last_cpu = cpu_seconds();
    take(s);
    if (!start_thread(s)) {
        free(s);
        return abl_fail(err, ABL_FAILED, "cannot start a thread that samples memory and time");
    }
    *out = s;
    return true;
}

const struct samples *sampler_stop(struct sampler *s)
{
    if (s->joined)
        return &s->samples;
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    take(s);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->joined = true;
    return &s->samples;
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    sampler_stop(s);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
