/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the server and of libmongoc as ours: one table. What a failed command means depends on whether it wrote: a read that got no
 * answer can be asked again, a write that got none may have been done.
 *
 * A message of the server may quote documents (a duplicate key is printed with its value), so no cause here carries one: it says what was
 * tried, on which collection, and the code. Messages of libmongoc itself name hosts and sockets only.
 */
#pragma once
#include "core/error.h"
#include <mongoc/mongoc.h>

struct bf__m_call {
    const char *what; /* "reading documents" */
    const char *coll; /* its name */
    bool writes;
};

/* The status of a failed call; `reply` may be NULL. Never BF_OK. */
enum bf_status bf__m_status(const bson_error_t *error, const bson_t *reply, bool writes);
/* The same, with the cause in `e`. */
enum bf_status bf__m_fail(const struct bf__m_call *call, const bson_error_t *error, const bson_t *reply, struct bf_error *e);
/* Whether the reply of a write says that its durability was not confirmed (a write concern error). */
bool bf__m_unconfirmed(const bson_t *reply);
