/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Starts a thread that takes no signals, under a name of which 15 bytes are kept. 0, or the errno value of why not. */
int bf_thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg);

/* Waits bound how long real things take, so they go by real time, whatever clock the environment shows: milliseconds of CLOCK_MONOTONIC, the moment that
 * such a number is, and a condition whose timed waits go by it. */
int64_t bf_real_ms(void);
struct timespec bf_real_moment(int64_t real_ms);
void bf_real_cond_init(pthread_cond_t *cond);
