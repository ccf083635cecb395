/* SPDX-License-Identifier: Apache-2.0 */
#include "core/env.h"
#include "core/pool.h"
#include "tests/test.h"
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

struct job {
    struct bf_task task;
    _Atomic unsigned *done;
    unsigned order;
    sem_t *started, *go; /* set: says that it runs, and waits */
    struct bf_mailbox *again;
    sigset_t mask;
    char name[16];
};

static void run(struct bf_task *task)
{
    struct job *job = BF_CONTAINER(task, struct job, task);
    pthread_sigmask(SIG_SETMASK, NULL, &job->mask);
    pthread_getname_np(pthread_self(), job->name, sizeof job->name);
    if (job->started != NULL) {
        sem_post(job->started);
        sem_wait(job->go);
    }
    if (job->again != NULL) {
        struct bf_mailbox *mailbox = job->again;
        job->again = NULL;
        job->started = NULL;
        bf_post(mailbox, &job->task);
        return;
    }
    job->order = atomic_fetch_add(job->done, 1);
}

static struct bf_pool *pool_of(unsigned threads, unsigned queue)
{
    struct bf_env env;
    bf_env_fake(&env, 0, 1);
    struct bf_pool *pool = bf_pool_create(&env, "test-worker-name", threads, queue);
    bf_env_finish(&env);
    return pool;
}

static void all_tasks_run_before_destroy_returns(void **state)
{
    (void)state;
    enum { N = 2000 };
    _Atomic unsigned done = 0;
    struct job *jobs = calloc(N, sizeof *jobs);
    struct bf_pool *pool = pool_of(4, N);
    for (int i = 0; i < N; i++) {
        jobs[i] = (struct job){.task.run = run, .done = &done};
        assert_int_equal(bf_pool_submit(pool, &jobs[i].task), BF_OK);
    }
    bf_pool_destroy(&pool);
    assert_null(pool);
    assert_int_equal(done, N);
    free(jobs);
}

static void one_thread_keeps_the_order_and_blocks_signals(void **state)
{
    (void)state;
    _Atomic unsigned done = 0;
    struct job jobs[50];
    struct bf_pool *pool = pool_of(1, 50);
    for (unsigned i = 0; i < 50; i++) {
        jobs[i] = (struct job){.task.run = run, .done = &done};
        assert_int_equal(bf_pool_submit(pool, &jobs[i].task), BF_OK);
    }
    bf_pool_destroy(&pool);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(jobs[i].order, i);
    assert_true(sigismember(&jobs[0].mask, SIGTERM) && sigismember(&jobs[0].mask, SIGHUP));
    assert_string_equal(jobs[0].name, "test-worker-0");
}

static void a_full_queue_refuses_but_a_mailbox_never_does(void **state)
{
    (void)state;
    _Atomic unsigned done = 0;
    sem_t started, go;
    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    struct bf_pool *pool = pool_of(1, 2);
    struct job first = {.task.run = run, .done = &done, .started = &started, .go = &go}, more[4];
    for (int i = 0; i < 4; i++)
        more[i] = (struct job){.task.run = run, .done = &done};
    assert_int_equal(bf_pool_submit(pool, &first.task), BF_OK);
    sem_wait(&started); /* the only thread is busy now */
    assert_int_equal(bf_pool_submit(pool, &more[0].task), BF_OK);
    assert_int_equal(bf_pool_submit(pool, &more[1].task), BF_OK);
    assert_int_equal(bf_pool_submit(pool, &more[2].task), BF_E_UNAVAILABLE);
    assert_int_equal(bf_pool_queued(pool), 2);
    bf_post(bf_pool_mailbox(pool), &more[3].task);
    assert_int_equal(bf_pool_queued(pool), 3);
    sem_post(&go);
    bf_pool_destroy(&pool);
    assert_int_equal(done, 4);
    sem_destroy(&started);
    sem_destroy(&go);
}

