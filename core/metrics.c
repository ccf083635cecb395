/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics.h"
#include "core/str.h"
#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const struct {
    enum kind kind;
    const char *name, *unit, *prose;
} table[BF_M_COUNT] = {
#define X(name, kind, text, unit, prose) [BF_M_##name] = {kind, text, unit, prose},
    BF_METRIC_MAP(X)
#undef X
};

/* Upper bounds in microseconds, each twice to two and a half times the one before; the last bucket has none. */
static const int64_t bounds_us[] = {100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                    50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};
enum { N_BOUNDS = sizeof bounds_us / sizeof bounds_us[0] };

struct histogram {
    _Atomic int64_t buckets[N_BOUNDS + 1];
    _Atomic int64_t sum_us;
};

struct bf_metrics {
    _Atomic int64_t value[BF_M_COUNT];
    struct histogram histogram[BF_M_COUNT]; /* used where the kind says so */
};

struct bf_metrics *bf_metrics_create(void)
{
    struct bf_metrics *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    return m;
}

void bf_metrics_destroy(struct bf_metrics **metrics)
{
    if (metrics == NULL)
        return;
    free(*metrics);
    *metrics = NULL;
}

void bf_metric_add(struct bf_metrics *m, enum bf_metric metric, int64_t delta)
{
    assert((unsigned)metric < BF_M_COUNT && table[metric].kind != HISTOGRAM);
    assert(table[metric].kind == GAUGE || delta >= 0);
    if (m != NULL)
        atomic_fetch_add_explicit(&m->value[metric], delta, memory_order_relaxed);
}

void bf_metric_set(struct bf_metrics *m, enum bf_metric metric, int64_t value)
{
    assert((unsigned)metric < BF_M_COUNT && table[metric].kind == GAUGE);
    if (m != NULL)
        atomic_store_explicit(&m->value[metric], value, memory_order_relaxed);
}

void bf_metric_time(struct bf_metrics *m, enum bf_metric metric, int64_t microseconds)
{
    unsigned bucket = 0;
    assert((unsigned)metric < BF_M_COUNT && table[metric].kind == HISTOGRAM);
    if (m == NULL)
        return;
    int64_t us = microseconds < 0 ? 0 : microseconds;
    while (bucket < N_BOUNDS && us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&m->histogram[metric].buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->histogram[metric].sum_us, us, memory_order_relaxed);
}

static int64_t count_of(const struct histogram *h)
{
    int64_t n = 0;
    for (unsigned i = 0; i <= N_BOUNDS; i++)
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    return n;
}

int64_t bf_metric_read(const struct bf_metrics *m, enum bf_metric metric)
{
    assert((unsigned)metric < BF_M_COUNT);
    if (table[metric].kind == HISTOGRAM)
        return count_of(&m->histogram[metric]);
    return atomic_load_explicit(&m->value[metric], memory_order_relaxed);
}

static void write_head(struct bf_buf *out, enum bf_metric metric)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    const char *name = table[metric].name;
    bf_buf_printf(out, "# TYPE %s %s\n", name, kinds[table[metric].kind]);
    if (table[metric].unit[0] != '\0')
        bf_buf_printf(out, "# UNIT %s %s\n", name, table[metric].unit);
    bf_buf_printf(out, "# HELP %s %s\n", name, table[metric].prose);
}

static void write_seconds(struct bf_buf *out, int64_t us) { bf_buf_printf(out, "%" PRId64 ".%06" PRId64, us / 1000000, us % 1000000); }

/* The count is the sum of the buckets as they were read, so that a scrape between two additions is consistent in itself. */
static void write_histogram(struct bf_buf *out, const char *name, const struct histogram *h)
{
    int64_t n = 0;
    for (unsigned i = 0; i <= N_BOUNDS; i++) {
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        bf_buf_printf(out, "%s_bucket{le=\"", name);
        if (i < N_BOUNDS)
            write_seconds(out, bounds_us[i]);
        else
            bf_buf_addz(out, "+Inf");
        bf_buf_printf(out, "\"} %" PRId64 "\n", n);
    }
    bf_buf_printf(out, "%s_count %" PRId64 "\n%s_sum ", name, n, name);
    write_seconds(out, atomic_load_explicit(&h->sum_us, memory_order_relaxed));
    bf_buf_addc(out, '\n');
}

void bf_metrics_write(const struct bf_metrics *m, struct bf_buf *out)
{
    for (enum bf_metric i = 0; i < BF_M_COUNT; i++) {
        write_head(out, i);
        if (table[i].kind == HISTOGRAM)
            write_histogram(out, table[i].name, &m->histogram[i]);
        else
            bf_buf_printf(out, "%s%s %" PRId64 "\n", table[i].name, table[i].kind == COUNTER ? "_total" : "", bf_metric_read(m, i));
    }
    bf_buf_addz(out, "# EOF\n");
}
