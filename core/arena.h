/* SPDX-License-Identifier: Apache-2.0 */
/* A bump arena: everything that one request, batch or job makes, freed together. Not thread-safe: one thread at a time owns it.
 * Running out of memory aborts (house style: client-sized allocations are capped before they get here). Built with
 * BF_ARENA_MALLOC (sanitizer presets) each allocation is a malloc of its own, so that AddressSanitizer sees overruns. */
#pragma once
#include <stdarg.h>
#include <stddef.h>

struct bf_arena;

struct bf_arena *bf_arena_create(void);
void bf_arena_destroy(struct bf_arena **arena); /* clears the pointer; NULL or *NULL is fine */
void bf_arena_reset(struct bf_arena *arena);    /* frees all but the first block */
size_t bf_arena_used(const struct bf_arena *arena);

void *bf_arena_alloc(struct bf_arena *arena, size_t n);                 /* aligned to 16, not cleared; n == 0 gives a valid pointer */
void *bf_arena_calloc(struct bf_arena *arena, size_t count, size_t n); /* cleared; overflow aborts */
void *bf_arena_dup(struct bf_arena *arena, const void *p, size_t n);   /* n bytes and a NUL behind them */
char *bf_arena_strdup(struct bf_arena *arena, const char *s);
char *bf_arena_printf(struct bf_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* `cleanup(p)` runs, in reverse order, at reset and destroy: for what libraries own (a json_t, a file). */
void bf_arena_defer(struct bf_arena *arena, void (*cleanup)(void *), void *p);