static void a_list_is_taken_in_order_and_as_far_as_the_queue_goes(void **state)
{
    (void)state;
    _Atomic unsigned done = 0;
    sem_t started, go;
    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    struct bf_pool *pool = pool_of(1, 3);
    struct job first = {.task.run = run, .done = &done, .started = &started, .go = &go}, more[5];
    for (int i = 4; i >= 0; i--)
        more[i] = (struct job){.task = {.run = run, .next = i == 4 ? NULL : &more[i + 1].task}, .done = &done};
    assert_null(bf_pool_submit_list(pool, NULL));
    assert_null(bf_pool_submit_list(pool, &first.task));
    sem_wait(&started); /* the only thread is busy now */
    assert_ptr_equal(bf_pool_submit_list(pool, &more[0].task), &more[3].task);
    assert_ptr_equal(more[3].task.next, &more[4].task);
    assert_int_equal(bf_pool_queued(pool), 3);
    sem_post(&go);
    bf_pool_destroy(&pool);
    assert_int_equal(done, 4);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(more[i].order, i + 1);
    sem_destroy(&started);
    sem_destroy(&go);
}

/* All of a list's tasks must be under way at once for any of them to end. */
static void a_list_spreads_over_all_threads(void **state)
{
    (void)state;
    enum { N = 4 };
    _Atomic unsigned done = 0;
    sem_t started, go;
    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    struct bf_pool *pool = pool_of(N, N);
    struct job jobs[N];
    for (int i = N - 1; i >= 0; i--)
        jobs[i] = (struct job){.task = {.run = run, .next = i == N - 1 ? NULL : &jobs[i + 1].task}, .done = &done, .started = &started, .go = &go};
    assert_null(bf_pool_submit_list(pool, &jobs[0].task));
    for (int i = 0; i < N; i++)
        sem_wait(&started);
    for (int i = 0; i < N; i++)
        sem_post(&go);
    bf_pool_destroy(&pool);
    assert_int_equal(done, N);
    sem_destroy(&started);
    sem_destroy(&go);
}

struct passing {
    struct bf_task to_pool, to_end;
    struct bf_mailbox *next;
    sem_t ended;
};

static void pass_on(struct bf_task *task)
{
    struct passing *p = BF_CONTAINER(task, struct passing, to_pool);
    bf_post(p->next, &p->to_end);
}

static void end_it(struct bf_task *task) { sem_post(&BF_CONTAINER(task, struct passing, to_end)->ended); }

/* Who posted may still be about to wake a thread when the task has run and the pool goes: a sanitizer sees it touch what is no more. */
static void a_pool_may_go_as_soon_as_what_was_posted_ran(void **state)
{
    (void)state;
    struct bf_pool *from = pool_of(1, 1);
    for (int i = 0; i < 300; i++) {
        struct bf_pool *to = pool_of(2, 1);
        struct passing p = {.to_pool.run = pass_on, .to_end.run = end_it, .next = bf_pool_mailbox(to)};
        sem_init(&p.ended, 0, 0);
        assert_int_equal(bf_pool_submit(from, &p.to_pool), BF_OK);
        sem_wait(&p.ended);
        bf_pool_destroy(&to);
        sem_destroy(&p.ended);
    }
    bf_pool_destroy(&from);
}

static void work_posted_by_a_task_during_the_drain_still_runs(void **state)
{
    (void)state;
    _Atomic unsigned done = 0;
    sem_t started, go;
    sem_init(&started, 0, 0);
    sem_init(&go, 0, 1);
    struct bf_pool *pool = pool_of(1, 1);
    struct job job = {.task.run = run, .done = &done, .started = &started, .go = &go, .again = bf_pool_mailbox(pool)};
    assert_int_equal(bf_pool_submit(pool, &job.task), BF_OK);
    bf_pool_destroy(&pool);
    assert_int_equal(done, 1);
    sem_destroy(&started);
    sem_destroy(&go);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tasks_run_before_destroy_returns),
        cmocka_unit_test(one_thread_keeps_the_order_and_blocks_signals),
        cmocka_unit_test(a_full_queue_refuses_but_a_mailbox_never_does),
        cmocka_unit_test(a_list_is_taken_in_order_and_as_far_as_the_queue_goes),
        cmocka_unit_test(a_list_spreads_over_all_threads),
        cmocka_unit_test(a_pool_may_go_as_soon_as_what_was_posted_ran),
        cmocka_unit_test(work_posted_by_a_task_during_the_drain_still_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
