/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "storage/embedded/embedded.h"
#include <assert.h>

enum { KEY_N = 24, KEY_REQUEST = 32 };

static void key_of(struct bf_uuid tenant, uint64_t n, uint8_t out[KEY_N])
{
    memcpy(out, tenant.b, 16);
    for (int i = 0; i < 8; i++)
        out[16 + i] = (uint8_t)(n >> (56 - 8 * i));
}

static int64_t n_of(struct bf_str key)
{
    uint64_t n = 0;
    for (int i = 16; i < KEY_N; i++)
        n = n << 8 | (uint8_t)key.p[i];
    return (int64_t)n;
}

static enum bf_status read_row(sqlite3_stmt *st, struct bf_uuid tenant, bool payload, struct bf_arena *arena, struct bf_raw_entry *ret,
                               struct bf_error *e)
{
    struct bf_str key = bf__column(st, 0), leaf = bf__column(st, 2);
    if (key.n != KEY_N || leaf.n != sizeof ret->leaf)
        return bf_fail(e, BF_E_CORRUPT, "a row of the log has a key or leaf hash of the wrong size");
    *ret = (struct bf_raw_entry){.tenant = tenant, .n = n_of(key), .header = bf__column_dup(st, 1, arena)};
    memcpy(ret->leaf, leaf.p, sizeof ret->leaf);
    if (payload)
        ret->payload = bf__column_dup(st, 3, arena);
    return BF_OK;
}

enum bf_status bf__log_read(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max, bool payloads,
                            struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    uint8_t low[KEY_N], high[KEY_N];
    sqlite3_stmt *st;
    size_t bytes = 0;
    unsigned n = 0;
    int rc = SQLITE_ROW;
    enum bf_status status = bf__prepare(s, payloads ? SQL_LOG_READ : SQL_LOG_READ_HEADERS, &st, e);
    if (status != BF_OK)
        return status;
    key_of(tenant, (uint64_t)after_n, low);
    key_of(tenant, INT64_MAX, high);
    bf__bind(st, 1, bf_str((char *)low, KEY_N));
    bf__bind(st, 2, bf_str((char *)high, KEY_N));
    sqlite3_bind_int64(st, 3, limit);
    struct bf_raw_entry *entries = bf_arena_alloc(arena, limit * sizeof *entries);
    while (status == BF_OK && n < limit && bytes < bytes_max && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        status = read_row(st, tenant, payloads, arena, &entries[n], e);
        if (status != BF_OK || entries[n].n != after_n + 1 + n)
            break; /* cannot be read, or a hole */
        bytes += entries[n].header.n + entries[n].payload.n;
        n++;
    }
    if (status == BF_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
        status = bf__sql_fail(s, e, "reading the log");
    sqlite3_reset(st);
    if (status == BF_E_CORRUPT && n > 0)
        status = BF_OK; /* what stands before it is handed out */
    if (status == BF_OK) {
        *ret = entries;
        *ret_n = n;
    }
    return status;
}

enum bf_status bf__log_last(struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_raw_entry **ret,
                            struct bf_error *e)
{
    uint8_t low[KEY_N], high[KEY_N];
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_LOG_LAST, &st, e);
    if (status != BF_OK)
        return status;
    key_of(tenant, 0, low);
    key_of(tenant, INT64_MAX, high);
    bf__bind(st, 1, bf_str((char *)low, KEY_N));
    bf__bind(st, 2, bf_str((char *)high, KEY_N));
    int rc = sqlite3_step(st);
    struct bf_raw_entry *last = NULL;
    if (rc == SQLITE_ROW) {
        last = bf_arena_alloc(arena, sizeof *last);
        status = read_row(st, tenant, false, arena, last, e);
    } else if (rc != SQLITE_DONE) {
        status = bf__sql_fail(s, e, "reading the log");
    }
    sqlite3_reset(st);
    if (status == BF_OK)
        *ret = last;
    return status;
}

static void request_key(struct bf_uuid tenant, const struct bf_request_id *id, uint8_t out[KEY_REQUEST])
{
    memcpy(out, tenant.b, 16);
    memcpy(out + 16, id->b, 16);
}

enum bf_status bf__log_requests(struct bf_session *s, struct bf_uuid tenant, const struct bf_request_id *ids, unsigned n, int64_t *ret_n,
                                struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_LOG_REQUEST, &st, e);
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        uint8_t key[KEY_REQUEST];
        request_key(tenant, &ids[i], key);
        bf__bind(st, 1, bf_str((char *)key, KEY_REQUEST));
        int rc = sqlite3_step(st);
        ret_n[i] = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            status = bf__sql_fail(s, e, "looking up a request");
        sqlite3_reset(st);
    }
    return status;
}

/* The next tenant behind `key`, skipping to it in the index. */
static enum bf_status next_tenant(struct bf_session *s, sqlite3_stmt *st, struct bf_str key, struct bf_uuid *ret, bool *found,
                                  struct bf_error *e)
{
    bf__bind(st, 1, key);
    int rc = sqlite3_step(st);
    *found = rc == SQLITE_ROW && bf__column(st, 0).n == KEY_N;
    if (*found)
        memcpy(ret->b, bf__column(st, 0).p, sizeof ret->b);
    enum bf_status status = rc == SQLITE_ROW || rc == SQLITE_DONE ? BF_OK : bf__sql_fail(s, e, "reading the log");
    sqlite3_reset(st);
    return status;
}

enum bf_status bf__log_tenants(struct bf_session *s, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e)
{
    struct bf_buf tenants;
    uint8_t key[KEY_N] = {0};
    struct bf_uuid tenant;
    sqlite3_stmt *st;
    bool found = true;
    bf_buf_init(&tenants, SIZE_MAX / 2);
    enum bf_status status = bf__prepare(s, SQL_LOG_NEXT, &st, e);
    while (status == BF_OK && found) {
        status = next_tenant(s, st, bf_str((char *)key, KEY_N), &tenant, &found, e);
        if (status == BF_OK && found) {
            bf_buf_add(&tenants, &tenant, sizeof tenant);
            key_of(tenant, UINT64_MAX, key);
        }
    }
    if (status == BF_OK) {
        *ret = bf_arena_dup(arena, tenants.p, tenants.n);
        *ret_n = (unsigned)(tenants.n / sizeof tenant);
    }
    bf_buf_finish(&tenants);
    return status;
}

static enum bf_status add_request(struct bf_session *s, const struct bf_raw_entry *entry, const struct bf_request_id *id,
                                  struct bf_error *e)
{
    uint8_t key[KEY_REQUEST];
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_LOG_REQUEST_INSERT, &st, e);
    if (status != BF_OK)
        return status;
    request_key(entry->tenant, id, key);
    bf__bind(st, 1, bf_str((char *)key, KEY_REQUEST));
    sqlite3_bind_int64(st, 2, entry->n);
    return bf__run(s, st, e, "writing the log");
}

enum bf_status bf__append(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    const struct bf_raw_entry *entry = &append->entry;
    uint8_t key[KEY_N];
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_LOG_INSERT, &st, e);
    if (status != BF_OK)
        return status;
    key_of(entry->tenant, (uint64_t)entry->n, key);
    bf__bind(st, 1, bf_str((char *)key, KEY_N));
    bf__bind(st, 2, entry->header);
    bf__bind(st, 3, bf_str((const char *)entry->leaf, sizeof entry->leaf));
    bf__bind(st, 4, entry->payload);
    status = bf__run(s, st, e, "writing the log");
    for (unsigned i = 0; i < append->n_requests && status == BF_OK; i++)
        status = add_request(s, entry, &append->requests[i], e);
    return status;
}
