/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare baseline of a durable create: one thread, one SQLite connection, prepared statements, the same tables, rows, keys and log entry
 * as the store writes, with everything encoded and sealed beforehand, the same number of creates per transaction, synchronous=FULL. What it
 * leaves out is all that the store does besides: deciding, reading what is decided on, encoding, sealing, receipts, threads.
 */
#pragma once
#include <stdint.h>

enum { BARE_DOCS_MAX = 16, BARE_KEYS_MAX = 32 };

/* What one create writes: measured on the store's own database. */
struct bare_shape {
    struct bare_doc {
        unsigned bytes;
        unsigned among; /* 0: a new row; else it replaces one of so many */
        double rate;    /* how many a create, on average */
    } docs[BARE_DOCS_MAX];
    struct bare_key {
        unsigned bytes;
        double rate;
    } keys[BARE_KEYS_MAX]; /* index rows, new */
    unsigned n_docs, n_keys;
    unsigned header_bytes, payload_bytes; /* of the log, per create */
};

struct bare_result {
    double creates_per_s, cpu_us;
};

/* `n` creates in transactions of `group` (a mean: fractions alternate) into a new database in `dir`, that `before` others, not measured, have
 * filled. Exits on an error. */
void bare_run(const char *dir, const struct bare_shape *shape, unsigned before, unsigned n, double group, struct bare_result *ret);
/* Reads the shape from a store that made `creates` creates. */
void bare_measure(const char *database, unsigned creates, double group, struct bare_shape *ret);
/* CPU of reading one row of the collection by its key, one thread, in random order. */
double bare_gets(const char *database, const char *collection, unsigned n);
double cpu_us_now(void); /* of this process, user and system */
double wall_us_now(void);
