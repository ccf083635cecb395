/* SPDX-License-Identifier: Apache-2.0 */
/* Starts baifang-decode as the supervisor does, for tests and benchmarks. */
#pragma once
#include <sys/types.h>

/* exec of `path` with `mode` ("--zygote" or "--zygote-stt") and an environment that names a secret; returns our end of its socket, or -1.
 */
int zygote_start(const char *path, const char *mode, pid_t *ret_pid);
/* Closes nothing; waits for the process to end and returns its wait status. */
int zygote_wait(pid_t pid);
/* The first child of `pid` that has its system call filter on, or 0 when there is none now. */
pid_t zygote_find_child(pid_t pid);
/* Copies a file into a memfd; -1 when it cannot be read. */
int memfd_of_file(const char *path);
int memfd_of_bytes(const void *p, size_t n);
