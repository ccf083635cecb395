/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 8 * 1024 - 64, BLOCK_MAX = 256 * 1024, ALIGN = 16 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) unsigned char data[];
};

struct cleanup {
    struct cleanup *next;
    void (*run)(void *);
    void *p;
};

struct bf_arena {
    struct block *blocks; /* newest first; the last is the first block, kept by reset */
    struct cleanup *cleanups;
    size_t next_size, used;
};

static void *must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static struct block *add_block(struct bf_arena *a, size_t size)
{
    struct block *b = must(malloc(sizeof *b + size));
    b->next = a->blocks;
    b->size = size;
    b->used = 0;
    a->blocks = b;
    return b;
}

struct bf_arena *bf_arena_create(void)
{
    struct bf_arena *a = must(calloc(1, sizeof *a));
    a->next_size = FIRST_BLOCK;
    return a;
}

static void run_cleanups(struct bf_arena *a)
{
    for (struct cleanup *c = a->cleanups; c != NULL; c = c->next)
        c->run(c->p);
    a->cleanups = NULL;
}

static void free_blocks(struct bf_arena *a, struct block *keep)
{
    while (a->blocks != keep) {
        struct block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
}

void bf_arena_reset(struct bf_arena *a)
{
    run_cleanups(a);
    struct block *first = a->blocks;
    while (first != NULL && first->next != NULL)
        first = first->next;
#ifdef BF_ARENA_MALLOC
    first = NULL;
#endif
    if (first != NULL && first->size != FIRST_BLOCK)
        first = NULL;
    free_blocks(a, first);
    if (first != NULL)
        first->used = 0;
    a->next_size = FIRST_BLOCK;
    a->used = 0;
}

void bf_arena_destroy(struct bf_arena **arena)
{
    if (arena == NULL || *arena == NULL)
        return;
    run_cleanups(*arena);
    free_blocks(*arena, NULL);
    free(*arena);
    *arena = NULL;
}

size_t bf_arena_used(const struct bf_arena *a) { return a->used; }

void *bf_arena_alloc(struct bf_arena *a, size_t n)
{
    assert(a != NULL && n < SIZE_MAX / 4);
    size_t want = (n + ALIGN - 1) / ALIGN * ALIGN;
    struct block *b = a->blocks;
    a->used += want;
#ifdef BF_ARENA_MALLOC
    b = add_block(a, n);
    b->used = n;
    return b->data;
#else
    if (b == NULL || b->size - b->used < want) {
        size_t size = a->next_size > want ? a->next_size : want;
        if (a->next_size < BLOCK_MAX)
            a->next_size *= 2;
        b = add_block(a, size);
    }
    void *p = b->data + b->used;
    b->used += want;
    return p;
#endif
}

void *bf_arena_calloc(struct bf_arena *a, size_t count, size_t n)
{
    if (n != 0 && count > SIZE_MAX / n)
        abort();
    return memset(bf_arena_alloc(a, count * n), 0, count * n);
}

void *bf_arena_dup(struct bf_arena *a, const void *p, size_t n)
{
    char *copy = bf_arena_alloc(a, n + 1);
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

char *bf_arena_strdup(struct bf_arena *a, const char *s) { return bf_arena_dup(a, s, strlen(s)); }

char *bf_arena_printf(struct bf_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    char *p = bf_arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void bf_arena_defer(struct bf_arena *a, void (*run)(void *), void *p)
{
    struct cleanup *c = bf_arena_alloc(a, sizeof *c);
    *c = (struct cleanup){.next = a->cleanups, .run = run, .p = p};
    a->cleanups = c;
}
