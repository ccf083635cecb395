/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around one decoder child. After bf__sandbox_enter a process can read descriptor BF_SANDBOX_IN, write descriptor
 * BF_SANDBOX_OUT inside its size, use memory up to its limit, make threads where that was asked for (libde265 insists) and end. Anything
 * else kills it.
 * Single-threaded callers only: a forked child before it has read a byte of its input.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { BF_SANDBOX_IN = 3, BF_SANDBOX_OUT = 4, BF_SANDBOX_TASKS_MAX = 4096 };

struct bf_sandbox_limits {
    uint64_t heap_bytes;     /* above what is mapped now; the soft limit, which bf__sandbox_heap can raise */
    uint64_t heap_bytes_max; /* the hard limit */
    uint64_t output_bytes;   /* RLIMIT_FSIZE */
    unsigned cpu_s;
    bool threads; /* may make them; no more than a uid's tasks are BF_SANDBOX_TASKS_MAX then (of root's the kernel does not count) */
};

/* Moves `in` and `out` to BF_SANDBOX_IN and BF_SANDBOX_OUT and closes every other descriptor. */
bool bf__sandbox_descriptors(int in, int out);

/* Drops every capability (root's would lift the hard limits) and sets the limits, then no_new_privs, Landlock without a single rule (where
 * the kernel has it), and last the system call filter. `ret_mapped` is the address space in use before, for bf__sandbox_heap. False when a
 * wall could not be raised: the caller must exit. A missing Landlock is not a failure: the filter has no call that opens anything. */
bool bf__sandbox_enter(const struct bf_sandbox_limits *limits, uint64_t *ret_mapped);

/* Inside: raises the memory limit to `heap_bytes` above what was mapped at entry; false above heap_bytes_max. Without a sandbox (unit
 * tests, fuzz targets) `mapped_at_entry` is 0 and nothing is done. */
bool bf__sandbox_heap(uint64_t mapped_at_entry, uint64_t heap_bytes);
