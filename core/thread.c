/* SPDX-License-Identifier: Apache-2.0 */
#include "core/thread.h"
#include <signal.h>
#include <stdio.h>

int bf_thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg)
{
    char label[16];
    sigset_t all, old;
    snprintf(label, sizeof label, "%.15s", name);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* before there is a thread that could take one */
    int failed = pthread_create(ret, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed == 0)
        pthread_setname_np(*ret, label);
    return failed;
}

int64_t bf_real_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct timespec bf_real_moment(int64_t real_ms)
{
    return (struct timespec){.tv_sec = real_ms / 1000, .tv_nsec = real_ms % 1000 * 1000000};
}

void bf_real_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}
