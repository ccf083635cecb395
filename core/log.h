/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON line per event, written whole by one write(2) to the descriptor given (stderr by default). Libraries below main and the services
 * do not log: they return errors, and whoever handles the error logs it once. Secrets are never passed to these functions.
 *
 *   bf_log(env, BF_LOG_WARN, "stt.away", "provider did not answer", BF_L_STR("host", host), BF_L_INT("attempt", n), BF_L_END);
 *
 * prints {"time":"2026-11-22T05:00:00.000Z","level":"warn","event":"stt.away","message":"...","host":"...","attempt":3}. */
#pragma once
#include "core/str.h"
#include <stdint.h>

struct bf_env;
struct bf_log;
struct bf_error;

enum bf_log_level { BF_LOG_DEBUG, BF_LOG_INFO, BF_LOG_WARN, BF_LOG_ERROR };

struct bf_log_field {
    const char *key; /* NULL ends the list */
    enum { BF_LT_STR, BF_LT_INT } type;
    struct bf_str s;
    int64_t i;
};

#define BF_L_STR(k, z)                                                                                                                     \
    (struct bf_log_field) { .key = (k), .type = BF_LT_STR, .s = bf_strz(z) }
#define BF_L_SLICE(k, v)                                                                                                                   \
    (struct bf_log_field) { .key = (k), .type = BF_LT_STR, .s = (v) }
#define BF_L_INT(k, v)                                                                                                                     \
    (struct bf_log_field) { .key = (k), .type = BF_LT_INT, .i = (v) }
#define BF_L_END                                                                                                                           \
    (struct bf_log_field) { .key = NULL }

struct bf_log *bf_log_create(int fd, enum bf_log_level least);
void bf_log_destroy(struct bf_log **log);
/* Thread-safe. A line is cut at 8 KiB; bytes that are not UTF-8 are written as U+FFFD. env->log == NULL: nothing. */
void bf_log_fields(const struct bf_env *env, enum bf_log_level level, const char *event, const char *message,
                   const struct bf_log_field *fields);
#define bf_log(env, level, event, message, ...)                                                                                            \
    bf_log_fields((env), (level), (event), (message), (const struct bf_log_field[]){__VA_ARGS__})
/* Logs an error value under `event`: its code and cause. */
void bf_log_error(const struct bf_env *env, enum bf_log_level level, const char *event, const struct bf_error *e);
