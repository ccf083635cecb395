/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of worker threads behind one bounded queue. Also the single named thread (n_threads = 1) that password hashing, the log
 * follower and the scheduler are. */
#pragma once
#include "core/error.h"
#include "core/mailbox.h"

struct bf_pool;
struct bf_env;

/* Starts `n_threads` threads with all signals blocked, named NAME-0, NAME-1, ... (15 characters at most). */
struct bf_pool *bf_pool_create(const struct bf_env *env, const char *name, unsigned n_threads, unsigned queue_max);
/* Queues a task; BF_E_UNAVAILABLE when `queue_max` tasks wait (the task was not taken), BF_E_CANCELLED while draining. */
enum bf_status bf_pool_submit(struct bf_pool *pool, struct bf_task *task);
/* Queues the tasks of a list in its order, with one look at the queue and one wake. Returns those it did not take: behind `queue_max`, or all while
 * draining; NULL when it took all. */
struct bf_task *bf_pool_submit_list(struct bf_pool *pool, struct bf_task *list);
/* The pool as a mailbox: posted tasks count in the queue but are never refused. For continuations of admitted work. */
struct bf_mailbox *bf_pool_mailbox(struct bf_pool *pool);
unsigned bf_pool_queued(struct bf_pool *pool);
/* Runs what is queued, joins the threads, frees. No task may be submitted after this was called. */
void bf_pool_destroy(struct bf_pool **pool);
