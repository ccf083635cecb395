/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libmongoc tells of its commands, counted; failed and slow ones are logged with their name and collection, never with data. Its own log
 * goes to the program's.
 *
 * Tests may hear every command that starts: they pass a struct bf__m_tap as the context of open.
 */
#pragma once
#include <mongoc/mongoc.h>

struct bf_env;
struct bf__m_listener;

struct bf__m_tap {
    void (*started)(void *ctx, const char *command, const bson_t *body); /* on the thread that runs it */
    void *ctx;
};

/* `commands`: how many run at once, at most. */
struct bf__m_listener *bf__m_listener_create(const struct bf_env *env, unsigned commands, const struct bf__m_tap *tap);
void bf__m_listener_destroy(struct bf__m_listener **listener); /* after the pool */
void bf__m_listener_join(struct bf__m_listener *listener, mongoc_client_pool_t *pool); /* before its first client */

/* libmongoc has one log for the process: the store that was opened last gets it. `env` outlives the store. */
void bf__m_log_to(const struct bf_env *env);
void bf__m_log_to_nobody(void);
