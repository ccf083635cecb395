/* SPDX-License-Identifier: Apache-2.0 */
/* The environment that is passed in: clocks, randomness, log, metrics. Nothing in Baifang asks the system for these on its own, so that
 * a test can run the whole server at a chosen date and with a chosen seed. Thread-safe; lives as long as the process. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct bf_log;
struct bf_metrics;
struct bf_error;

struct bf_env {
    int64_t (*now_ms)(const struct bf_env *env);  /* wall clock, ms since 1970 UTC; may jump */
    int64_t (*mono_ms)(const struct bf_env *env); /* monotonic, ms; for leases in the process, deadlines, timers */
    void (*random)(const struct bf_env *env, void *out, size_t n);
    struct bf_log *log;
    struct bf_metrics *metrics;
    void *impl;
};

static inline int64_t bf_now_ms(const struct bf_env *env) { return env->now_ms(env); }
static inline int64_t bf_mono_ms(const struct bf_env *env) { return env->mono_ms(env); }
static inline void bf_random(const struct bf_env *env, void *out, size_t n) { env->random(env, out, n); }

/* The system's clocks and random source. `log` and `metrics` are left NULL for the caller to set. */
void bf_env_system(struct bf_env *env);

/* As bf_env_system, but the wall clock is shifted by the signed 64-bit number of milliseconds (host byte order) in the first eight bytes
 * of the file `path`, which is mapped and read anew at each call: a rehearsal or a test moves the clock of a running server by writing
 * there. The file is created with 0 when absent. */
int bf_env_shifted(struct bf_env *env, const char *path, struct bf_error *e);

/* For unit tests: a clock that stands at `now_ms` until bf_env_fake_advance, and a reproducible random stream (ChaCha20 of `seed`). */
void bf_env_fake(struct bf_env *env, int64_t now_ms, uint64_t seed);
void bf_env_fake_advance(struct bf_env *env, int64_t ms);
void bf_env_finish(struct bf_env *env); /* frees `impl` */
