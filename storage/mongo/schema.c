/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mongo/schema.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "storage/internal.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { WANTED_MAX = 64, BUILD_ROUNDS_MAX = 1000 };

/* An index as it should be. */
struct wanted {
    char name[BF__M_INDEX_NAME_MAX];
    bson_t *key;
    bool unique, there;
};

/* The indexes of one collection. */
struct indexes {
    struct bf_session *s;
    struct bf__m_at at;
    struct wanted wanted[WANTED_MAX];
    unsigned n, missing;
};

const char *bf__m_index_name(const struct bf_index *index, char out[BF__M_INDEX_NAME_MAX])
{
    int n = snprintf(out, BF__M_INDEX_NAME_MAX, "bf_%s", index->name);
    assert(n > 0 && n < BF__M_INDEX_NAME_MAX);
    (void)n;
    return out;
}

/* ---- what should be ---- */

static struct wanted *want(struct indexes *x)
{
    assert(x->n < WANTED_MAX);
    struct wanted *w = &x->wanted[x->n++];
    *w = (struct wanted){.key = bson_new()};
    return w;
}

/* The shard key of tenants, the fields, the id. Documents of system collections are looked for in all buckets at once. */
static void want_declared(struct indexes *x, const struct bf_collection *coll, const struct bf_index *index)
{
    struct wanted *w = want(x);
    char path[BF__M_PATH_MAX];
    bf__m_index_name(index, w->name);
    if (coll->cls == BF_TENANT_COLLECTION)
        bf__m_must(bson_append_int32(w->key, "t", -1, 1));
    for (unsigned i = 0; i < index->n_fields; i++)
        bf__m_must(bson_append_int32(w->key, bf__m_path(coll, index->fields[i], path), -1, 1));
    bf__m_must(bson_append_int32(w->key, bf__m_id_path(coll), -1, 1));
}

static void want_requests(struct indexes *x)
{
    struct wanted *w = want(x);
    snprintf(w->name, sizeof w->name, "bf_requests");
    bf__m_must(bson_append_int32(w->key, "t", -1, 1) && bson_append_int32(w->key, "requests", -1, 1));
    w->unique = true;
}

/* Collections are numbered: the store's, then the driver's own. */
static enum bf_status indexes_begin(struct bf_session *s, unsigned number, struct indexes *x, struct bf_error *e)
{
    const struct bf__mongo *db = s->db;
    x->s = s;
    x->n = x->missing = 0;
    if (number >= db->n_collections) {
        if (number - db->n_collections == BF__M_LOG)
            want_requests(x);
        return bf__m_at_own(s, number - db->n_collections, true, "making indexes", &x->at, e);
    }
    const struct bf_collection *coll = db->collections[number];
    for (unsigned i = 0; i < coll->n_indexes; i++)
        want_declared(x, coll, coll->indexes[i]);
    return bf__m_at(s, coll, true, "making indexes", &x->at, e);
}

static void indexes_end(struct indexes *x)
{
    for (unsigned i = 0; i < x->n; i++)
        bson_destroy(x->wanted[i].key);
}

/* ---- what is ---- */

static bool same_key(const bson_t *index, const bson_t *wanted)
{
    bson_iter_t it, a, b;
    if (!bson_iter_init_find(&it, index, "key") || !BSON_ITER_HOLDS_DOCUMENT(&it) || !bson_iter_recurse(&it, &a) ||
        !bson_iter_init(&b, wanted))
        return false;
    for (;;) {
        bool more_a = bson_iter_next(&a), more_b = bson_iter_next(&b);
        if (!more_a || !more_b)
            return more_a == more_b;
        if (strcmp(bson_iter_key(&a), bson_iter_key(&b)) != 0 || bson_iter_as_int64(&a) != bson_iter_as_int64(&b))
            return false;
    }
}

