/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/nudges.h"
#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

struct row {
    struct bf_uuid tenant;
    int64_t heard;
    unsigned own;
    UT_hash_handle hh;
};

struct bf__nudges {
    pthread_mutex_t lock;
    struct row *rows; /* one per tenant of the store; never removed */
};

struct bf__nudges *bf__nudges_create(void)
{
    struct bf__nudges *nudges = calloc(1, sizeof *nudges);
    if (nudges == NULL)
        abort();
    pthread_mutex_init(&nudges->lock, NULL);
    return nudges;
}

void bf__nudges_destroy(struct bf__nudges **pointer)
{
    struct bf__nudges *nudges = *pointer;
    struct row *row, *next;
    if (nudges == NULL)
        return;
    HASH_ITER(hh, nudges->rows, row, next) {
        HASH_DEL(nudges->rows, row);
        free(row);
    }
    pthread_mutex_destroy(&nudges->lock);
    free(nudges);
    *pointer = NULL;
}

static struct row *row_locked(struct bf__nudges *nudges, struct bf_uuid tenant)
{
    struct row *row;
    HASH_FIND(hh, nudges->rows, &tenant, sizeof tenant, row);
    if (row != NULL)
        return row;
    row = calloc(1, sizeof *row);
    if (row == NULL)
        abort();
    row->tenant = tenant;
    HASH_ADD(hh, nudges->rows, tenant, sizeof row->tenant, row);
    return row;
}

void bf__nudges_add(struct bf__nudges *nudges, struct bf_uuid tenant, unsigned n)
{
    pthread_mutex_lock(&nudges->lock);
    row_locked(nudges, tenant)->own += n;
    pthread_mutex_unlock(&nudges->lock);
}

bool bf__nudges_take(struct bf__nudges *nudges, struct bf_uuid *ret_tenant, unsigned *ret_n)
{
    pthread_mutex_lock(&nudges->lock);
    struct row *row = nudges->rows;
    while (row != NULL && row->own == 0)
        row = row->hh.next;
    if (row != NULL) {
        *ret_tenant = row->tenant;
        *ret_n = row->own;
        row->own = 0;
    }
    pthread_mutex_unlock(&nudges->lock);
    return row != NULL;
}

bool bf__nudges_hear(struct bf__nudges *nudges, struct bf_uuid tenant, int64_t count)
{
    pthread_mutex_lock(&nudges->lock);
    struct row *row = row_locked(nudges, tenant);
    bool more = count > row->heard;
    if (more)
        row->heard = count;
    pthread_mutex_unlock(&nudges->lock);
    return more;
}
