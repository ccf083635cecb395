/* SPDX-License-Identifier: Apache-2.0 */
/* How much one page may look at; and that the suite's ear for shard keys hears what it should. */
#include "tests/storage/mongo/database.h"
#include "tests/storage/mongo/rig.h"
#include "tests/storage/mongo/shard_keys.h"

enum { MANY = 45000, WANTED_AT = 44000, BATCH = 5000 };

static void put_uuid(bson_t *b, const char *key, struct bf_uuid id) { bson_append_binary(b, key, -1, BSON_SUBTYPE_UUID, id.b, sizeof id.b); }

/* Written past the store, which would take long: scores 0, 1, 2 ... of one owner; only one has the flag. */
static bson_t *raw_note(unsigned i)
{
    bson_t *b = bson_new(), sub;
    struct bf_uuid id = suite_uuid(i + 1);
    bson_append_document_begin(b, "_id", -1, &sub);
    put_uuid(&sub, "t", tenant_a);
    put_uuid(&sub, "i", id);
    bson_append_document_end(b, &sub);
    put_uuid(b, "t", tenant_a);
    bson_append_int32(b, "v", -1, 1);
    bson_append_int64(b, "rev", -1, 1);
    bson_append_int64(b, "n", -1, 0);
    bson_append_int32(b, "k", -1, 0);
    bson_append_document_begin(b, "f", -1, &sub);
    put_uuid(&sub, "owner_id", suite_uuid(7));
    bson_append_int64(&sub, "score", -1, i);
    if (i == WANTED_AT)
        bson_append_bool(&sub, "flag", -1, true);
    bson_append_document_end(b, &sub);
    return b;
}

static void fill(struct suite *s)
{
    bson_error_t error;
    bson_t *docs[BATCH];
    mongoc_client_t *client = rig_connect(s);
    mongoc_collection_t *coll = mongoc_client_get_collection(client, harness_database(s->harness)->name, "notes");
    for (unsigned at = 0; at < MANY; at += BATCH) {
        for (unsigned i = 0; i < BATCH; i++)
            docs[i] = raw_note(at + i);
        if (!mongoc_collection_insert_many(coll, (const bson_t **)(void *)docs, BATCH, NULL, NULL, &error))
            fail_msg("%s", error.message);
        for (unsigned i = 0; i < BATCH; i++)
            bson_destroy(docs[i]);
    }
    mongoc_collection_destroy(coll);
    rig_disconnect(client);
}

static void a_page_that_finds_little_gives_up_and_the_next_goes_on(void **state)
{
    struct suite *s = *state;
    struct bf_value owner = {.type = BF_T_UUID, .uuid = suite_uuid(7)}, yes = {.type = BF_T_BOOL, .b = true};
    struct bf_cond conds[] = {{T_OWNER, BF_EQ, &owner, 1}, {T_FLAG, BF_EQ, &yes, 1}};
    struct bf_query q = {.coll = &notes, .tenant = tenant_a, .conds = conds, .n_conds = 2, .index = &notes_by_owner, .limit = 10};
    fill(s);
    for (unsigned down = 0; down < 2; down++) {
        unsigned pages = 0, found = 0;
        q.descending = down == 1;
        q.after = bf_str(NULL, 0);
        do {
            struct bf_page page;
            struct bf_error e = {0};
            if (bf_store_find(s->store, &q, s->arena, &page, &e) != BF_OK)
                fail_msg("find: %s", e.cause);
            for (unsigned i = 0; i < page.n; i++)
                assert_int_equal(bf_get_int(&page.docs[i]->object, T_SCORE), WANTED_AT);
            found += page.n;
            pages++;
            q.after = page.next;
        } while (q.after.n > 0);
        assert_int_equal(found, 1);
        assert_int_equal(pages, 1 + MANY / BF_EXAMINE_MAX);
    }
}

/* The edge seals cursors, so these come from mistakes: of another query, or cut. */
static void a_cursor_that_is_none_is_refused(void **state)
{
    struct suite *s = *state;
    struct bf_query q = {.coll = &notes, .tenant = tenant_a, .index = &notes_by_ratio, .limit = 1};
    struct bf_page page, other;
    for (unsigned i = 0; i < 3; i++) {
        struct bf_doc *doc = thing(s, &notes, tenant_a, suite_uuid(i + 1), "x");
        bf_set_double(&doc->object, T_RATIO, i);
        insert(s, &notes, doc);
    }
    assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
    char *bytes = bf_arena_dup(s->arena, page.next.p, page.next.n);
    q.after = page.next;
    q.index = &notes_by_flag;
    assert_int_equal(bf_store_find(s->store, &q, s->arena, &other, NULL), BF_E_INVALID_QUERY);
    q.index = &notes_by_ratio;
    for (size_t i = 0; i < page.next.n; i++) {
        q.after = bf_str(bytes, i + 1);
        assert_int_equal(bf_store_find(s->store, &q, s->arena, &other, NULL), i + 1 == page.next.n ? BF_OK : BF_E_INVALID_QUERY);
    }
    for (size_t i = 0; i < page.next.n; i++) {
        q.after = bf_str(bytes, page.next.n);
        bytes[i] ^= 0x55;
        enum bf_status status = bf_store_find(s->store, &q, s->arena, &other, NULL);
        assert_true(status == BF_OK || status == BF_E_INVALID_QUERY);
        bytes[i] ^= 0x55;
    }
}

/* ---- the ear ---- */