/* True when it is as wanted, or none of ours. */
static bool judge(struct indexes *x, const bson_t *index, char name[BF__M_INDEX_NAME_MAX])
{
    bson_iter_t it;
    name[0] = '\0';
    if (bson_iter_init_find(&it, index, "name") && BSON_ITER_HOLDS_UTF8(&it))
        snprintf(name, BF__M_INDEX_NAME_MAX, "%s", bson_iter_utf8(&it, NULL));
    if (strncmp(name, "bf_", 3) != 0)
        return true;
    bool unique = bson_iter_init_find(&it, index, "unique") && bson_iter_as_bool(&it);
    for (unsigned i = 0; i < x->n; i++) {
        struct wanted *w = &x->wanted[i];
        if (strcmp(w->name, name) == 0 && w->unique == unique && same_key(index, w->key))
            return w->there = true;
    }
    return false;
}

static enum bf_status drop(struct indexes *x, const char *name, struct bf_error *e)
{
    bson_error_t error;
    if (mongoc_collection_drop_index_with_opts(x->at.coll, name, NULL, &error) || error.code == 27) /* IndexNotFound: another was faster */
        return BF_OK;
    return bf__m_at_fail(&x->at, &error, NULL, e);
}

/* Lists them; with `drop_others` those of ours that nobody declares any more, or otherwise, go. */
static enum bf_status look(struct indexes *x, bool drop_others, struct bf_error *e)
{
    enum { OTHERS_MAX = 64 };
    struct bf__m_rows rows = {.at = x->at};
    char names[OTHERS_MAX][BF__M_INDEX_NAME_MAX];
    const bson_t *index;
    unsigned n = 0;
    rows.at.call.writes = false;
    rows.cursor = mongoc_collection_find_indexes_with_opts(x->at.coll, NULL);
    while ((index = bf__m_rows_next(&rows)) != NULL && n < OTHERS_MAX)
        n += !judge(x, index, names[n]);
    enum bf_status status = bf__m_rows_end(&rows, e);
    for (unsigned i = 0; status == BF_OK && drop_others && i < n; i++)
        status = drop(x, names[i], e);
    for (unsigned i = 0; i < x->n; i++)
        x->missing += !x->wanted[i].there;
    return status;
}

/* ---- making ---- */

static void put_command(bson_t *command, const struct indexes *x)
{
    struct bf__m_list list;
    bson_t one;
    bf__m_must(bson_append_utf8(command, "createIndexes", -1, x->at.call.coll, -1));
    bf__m_list_begin(command, "indexes", &list);
    for (unsigned i = 0; i < x->n; i++) {
        const struct wanted *w = &x->wanted[i];
        if (w->there)
            continue;
        bf__m_must(bson_append_document_begin(&list.b, bf__m_list_next(&list), -1, &one));
        bf__m_must(bson_append_utf8(&one, "name", -1, w->name, -1) && bson_append_document(&one, "key", -1, w->key));
        if (w->unique)
            bf__m_must(bson_append_bool(&one, "unique", -1, true));
        bf__m_must(bson_append_document_end(&list.b, &one));
    }
    bf__m_list_end(command, &list);
}

/* A build on much data takes longer than a socket waits: the same command again waits for the build that is under way. */
static enum bf_status make(struct indexes *x, struct bf_error *e)
{
    enum bf_status status = BF_E_UNKNOWN_OUTCOME;
    bson_t command = BSON_INITIALIZER;
    put_command(&command, x);
    for (unsigned rounds = 0; rounds < BUILD_ROUNDS_MAX && status == BF_E_UNKNOWN_OUTCOME; rounds++) {
        bson_error_t error;
        bson_t reply;
        bool done = mongoc_client_write_command_with_opts(x->s->client, x->s->db->settings.database, &command, NULL, &reply, &error);
        status = done ? BF_OK : bf__m_at_fail(&x->at, &error, &reply, e);
        bson_destroy(&reply);
        if (status == BF_E_UNKNOWN_OUTCOME)
            bf_log(x->s->db->env, BF_LOG_INFO, "store.building", "an index is being built", BF_L_STR("collection", x->at.call.coll), BF_L_END);
    }
    bson_destroy(&command);
    return status;
}

