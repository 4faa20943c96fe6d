#include "report/profile.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "report/number.h"

static double gflops(const struct trace_total *total)
{
    double flop = (double)total->flop;
    return total->flop && total->seconds > 0 ? flop / total->seconds / 1e9 : NAN;
}

// Exact digits: a double would round what is beyond 2^53. null for what 64 bits do not hold.
static void add_count(struct doc *d, cJSON *parent, const char *key, uint64_t count)
{
    if (count == COUNT_TOO_BIG)
        doc_null(d, parent, key);
    else
        doc_uint(d, parent, key, count);
}

static void add_samples(struct doc *d, const struct samples *s)
{
    doc_number(d, d->root, "interval_s", s ? s->interval : NAN);
    cJSON *list = doc_array(d, d->root, "samples");
    for (size_t i = 0; s && i < s->n; i++) {
        const struct sample *one = &s->items[i];
        cJSON *o = doc_object(d, list, NULL);
        doc_number(d, o, "t", one->t);
        if (one->rss_bytes)
            doc_uint(d, o, "rss_bytes", one->rss_bytes);
        else
            doc_null(d, o, "rss_bytes");
        doc_number(d, o, "cpu_pct", one->cpu_pct);
    }
}

static void add_classes(struct doc *d, const struct trace *t, const double seconds[N_TIME_CLASSES])
{
    cJSON *list = doc_array(d, d->root, "classes");
    for (int c = 0; c < N_TIME_CLASSES; c++) {
        cJSON *o = doc_object(d, list, NULL);
        doc_text(d, o, "name", time_class_name((enum time_class)c));
        doc_number(d, o, "seconds", seconds[c]);
        doc_number(d, o, "share", seconds[c] / t->seconds);
    }
}

struct doc profile_doc(const struct trace *t, struct forward_spent spent,
                       const struct samples *samples, bool partial)
{
    double classes[N_TIME_CLASSES];
    trace_classes(t, classes);
    struct doc d = doc_file("profile", partial);
    doc_number(&d, d.root, "seconds", t->seconds);
    doc_number(&d, d.root, "outside_seconds", classes[TIME_IDLE]);
    doc_uint(&d, d.root, "n_batches", spent.n_batches);
    doc_uint(&d, d.root, "token_rows", spent.token_rows);
    add_count(&d, d.root, "flop", trace_flop(t));
    add_count(&d, d.root, "loaded_bytes", t->loaded_bytes);
    add_classes(&d, t, classes);
    cJSON *list = doc_array(&d, d.root, "operations");
    for (int op = 0; op < N_TRACED; op++) {
        const struct trace_total *total = &t->totals[op];
        if (!total->n)
            continue;
        cJSON *o = doc_object(&d, list, NULL);
        doc_text(&d, o, "name", traced_op_name((enum traced_op)op));
        doc_uint(&d, o, "n", total->n);
        doc_number(&d, o, "seconds", total->seconds);
        doc_number(&d, o, "share", total->seconds / t->seconds);
        add_count(&d, o, "flop", total->flop);
        doc_number(&d, o, "gflops", gflops(total));
    }
    doc_uint(&d, d.root, "events", t->n_events);
    doc_uint(&d, d.root, "dropped_events", t->n_dropped);
    add_samples(&d, samples);
    return d;
}

void profile_trace(const struct trace *t, struct buf *out)
{
    buf_str(out, "{\"schema\":\"abltui.trace/1\",\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    for (size_t i = 0; i < t->n_events; i++) {
        const struct trace_event *e = &t->events[i];
        char start[NUMBER_SIZE], length[NUMBER_SIZE];
        number_format(round(1e9 * e->start) / 1e3, start);
        number_format(round(1e9 * e->seconds) / 1e3, length);
        buf_printf(out,
                   "%s\n{\"name\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%s,\"dur\":%s,"
                   "\"args\":{\"rows\":%" PRIu32 ",\"cols\":%" PRIu32 ",\"flop\":%" PRIu64 "}}",
                   i ? "," : "", traced_op_name(e->op), start, length, e->rows, e->cols, e->flop);
    }
    buf_str(out, "\n]}\n");
}

void profile_classes_text(const double seconds[N_TIME_CLASSES], struct buf *out)
{
    double all = 0;
    for (int c = 0; c < N_TIME_CLASSES; c++)
        all += seconds[c];
    if (!(all > 0))
        return;
    buf_printf(out, "time: %.2f s:", all);
    for (int c = 0; c < N_TIME_CLASSES; c++)
        buf_printf(out, "%s %s %.0f %%", c ? "," : "", time_class_name((enum time_class)c),
                   100 * seconds[c] / all);
    buf_char(out, '\n');
}

static int by_time(const void *a, const void *b)
{
    double x = (*(const struct trace_total *const *)a)->seconds;
    double y = (*(const struct trace_total *const *)b)->seconds;
    return (x < y) - (x > y);
}

void profile_text(const struct trace *t, struct buf *out)
{
    const struct trace_total *sorted[N_TRACED];
    for (int op = 0; op < N_TRACED; op++)
        sorted[op] = &t->totals[op];
    qsort(sorted, N_TRACED, sizeof *sorted, by_time);
    for (int i = 0; i < N_TRACED && sorted[i]->n; i++) {
        const struct trace_total *total = sorted[i];
        buf_printf(out, "  %-9s %8.3f s %5.1f %% %9" PRIu64 " calls",
                   traced_op_name((enum traced_op)(total - t->totals)), total->seconds,
                   100 * total->seconds / t->seconds, total->n);
        if (total->flop)
            buf_printf(out, " %8.1f GFLOP/s", gflops(total));
        buf_char(out, '\n');
    }
    double classes[N_TIME_CLASSES];
    trace_classes(t, classes);
    buf_printf(out, "  %-9s %8.3f s %5.1f %%\n", "outside", classes[TIME_IDLE],
               100 * classes[TIME_IDLE] / t->seconds);
}
