/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into the server: a wall clock that somebody sets. The file named by BF_WALL_SHIM holds the seconds by which it is wrong. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

int gettimeofday(struct timeval *tv, void *zone)
{
    int (*real)(struct timeval *, void *) = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    long offset = 0;
    FILE *f = fopen(getenv("BF_WALL_SHIM"), "r");
    if (f != NULL) {
        if (fscanf(f, "%ld", &offset) != 1)
            offset = 0;
        fclose(f);
    }
    int failed = real(tv, zone);
    tv->tv_sec += offset;
    return failed;
}
