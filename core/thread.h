/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <pthread.h>

/* Starts a thread that takes no signals, under a name of which 15 bytes are kept. 0, or the errno value of why not. */
int bf_thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg);
