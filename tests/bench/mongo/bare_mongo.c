/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/mongo/bare_mongo.h"
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64, TENANTS_MAX = 64, CUSTOMERS = 2000, REPS = 40, NAME = 64 };
enum shape { LOG, VISIT, VERDICT, CAPTURE, WEEK, LAST, SHAPES };
static const char *const store_names[SHAPES] = {"log", "bench_visits", "bench_verdicts", "bench_captures", "bench_weeks", "bench_last"};

struct bare {
    mongoc_client_pool_t *pool;
    char database[NAME];
    bson_t *shapes[SHAPES]; /* without _id and t, and the log's without n and requests */
    atomic_uint next, entries[TENANTS_MAX];
};

static void must(bool ok, const bson_error_t *error)
{
    if (!ok) {
        fprintf(stderr, "bare_mongo: %s\n", error == NULL ? "failed" : error->message);
        exit(1);
    }
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bare_name(enum shape shape, char out[NAME]) { snprintf(out, NAME, "bare_%s", store_names[shape]); }

/* ---- shapes ---- */

static void copy_shape(struct bare *b, mongoc_client_t *client, enum shape shape)
{
    mongoc_collection_t *coll = mongoc_client_get_collection(client, b->database, store_names[shape]);
    bson_t *filter = bson_new(), *opts = BCON_NEW("sort", "{", "_id", BCON_INT32(-1), "}", "limit", BCON_INT64(1));
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(coll, filter, opts, NULL);
    const bson_t *doc;
    must(mongoc_cursor_next(cursor, &doc), NULL);
    b->shapes[shape] = bson_new();
    bson_copy_to_excluding_noinit(doc, b->shapes[shape], "_id", "t", "n", "requests", NULL);
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
    bson_destroy(opts);
    mongoc_collection_destroy(coll);
}

static void copy_index(const bson_t *index, bson_t *to, const char *key)
{
    bson_t sub;
    bson_append_document_begin(to, key, -1, &sub);
    bson_copy_to_excluding_noinit(index, &sub, "v", "ns", NULL);
    bson_append_document_end(to, &sub);
}

static void copy_indexes(struct bare *b, mongoc_client_t *client, enum shape shape)
{
    char name[NAME], key[16];
    const char *at;
    bson_error_t error;
    bson_t command = BSON_INITIALIZER, list, *index_opts = bson_new();
    const bson_t *index;
    unsigned n = 0;
    bare_name(shape, name);
    mongoc_collection_t *coll = mongoc_client_get_collection(client, b->database, store_names[shape]);
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(coll, index_opts);
    BSON_APPEND_UTF8(&command, "createIndexes", name);
    bson_append_array_begin(&command, "indexes", -1, &list);
    while (mongoc_cursor_next(cursor, &index)) {
        bson_iter_t it;
        if (bson_iter_init_find(&it, index, "name") && strcmp(bson_iter_utf8(&it, NULL), "_id_") == 0)
            continue;
        bson_uint32_to_string(n++, &at, key, sizeof key);
        copy_index(index, &list, at);
    }
    bson_append_array_end(&command, &list);
    if (n > 0)
        must(mongoc_client_command_simple(client, b->database, &command, NULL, NULL, &error), &error);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(coll);
    bson_destroy(&command);
    bson_destroy(index_opts);
}

struct bare *bare_open(const char *uri)
{
    struct bare *b = calloc(1, sizeof *b);
    bson_error_t error;
    mongoc_init();
    mongoc_uri_t *parsed = mongoc_uri_new_with_error(uri, &error);
    must(parsed != NULL, &error);
    snprintf(b->database, sizeof b->database, "%s", mongoc_uri_get_database(parsed));
    mongoc_uri_set_option_as_int32(parsed, MONGOC_URI_MAXPOOLSIZE, THREADS_MAX);
    mongoc_uri_set_option_as_bool(parsed, MONGOC_URI_JOURNAL, true);
    mongoc_uri_set_option_as_utf8(parsed, MONGOC_URI_W, "majority");
    b->pool = mongoc_client_pool_new(parsed);
    mongoc_uri_destroy(parsed);
    mongoc_client_t *client = mongoc_client_pool_pop(b->pool);
    for (unsigned i = 0; i < SHAPES; i++) {
        copy_shape(b, client, (enum shape)i);
        copy_indexes(b, client, (enum shape)i);
    }
    mongoc_client_pool_push(b->pool, client);
    return b;
}

void bare_close(struct bare *b)
{
    for (unsigned i = 0; i < SHAPES; i++)
        bson_destroy(b->shapes[i]);
    mongoc_client_pool_destroy(b->pool);
    free(b);
}

/* ---- creates ---- */

static void put_id(bson_t *doc, const char *key, unsigned tenant, unsigned kind, unsigned n)
{
    uint8_t t[16] = {0xb1, (uint8_t)tenant}, i[16] = {1, 0x90, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0x70, (uint8_t)kind};
    bson_t sub;
    bson_append_document_begin(doc, key, -1, &sub);
    bson_append_binary(&sub, "t", 1, BSON_SUBTYPE_UUID, t, 16);
    if (kind == LOG)
        bson_append_int64(&sub, "n", 1, n);
    else
        bson_append_binary(&sub, "i", 1, BSON_SUBTYPE_UUID, i, 16);
    bson_append_document_end(doc, &sub);
    bson_append_binary(doc, "t", 1, BSON_SUBTYPE_UUID, t, 16);
}

static void make(const struct bare *b, enum shape shape, unsigned tenant, unsigned n, unsigned request, bson_t *doc)
{
    put_id(doc, "_id", tenant, shape, n);
    if (shape == LOG) {
        uint8_t id[16] = {0};
        bson_t list;
        memcpy(id, &request, sizeof request);
        bson_append_int64(doc, "n", 1, n);
        bson_append_array_begin(doc, "requests", -1, &list);
        bson_append_binary(&list, "0", 1, BSON_SUBTYPE_BINARY, id, 16);
        bson_append_array_end(doc, &list);
    }
    bson_concat(doc, b->shapes[shape]);
}

static mongoc_collection_t *open_bare(const struct bare *b, mongoc_client_t *client, enum shape shape)
{
    char name[NAME];
    bare_name(shape, name);
    return mongoc_client_get_collection(client, b->database, name);
}

static void insert(const struct bare *b, mongoc_collection_t *coll, enum shape shape, unsigned tenant, unsigned n, unsigned request)
{
    bson_t doc = BSON_INITIALIZER, *opts = BCON_NEW("validate", BCON_BOOL(false));
    bson_error_t error;
    make(b, shape, tenant, n, request, &doc);
    must(mongoc_collection_insert_one(coll, &doc, opts, NULL, &error), &error);
    bson_destroy(&doc);
    bson_destroy(opts);
}

static void replace(const struct bare *b, mongoc_collection_t *coll, enum shape shape, unsigned tenant, unsigned n)
{
    bson_t doc = BSON_INITIALIZER, filter = BSON_INITIALIZER, reply, *opts = BCON_NEW("validate", BCON_BOOL(false));
    bson_error_t error;
    bson_iter_t it;
    put_id(&filter, "_id", tenant, shape, n);
    make(b, shape, tenant, n, 0, &doc);
    must(mongoc_collection_replace_one(coll, &filter, &doc, opts, &reply, &error), &error);
    if (bson_iter_init_find(&it, &reply, "matchedCount") && bson_iter_as_int64(&it) == 0)
        (void)mongoc_collection_insert_one(coll, &doc, opts, NULL, NULL); /* the first time; another thread may be as quick */
    bson_destroy(&doc);
    bson_destroy(&filter);
    bson_destroy(&reply);
    bson_destroy(opts);
}

struct creator {
    struct bare *bare;
    unsigned tenants, n;
    pthread_t thread;
};

static void *create_some(void *arg)
{
    struct creator *c = arg;
    struct bare *b = c->bare;
    mongoc_client_t *client = mongoc_client_pool_pop(b->pool);
    mongoc_collection_t *colls[SHAPES];
    for (unsigned i = 0; i < SHAPES; i++)
        colls[i] = open_bare(b, client, (enum shape)i);
    for (unsigned at; (at = atomic_fetch_add(&b->next, 1)) < c->n;) {
        unsigned n = at + 1, tenant = at % c->tenants, customer = at * 7919 % CUSTOMERS;
        insert(b, colls[LOG], LOG, tenant, atomic_fetch_add(&b->entries[tenant], 1) + 1, n);
        insert(b, colls[VISIT], VISIT, tenant, n, 0);
        insert(b, colls[VERDICT], VERDICT, tenant, n, 0);
        insert(b, colls[CAPTURE], CAPTURE, tenant, n, 0);
        replace(b, colls[WEEK], WEEK, tenant, customer % REPS);
        replace(b, colls[LAST], LAST, tenant, customer);
    }
    for (unsigned i = 0; i < SHAPES; i++)
        mongoc_collection_destroy(colls[i]);
    mongoc_client_pool_push(b->pool, client);
    return NULL;
}

static void empty_bare(struct bare *b)
{
    mongoc_client_t *client = mongoc_client_pool_pop(b->pool);
    bson_t all = BSON_INITIALIZER;
    for (unsigned i = 0; i < SHAPES; i++) {
        mongoc_collection_t *coll = open_bare(b, client, (enum shape)i);
        (void)mongoc_collection_delete_many(coll, &all, NULL, NULL, NULL);
        mongoc_collection_destroy(coll);
    }
    for (unsigned i = 0; i < TENANTS_MAX; i++)
        atomic_store(&b->entries[i], 0);
    bson_destroy(&all);
    mongoc_client_pool_push(b->pool, client);
}

double bare_creates_per_s(struct bare *b, unsigned threads, unsigned tenants, unsigned n)
{
    struct creator creators[THREADS_MAX];
    empty_bare(b);
    atomic_store(&b->next, 0);
    double began = seconds_now();
    for (unsigned i = 0; i < threads; i++) {
        creators[i] = (struct creator){.bare = b, .tenants = tenants, .n = n};
        must(pthread_create(&creators[i].thread, NULL, create_some, &creators[i]) == 0, NULL);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(creators[i].thread, NULL);
    return n / (seconds_now() - began);
}

/* ---- reads ---- */

static void read_all(mongoc_collection_t *coll, const bson_t *filter, const bson_t *opts, unsigned wanted)
{
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(coll, filter, opts, NULL);
    const bson_t *doc;
    unsigned n = 0;
    while (mongoc_cursor_next(cursor, &doc))
        n++;
    must(n == wanted, NULL);
    mongoc_cursor_destroy(cursor);
}

void bare_gets(struct bare *b, const unsigned char (*ids)[16], unsigned n)
{
    static const uint8_t tenant[16] = {0xa1, 0xa1};
    mongoc_client_t *client = mongoc_client_pool_pop(b->pool);
    mongoc_collection_t *coll = mongoc_client_get_collection(client, b->database, store_names[VISIT]);
    bson_t *opts = BCON_NEW("readConcern", "{", "level", "majority", "}", "limit", BCON_INT64(2));
    for (unsigned i = 0; i < n; i++) {
        bson_t filter = BSON_INITIALIZER, sub;
        bson_append_binary(&filter, "t", 1, BSON_SUBTYPE_UUID, tenant, 16);
        bson_append_document_begin(&filter, "_id", -1, &sub);
        bson_append_binary(&sub, "t", 1, BSON_SUBTYPE_UUID, tenant, 16);
        bson_append_binary(&sub, "i", 1, BSON_SUBTYPE_UUID, ids[i], 16);
        bson_append_document_end(&filter, &sub);
        read_all(coll, &filter, opts, 1);
        bson_destroy(&filter);
    }
    bson_destroy(opts);
    mongoc_collection_destroy(coll);
    mongoc_client_pool_push(b->pool, client);
}

void bare_pages(struct bare *b, const unsigned char tenant[16], const unsigned char (*owners)[16], unsigned n)
{
    mongoc_client_t *client = mongoc_client_pool_pop(b->pool);
    mongoc_collection_t *coll = mongoc_client_get_collection(client, b->database, store_names[VISIT]);
    bson_t *opts = BCON_NEW("readConcern", "{", "level", "majority", "}", "limit", BCON_INT64(50), "sort", "{", "t", BCON_INT32(1), "f.owner_id",
                            BCON_INT32(1), "f.happened_at", BCON_INT32(1), "_id.i", BCON_INT32(1), "}");
    for (unsigned i = 0; i < n; i++) {
        bson_t filter = BSON_INITIALIZER;
        bson_append_binary(&filter, "t", 1, BSON_SUBTYPE_UUID, tenant, 16);
        bson_append_binary(&filter, "f.owner_id", -1, BSON_SUBTYPE_UUID, owners[i], 16);
        read_all(coll, &filter, opts, 50);
        bson_destroy(&filter);
    }
    bson_destroy(opts);
    mongoc_collection_destroy(coll);
    mongoc_client_pool_push(b->pool, client);
}

/* ---- GridFS ---- */

struct sender {
    struct bare *bare;
    const void *content;
    size_t content_n, total;
    unsigned number;
    pthread_t thread;
};

static void *send_one(void *arg)
{
    struct sender *s = arg;
    char name[32];
    bson_error_t error;
    bson_value_t id;
    mongoc_client_t *client = mongoc_client_pool_pop(s->bare->pool);
    mongoc_database_t *database = mongoc_client_get_database(client, s->bare->database);
    mongoc_gridfs_bucket_t *bucket = mongoc_gridfs_bucket_new(database, NULL, NULL, &error);
    must(bucket != NULL, &error);
    snprintf(name, sizeof name, "upload-%u", s->number);
    mongoc_stream_t *stream = mongoc_gridfs_bucket_open_upload_stream(bucket, name, NULL, &id, &error);
    must(stream != NULL, &error);
    for (size_t at = 0; at < s->total; at += s->content_n)
        must(mongoc_stream_write(stream, (void *)(uintptr_t)s->content, s->content_n, 0) == (ssize_t)s->content_n, NULL);
    must(mongoc_stream_close(stream) == 0, NULL);
    mongoc_stream_destroy(stream);
    must(mongoc_gridfs_bucket_delete_by_id(bucket, &id, &error), &error);
    bson_value_destroy(&id);
    mongoc_gridfs_bucket_destroy(bucket);
    mongoc_database_destroy(database);
    mongoc_client_pool_push(s->bare->pool, client);
    return NULL;
}

double bare_uploads_mb_s(struct bare *b, unsigned threads, const void *content, size_t content_n, size_t total)
{
    struct sender senders[THREADS_MAX];
    double began = seconds_now();
    for (unsigned i = 0; i < threads; i++) {
        senders[i] = (struct sender){.bare = b, .content = content, .content_n = content_n, .total = total, .number = i};
        must(pthread_create(&senders[i].thread, NULL, send_one, &senders[i]) == 0, NULL);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(senders[i].thread, NULL);
    return threads * (total / 1e6) / (seconds_now() - began);
}
