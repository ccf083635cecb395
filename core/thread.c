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
