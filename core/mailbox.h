/* SPDX-License-Identifier: Apache-2.0 */
/* How threads hand each other work: a task is posted to a mailbox and runs on the thread that owns it. Ownership of everything behind the
 * task moves with it. The HTTP loops, the worker pool and the storage threads all are mailboxes. */
#pragma once

struct bf_task {
    struct bf_task *next;
    void (*run)(struct bf_task *task);
};

struct bf_mailbox {
    /* Queues the task; never blocks and never runs it before returning. Never refuses: what must be bounded is bounded where work is
     * admitted (bf_pool_submit, the HTTP server's limit of requests in flight). */
    void (*post)(struct bf_mailbox *mailbox, struct bf_task *task);
};

static inline void bf_post(struct bf_mailbox *mailbox, struct bf_task *task) { mailbox->post(mailbox, task); }

#define BF_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