static void check_ear(const char *command, const char *json, bool sound)
{
    struct shard_keys keys = {.collections = {&notes, &ticks}, .n = 2};
    bson_error_t error;
    bson_t *body = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (body == NULL)
        fail_msg("%s: %s", json, error.message);
    const char *fault = shard_keys_fault(&keys, command, body);
    if ((fault == NULL) != sound)
        fail_msg("%s: %s", json, fault == NULL ? "not heard" : fault);
    bson_destroy(body);
}

#define T "\"t\": {\"$binary\": {\"base64\": \"oQAAAAAAAAAAAAAAAAAAAA==\", \"subType\": \"04\"}}"
#define READ "\"readConcern\": {\"level\": \"majority\"}"
#define WRITE "\"writeConcern\": {\"w\": \"majority\", \"j\": true}"

static void a_command_without_its_shard_key_is_heard(void **state)
{
    (void)state;
    check_ear("find", "{\"find\": \"notes\", \"filter\": {" T ", \"f.name\": \"x\"}, " READ "}", true);
    check_ear("find", "{\"find\": \"notes\", \"filter\": {\"f.name\": \"x\"}, " READ "}", false);
    check_ear("find", "{\"find\": \"notes\", \"filter\": {\"$and\": [{" T "}]}, " READ "}", false);
    check_ear("find", "{\"find\": \"notes\", \"filter\": {" T "}}", false);
    check_ear("find", "{\"find\": \"ticks\", \"filter\": {" T "}, " READ "}", false);
    check_ear("find", "{\"find\": \"ticks\", \"filter\": {\"b\": {\"$in\": [1, 2]}}, " READ "}", true);
    check_ear("find", "{\"find\": \"other\", \"filter\": {" T "}, " READ "}", false);
    check_ear("aggregate", "{\"aggregate\": \"notes\", \"pipeline\": [{\"$match\": {" T "}}], " READ "}", true);
    check_ear("aggregate", "{\"aggregate\": \"notes\", \"pipeline\": [{\"$match\": {\"x\": 1}}, {\"$match\": {" T "}}], " READ "}", false);
    check_ear("insert", "{\"insert\": \"notes\", \"documents\": [{" T "}, {" T "}], " WRITE "}", true);
    check_ear("insert", "{\"insert\": \"notes\", \"documents\": [{" T "}, {\"x\": 1}], " WRITE "}", false);
    check_ear("insert", "{\"insert\": \"notes\", \"documents\": [{" T "}], \"writeConcern\": {\"w\": 1}}", false);
    check_ear("update", "{\"update\": \"log\", \"updates\": [{\"q\": {" T "}, \"u\": {}}], " WRITE "}", true);
    check_ear("update", "{\"update\": \"log\", \"updates\": [{\"q\": {}, \"u\": {" T "}}], " WRITE "}", false);
    check_ear("delete", "{\"delete\": \"ticks\", \"deletes\": [{\"q\": {\"b\": 3}, \"limit\": 1}], " WRITE "}", true);
    check_ear("delete", "{\"delete\": \"ticks\", \"deletes\": [{\"q\": {\"_id\": 3}, \"limit\": 1}], " WRITE "}", false);
    check_ear("count", "{\"count\": \"notes\", \"query\": {" T "}, " READ "}", false);
}

/* Ids that are none of ours, which have no place in the order, stand before the others of their tenant. */
static void put_strangers(struct suite *s, unsigned n)
{
    bson_error_t error;
    mongoc_client_t *client = rig_connect(s);
    mongoc_collection_t *coll = mongoc_client_get_collection(client, harness_database(s->harness)->name, "notes");
    for (unsigned i = 0; i < n; i++) {
        bson_t b = BSON_INITIALIZER, sub;
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        bson_append_document_begin(&b, "_id", -1, &sub);
        put_uuid(&sub, "t", tenant_a);
        bson_append_utf8(&sub, "i", -1, name, -1);
        bson_append_document_end(&b, &sub);
        put_uuid(&b, "t", tenant_a);
        if (!mongoc_collection_insert_one(coll, &b, NULL, NULL, &error))
            fail_msg("%s", error.message);
        bson_destroy(&b);
    }
    mongoc_collection_destroy(coll);
    rig_disconnect(client);
}

static void a_scan_passes_over_ids_that_cannot_be_read_however_many(void **state)
{
    enum { GOOD = 25, PAGE = 10 };
    struct suite *s = *state;
    struct bf_row *rows, last;
    unsigned n = PAGE, found = 0;
    for (unsigned i = 0; i < GOOD; i++)
        insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(i + 1), "good"));
    put_strangers(s, 2 * PAGE + 1);
    for (bool begun = false; n == PAGE; begun = true) {
        assert_int_equal(rig_vt(s)->scan(rig_session(s), &notes, begun ? &last : NULL, PAGE, s->arena, &rows, &n, NULL), BF_OK);
        for (unsigned i = 0; i < n; i++, found++) {
            struct bf_uuid id = suite_uuid(found + 1);
            assert_true(bf_uuid_eq(&rows[i].id, &id));
            last = rows[i];
        }
    }
    assert_int_equal(found, GOOD);
}

SUITE_PART(suite_bounds, SUITE_TEST(a_scan_passes_over_ids_that_cannot_be_read_however_many), SUITE_TEST(a_page_that_finds_little_gives_up_and_the_next_goes_on), SUITE_TEST(a_cursor_that_is_none_is_refused),
           SUITE_TEST(a_command_without_its_shard_key_is_heard));