static enum bf_status ensure(struct bf_session *s, unsigned number, struct bf_error *e)
{
    struct indexes *x = calloc(1, sizeof *x);
    if (x == NULL)
        abort();
    enum bf_status status = indexes_begin(s, number, x, e);
    if (status == BF_OK)
        status = look(x, /* drop_others= */ true, e);
    if (status == BF_OK && x->missing > 0)
        status = make(x, e);
    indexes_end(x);
    free(x);
    return status;
}

/* A newer build's data are not touched. */
static enum bf_status check_format(struct bf_session *s, struct bf_arena *arena, bool *is_new, struct bf_error *e)
{
    struct bf_str format;
    enum bf_status status = bf__m_meta_get(s, "format", arena, &format, e);
    if (status != BF_OK)
        return status;
    *is_new = format.n == 0;
    int number = *is_new ? BF__FORMAT : atoi(bf_str_dup(arena, format).p);
    if (number > BF__FORMAT)
        return bf_fail(e, BF_E_CONFIG, "the database %s has storage format %d, made by a newer Baifang; this build reads formats up to %d",
                       s->db->settings.database, number, BF__FORMAT);
    return number == BF__FORMAT ? BF_OK : bf_fail(e, BF_E_CORRUPT, "the database %s has no readable storage format", s->db->settings.database);
}

enum bf_status bf__m_schema_ensure(struct bf_session *s, struct bf_error *e)
{
    char text[16];
    bool is_new = false;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = check_format(s, arena, &is_new, e);
    for (unsigned i = 0; i < s->db->n_collections + BF__M_OWN && status == BF_OK; i++)
        status = ensure(s, i, e);
    if (status == BF_OK && is_new)
        status = bf__m_meta_set(s, "format", bf_str(text, (size_t)snprintf(text, sizeof text, "%d", BF__FORMAT)), e);
    bf_arena_destroy(&arena);
    return status;
}

/* ---- checking ---- */

enum bf_status bf__m_check_whole(struct bf_session *s, const struct bf_check *check, struct bf_error *e)
{
    (void)s, (void)check, (void)e;
    return BF_OK; /* the server keeps its own structures */
}

static void tell_missing(const struct indexes *x, const struct bf_check *check)
{
    char line[240];
    for (unsigned i = 0; i < x->n; i++) {
        check->report->keys += x->wanted[i].there;
        if (x->wanted[i].there)
            continue;
        check->report->faults++;
        snprintf(line, sizeof line, "%s: the index %s is missing", x->at.call.coll, x->wanted[i].name);
        if (check->say != NULL)
            check->say(check->ctx, line);
    }
}

/* A slice is a collection: its indexes are listed. The server keeps them true to the documents. */
enum bf_status bf__m_check_keys(struct bf_session *s, const struct bf_check *check, const struct bf_keys_place *at, struct bf_arena *arena,
                                struct bf_keys_place *ret_next, bool *done, struct bf_error *e)
{
    (void)arena;
    struct indexes *x = calloc(1, sizeof *x);
    if (x == NULL)
        abort();
    enum bf_status status = indexes_begin(s, at->part, x, e);
    if (status == BF_OK)
        status = look(x, /* drop_others= */ false, e);
    if (status == BF_OK)
        tell_missing(x, check);
    if (status == BF_OK && check->mend && x->missing > 0) {
        status = make(x, e);
        check->report->mended += status == BF_OK ? x->missing : 0;
    }
    indexes_end(x);
    free(x);
    *ret_next = (struct bf_keys_place){.part = at->part + 1};
    *done = at->part + 1 == s->db->n_collections + BF__M_OWN;
    return status;
}
