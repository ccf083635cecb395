/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/chunk.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct bf__chunks {
    pthread_mutex_t lock;
    struct bf__chunk *spare;
    unsigned n_spare, refs;
};

struct bf__chunks *bf__chunks_create(void)
{
    struct bf__chunks *chunks = calloc(1, sizeof *chunks);
    if (chunks == NULL)
        abort();
    pthread_mutex_init(&chunks->lock, NULL);
    chunks->refs = 1;
    return chunks;
}

static void destroy(struct bf__chunks *chunks)
{
    while (chunks->spare != NULL) {
        struct bf__chunk *chunk = chunks->spare;
        chunks->spare = chunk->next_spare;
        free(chunk);
    }
    pthread_mutex_destroy(&chunks->lock);
    free(chunks);
}

void bf__chunks_unref(struct bf__chunks **p)
{
    struct bf__chunks *chunks = *p;
    if (chunks == NULL)
        return;
    pthread_mutex_lock(&chunks->lock);
    bool last = --chunks->refs == 0;
    pthread_mutex_unlock(&chunks->lock);
    if (last)
        destroy(chunks);
    *p = NULL;
}

struct bf__chunk *bf__chunk_take(struct bf__chunks *chunks)
{
    pthread_mutex_lock(&chunks->lock);
    struct bf__chunk *chunk = chunks->spare;
    if (chunk != NULL) {
        chunks->spare = chunk->next_spare;
        chunks->n_spare--;
    }
    chunks->refs++;
    pthread_mutex_unlock(&chunks->lock);
    if (chunk == NULL && (chunk = malloc(sizeof *chunk)) == NULL)
        abort();
    memset(chunk, 0, offsetof(struct bf__chunk, rec));
    chunk->owner = chunks;
    return chunk;
}

void bf__chunk_give(struct bf__chunk *chunk)
{
    struct bf__chunks *chunks = chunk->owner;
    pthread_mutex_lock(&chunks->lock);
    bool keep = chunks->n_spare < BF__CHUNKS_SPARE_MAX;
    if (keep) {
        chunk->next_spare = chunks->spare;
        chunks->spare = chunk;
        chunks->n_spare++;
    }
    pthread_mutex_unlock(&chunks->lock);
    if (!keep)
        free(chunk);
    bf__chunks_unref(&chunks);
}
