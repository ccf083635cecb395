/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/memory/files.h"
#include "tests/test.h"
#include <pthread.h>
#include <utlist.h>

struct chunk {
    struct chunk *next;
    struct bf_uuid tenant, file;
    uint32_t n;
    int64_t epoch;
    size_t bytes;
    uint8_t *p;
};

struct row {
    struct row *next; /* in the order of tenant and file */
    struct bf_file_row row;
};

struct files {
    pthread_mutex_t lock;
    struct chunk *chunks;
    struct row *rows;
};

struct files *files_create(void)
{
    struct files *files = calloc(1, sizeof *files);
    assert_non_null(files);
    pthread_mutex_init(&files->lock, NULL);
    return files;
}

static void free_chunk(struct files *files, struct chunk *c)
{
    LL_DELETE(files->chunks, c);
    free(c->p);
    free(c);
}

void files_destroy(struct files **pointer)
{
    struct files *files = *pointer;
    while (files->chunks != NULL)
        free_chunk(files, files->chunks);
    for (struct row *row; (row = files->rows) != NULL;) {
        LL_DELETE(files->rows, row);
        free(row);
    }
    pthread_mutex_destroy(&files->lock);
    free(files);
    *pointer = NULL;
}

static struct chunk *find_chunk(struct files *files, struct bf_uuid tenant, struct bf_uuid file, uint32_t n)
{
    struct chunk *c;
    LL_FOREACH(files->chunks, c)
    {
        if (c->n == n && bf_uuid_eq(&c->tenant, &tenant) && bf_uuid_eq(&c->file, &file))
            return c;
    }
    return NULL;
}

static void set_bytes(struct chunk *c, const struct bf_chunk *from)
{
    free(c->p);
    c->p = malloc(from->bytes.n + 1);
    assert_non_null(c->p);
    memcpy(c->p, from->bytes.p, from->bytes.n);
    c->bytes = from->bytes.n;
    c->epoch = from->epoch;
}

enum bf_status files_chunk_put(struct files *files, const struct bf_chunk *chunk, struct bf_error *e)
{
    pthread_mutex_lock(&files->lock);
    struct chunk *c = find_chunk(files, chunk->tenant, chunk->file, chunk->n);
    bool is_late = c != NULL && c->epoch > chunk->epoch;
    if (c == NULL) {
        c = calloc(1, sizeof *c);
        assert_non_null(c);
        c->tenant = chunk->tenant;
        c->file = chunk->file;
        c->n = chunk->n;
        LL_PREPEND(files->chunks, c);
    }
    if (!is_late)
        set_bytes(c, chunk);
    pthread_mutex_unlock(&files->lock);
    return is_late ? bf_fail(e, BF_E_STALE, "a later epoch stands") : BF_OK;
}

enum bf_status files_chunk_get(struct files *files, struct bf_uuid tenant, struct bf_uuid file, uint32_t n, void *buf, size_t *ret_n, struct bf_error *e)
{
    pthread_mutex_lock(&files->lock);
    const struct chunk *c = find_chunk(files, tenant, file, n);
    if (c != NULL) {
        memcpy(buf, c->p, c->bytes);
        *ret_n = c->bytes;
    }
    pthread_mutex_unlock(&files->lock);
    return c == NULL ? bf_fail(e, BF_E_NOT_FOUND, "no such chunk") : BF_OK;
}

static int by_place(const struct bf_file_row *a, const struct bf_file_row *b)
{
    int order = memcmp(a->tenant.b, b->tenant.b, 16);
    return order != 0 ? order : memcmp(a->file.b, b->file.b, 16);
}

enum bf_status files_put(struct files *files, const struct bf_file_row *new)
{
    struct row *row, **at;
    pthread_mutex_lock(&files->lock);
    for (at = &files->rows; *at != NULL && by_place(&(*at)->row, new) < 0;)
        at = &(*at)->next;
    if (*at == NULL || by_place(&(*at)->row, new) != 0) {
        row = calloc(1, sizeof *row);
        assert_non_null(row);
        row->row = *new;
        row->next = *at;
        *at = row;
    }
    pthread_mutex_unlock(&files->lock);
    return BF_OK;
}

enum bf_status files_get(struct files *files, struct bf_uuid tenant, struct bf_uuid file, struct bf_file_row *ret, struct bf_error *e)
{
    struct bf_file_row wanted = {.tenant = tenant, .file = file};
    struct row *row;
    bool found = false;
    pthread_mutex_lock(&files->lock);
    LL_FOREACH(files->rows, row)
    {
        if (by_place(&row->row, &wanted) == 0) {
            *ret = row->row;
            found = true;
        }
    }
    pthread_mutex_unlock(&files->lock);
    return found ? BF_OK : bf_fail(e, BF_E_NOT_FOUND, "no such file");
}

enum bf_status files_drop(struct files *files, struct bf_uuid tenant, struct bf_uuid file)
{
    struct bf_file_row wanted = {.tenant = tenant, .file = file};
    struct row *row, *next_row;
    struct chunk *c, *next;
    pthread_mutex_lock(&files->lock);
    LL_FOREACH_SAFE(files->chunks, c, next)
    {
        if (bf_uuid_eq(&c->tenant, &tenant) && bf_uuid_eq(&c->file, &file))
            free_chunk(files, c);
    }
    LL_FOREACH_SAFE(files->rows, row, next_row)
    {
        if (by_place(&row->row, &wanted) == 0) {
            LL_DELETE(files->rows, row);
            free(row);
        }
    }
    pthread_mutex_unlock(&files->lock);
    return BF_OK;
}

enum bf_status files_scan(struct files *files, const struct bf_file_row *after, unsigned limit, struct bf_file_row *ret, unsigned *ret_n)
{
    const struct row *row;
    unsigned n = 0;
    pthread_mutex_lock(&files->lock);
    LL_FOREACH(files->rows, row)
    {
        if (n < limit && (after == NULL || by_place(&row->row, after) > 0))
            ret[n++] = row->row;
    }
    pthread_mutex_unlock(&files->lock);
    *ret_n = n;
    return BF_OK;
}

unsigned files_chunks(struct files *files)
{
    struct chunk *c;
    unsigned n;
    pthread_mutex_lock(&files->lock);
    LL_COUNT(files->chunks, c, n);
    pthread_mutex_unlock(&files->lock);
    return n;
}
