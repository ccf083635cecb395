/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mongo/listen.h"
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOW_US = 1000000, NAME_MAX_BYTES = 64, NAMESPACE_NOT_FOUND = 26, INDEX_NOT_FOUND = 27 };

/* A command under way: its end says its number, not where it went. */
struct running {
    int64_t request;
    char coll[NAME_MAX_BYTES];
};

struct bf__m_listener {
    const struct bf_env *env;
    const struct bf__m_tap *tap;
    pthread_mutex_t lock;
    struct running *running;
    unsigned n;
};

struct bf__m_listener *bf__m_listener_create(const struct bf_env *env, unsigned commands, const struct bf__m_tap *tap)
{
    struct bf__m_listener *l = calloc(1, sizeof *l);
    if (l == NULL || (l->running = calloc(commands, sizeof *l->running)) == NULL)
        abort();
    l->env = env;
    l->tap = tap;
    l->n = commands;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void bf__m_listener_destroy(struct bf__m_listener **listener)
{
    struct bf__m_listener *l = *listener;
    if (l == NULL)
        return;
    pthread_mutex_destroy(&l->lock);
    free(l->running);
    free(l);
    *listener = NULL;
}

/* The collection is the value of the command's first field, or that of `collection` (getMore); others have none. */
static void collection_of(const bson_t *body, char out[NAME_MAX_BYTES])
{
    bson_iter_t it;
    out[0] = '\0';
    if ((bson_iter_init(&it, body) && bson_iter_next(&it) && BSON_ITER_HOLDS_UTF8(&it)) ||
        (bson_iter_init_find(&it, body, "collection") && BSON_ITER_HOLDS_UTF8(&it)))
        snprintf(out, NAME_MAX_BYTES, "%s", bson_iter_utf8(&it, NULL));
}

static void on_started(const mongoc_apm_command_started_t *event)
{
    struct bf__m_listener *l = mongoc_apm_command_started_get_context(event);
    const bson_t *body = mongoc_apm_command_started_get_command(event);
    char coll[NAME_MAX_BYTES];
    collection_of(body, coll);
    pthread_mutex_lock(&l->lock);
    for (unsigned i = 0; i < l->n; i++)
        if (l->running[i].request == 0) {
            l->running[i].request = mongoc_apm_command_started_get_request_id(event);
            memcpy(l->running[i].coll, coll, sizeof coll);
            break;
        }
    pthread_mutex_unlock(&l->lock);
    if (l->tap != NULL)
        l->tap->started(l->tap->ctx, mongoc_apm_command_started_get_command_name(event), body);
}

static void take_running(struct bf__m_listener *l, int64_t request, char out[NAME_MAX_BYTES])
{
    out[0] = '\0';
    pthread_mutex_lock(&l->lock);
    for (unsigned i = 0; i < l->n; i++)
        if (l->running[i].request == request) {
            memcpy(out, l->running[i].coll, NAME_MAX_BYTES);
            l->running[i].request = 0;
            break;
        }
    pthread_mutex_unlock(&l->lock);
}

static void on_succeeded(const mongoc_apm_command_succeeded_t *event)
{
    struct bf__m_listener *l = mongoc_apm_command_succeeded_get_context(event);
    int64_t took_us = mongoc_apm_command_succeeded_get_duration(event);
    char coll[NAME_MAX_BYTES];
    take_running(l, mongoc_apm_command_succeeded_get_request_id(event), coll);
    if (took_us < SLOW_US)
        return;
    bf_metric_add(l->env->metrics, BF_M_STORE_SLOW, 1);
    bf_log(l->env, BF_LOG_WARN, "store.slow", "a command of the database took long",
           BF_L_STR("command", mongoc_apm_command_succeeded_get_command_name(event)), BF_L_STR("collection", coll),
           BF_L_INT("took_ms", took_us / 1000), BF_L_END);
}

static void on_failed(const mongoc_apm_command_failed_t *event)
{
    struct bf__m_listener *l = mongoc_apm_command_failed_get_context(event);
    bson_error_t error;
    char coll[NAME_MAX_BYTES];
    take_running(l, mongoc_apm_command_failed_get_request_id(event), coll);
    mongoc_apm_command_failed_get_error(event, &error);
    if (error.code == NAMESPACE_NOT_FOUND || error.code == INDEX_NOT_FOUND)
        return; /* an answer: the indexes of a collection that is not there yet, one that another process dropped */
    bf_metric_add(l->env->metrics, BF_M_STORE_FAILED, 1);
    bf_log(l->env, BF_LOG_WARN, "store.failed", "a command of the database failed",
           BF_L_STR("command", mongoc_apm_command_failed_get_command_name(event)), BF_L_STR("collection", coll),
           BF_L_INT("domain", error.domain), BF_L_INT("code", error.code),
           BF_L_INT("took_ms", mongoc_apm_command_failed_get_duration(event) / 1000), BF_L_END);
}

void bf__m_listener_join(struct bf__m_listener *l, mongoc_client_pool_t *pool)
{
    mongoc_apm_callbacks_t *callbacks = mongoc_apm_callbacks_new();
    mongoc_apm_set_command_started_cb(callbacks, on_started);
    mongoc_apm_set_command_succeeded_cb(callbacks, on_succeeded);
    mongoc_apm_set_command_failed_cb(callbacks, on_failed);
    mongoc_client_pool_set_apm_callbacks(pool, callbacks, l);
    mongoc_apm_callbacks_destroy(callbacks);
}

/* ---- the library's own log ---- */

static void on_log(mongoc_log_level_t level, const char *domain, const char *message, void *env)
{
    if (env != NULL && level <= MONGOC_LOG_LEVEL_WARNING)
        bf_log(env, level <= MONGOC_LOG_LEVEL_CRITICAL ? BF_LOG_ERROR : BF_LOG_WARN, "store.driver", message, BF_L_STR("part", domain),
               BF_L_END);
}

void bf__m_log_to(const struct bf_env *env) { mongoc_log_set_handler(on_log, (void *)(uintptr_t)env); }

void bf__m_log_to_nobody(void) { mongoc_log_set_handler(on_log, NULL); }
