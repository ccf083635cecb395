/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes are chained: whoever queues a task wakes one sleeper, and only when none is on its way already; the woken thread wakes the next one when it
 * finds more to do. So a burst of short tasks is worked off by few threads, without a switch for each, and long tasks still spread over all.
 */
#include "core/pool.h"
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct bf_pool {
    struct bf_mailbox mailbox;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct bf_task *head, **tail;
    unsigned queued, queue_max, n_threads;
    unsigned sleeping; /* threads that wait */
    bool waking;       /* one of them was woken and has not taken a task yet */
    _Atomic unsigned signalling; /* callers that gave the lock back and are about to wake somebody: the pool must outlive that */
    bool stopping;
    pthread_t threads[];
};

static void enqueue(struct bf_pool *pool, struct bf_task *task)
{
    task->next = NULL;
    *pool->tail = task;
    pool->tail = &task->next;
    pool->queued++;
}

/* Under the lock. True: the caller signals after it gave the lock back. */
static bool must_wake(struct bf_pool *pool)
{
    if (pool->head == NULL || pool->sleeping == 0 || pool->waking)
        return false;
    pool->waking = true;
    atomic_fetch_add_explicit(&pool->signalling, 1, memory_order_relaxed);
    return true;
}

static void wake_one(struct bf_pool *pool)
{
    pthread_cond_signal(&pool->wake);
    atomic_fetch_sub_explicit(&pool->signalling, 1, memory_order_release); /* the last touch */
}

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct bf_pool *pool = BF_CONTAINER(mailbox, struct bf_pool, mailbox);
    pthread_mutex_lock(&pool->lock);
    enqueue(pool, task);
    bool wake = must_wake(pool);
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        wake_one(pool);
}

/* Under the lock: the next task, or NULL when the pool ends. */
static struct bf_task *next_task(struct bf_pool *pool)
{
    while (pool->head == NULL && !pool->stopping) {
        pool->sleeping++;
        pthread_cond_wait(&pool->wake, &pool->lock);
        pool->sleeping--;
        pool->waking = false;
    }
    struct bf_task *task = pool->head;
    if (task != NULL) {
        pool->head = task->next;
        if (pool->head == NULL)
            pool->tail = &pool->head;
        pool->queued--;
    }
    return task;
}

static void *worker(void *arg)
{
    struct bf_pool *pool = arg;
    struct bf_task *task;
    pthread_mutex_lock(&pool->lock);
    while ((task = next_task(pool)) != NULL) {
        bool wake = must_wake(pool);
        pthread_mutex_unlock(&pool->lock);
        if (wake)
            wake_one(pool);
        task->run(task);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct bf_pool *bf_pool_create(const struct bf_env *env, const char *name, unsigned n_threads, unsigned queue_max)
{
    (void)env;
    assert(n_threads > 0 && queue_max > 0);
    struct bf_pool *pool = calloc(1, sizeof *pool + n_threads * sizeof pool->threads[0]);
    sigset_t all, old;
    if (pool == NULL)
        abort();
    pool->mailbox.post = post;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->tail = &pool->head;
    pool->queue_max = queue_max;
    pool->n_threads = n_threads;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (unsigned i = 0; i < n_threads; i++) {
        char label[16];
        if (pthread_create(&pool->threads[i], NULL, worker, pool) != 0)
            abort();
        snprintf(label, sizeof label, "%.11s-%u", name, i % 1000);
        pthread_setname_np(pool->threads[i], label);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return pool;
}

enum bf_status bf_pool_submit(struct bf_pool *pool, struct bf_task *task)
{
    enum bf_status status = BF_OK;
    bool wake = false;
    pthread_mutex_lock(&pool->lock);
    if (pool->stopping) {
        status = BF_E_CANCELLED;
    } else if (pool->queued >= pool->queue_max) {
        status = BF_E_UNAVAILABLE;
    } else {
        enqueue(pool, task);
        wake = must_wake(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        wake_one(pool);
    return status;
}

struct bf_task *bf_pool_submit_list(struct bf_pool *pool, struct bf_task *list)
{
    pthread_mutex_lock(&pool->lock);
    while (list != NULL && !pool->stopping && pool->queued < pool->queue_max) {
        struct bf_task *next = list->next;
        enqueue(pool, list);
        list = next;
    }
    bool wake = must_wake(pool);
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        wake_one(pool);
    return list;
}

struct bf_mailbox *bf_pool_mailbox(struct bf_pool *pool) { return &pool->mailbox; }

unsigned bf_pool_queued(struct bf_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    unsigned n = pool->queued;
    pthread_mutex_unlock(&pool->lock);
    return n;
}

void bf_pool_destroy(struct bf_pool **p)
{
    struct bf_pool *pool = p == NULL ? NULL : *p;
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    while (atomic_load_explicit(&pool->signalling, memory_order_acquire) > 0) /* what it woke for may have run already */
        sched_yield();
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    *p = NULL;
}
