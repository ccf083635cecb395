/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's own commands that stand alone: appending, rolling forward, writing; in any order, from many sessions. */
#include "storage/bson.h"
#include "tests/storage/mongo/rig.h"
#include <pthread.h>

enum { N_DOCS = 6, N_VERSIONS = 8, N_THREADS = 4 };

/* The document `i` as operation (n, k) left it. Every seventh is a tombstone. */
static struct bf_apply version(struct bf_arena *arena, unsigned i, int64_t n, int k, bool known)
{
    const struct bf_collection *coll = i % 2 == 0 ? &items : &parts;
    struct bf_doc *doc = bf_doc_create(arena, &thing_schema, tenant_a, suite_uuid(100 + i));
    doc->rev = n * 10 + k + 1;
    doc->n = n;
    doc->k = k;
    doc->tombstone = (n + k) % 7 == 6;
    bf_set_str(&doc->object, T_NAME, bf_strz(bf_arena_printf(arena, "%u at %lld.%d", i, (long long)n, k)));
    return (struct bf_apply){.coll = coll, .before = known ? doc : NULL, .after = doc, .bson = bf__bson_encode(arena, doc)};
}

/* Each document's versions (1, 0), (1, 1), (2, 0) ... in another order each time. */
static unsigned shuffled(struct bf_arena *arena, unsigned seed, struct bf_apply *ret)
{
    unsigned n = 0, dice = seed * 2654435761u + 12345;
    for (unsigned i = 0; i < N_DOCS; i++)
        for (unsigned v = 0; v < N_VERSIONS; v++) {
            dice = dice * 1664525u + 1013904223u;
            ret[n++] = version(arena, i, 1 + v / 2, (int)(v % 2), dice >> 30 == 0);
        }
    for (unsigned i = n; i > 1; i--) {
        dice = dice * 1664525u + 1013904223u;
        unsigned j = (dice >> 8) % i;
        struct bf_apply other = ret[i - 1];
        ret[i - 1] = ret[j];
        ret[j] = other;
    }
    return n;
}

static void check_newest(struct suite *s)
{
    for (unsigned i = 0; i < N_DOCS; i++) {
        struct bf_apply newest = version(s->arena, i, N_VERSIONS / 2, 1, false);
        struct bf_doc *doc = get(s, newest.coll, tenant_a, newest.after->id);
        assert_non_null(doc);
        assert_int_equal(doc->n, newest.after->n);
        assert_int_equal(doc->k, newest.after->k);
        assert_int_equal(doc->rev, newest.after->rev);
        assert_int_equal(doc->tombstone, newest.after->tombstone);
        assert_string_equal(name_of(doc), newest.after->tombstone ? "" : bf_get_str(&newest.after->object, T_NAME).p);
    }
}

static void documents_end_as_the_newest_operation_in_whatever_order(void **state)
{
    struct suite *s = *state;
    struct bf_apply applies[N_DOCS * N_VERSIONS];
    struct bf_error e = {0};
    for (unsigned round = 0; round < 3; round++) {
        unsigned n = shuffled(s->arena, round + 1, applies), at = 0, step;
        for (; at < n; at += step) {
            step = 1 + at % 5 < n - at ? 1 + at % 5 : n - at;
            if (rig_vt(s)->apply(rig_session(s), applies + at, step, s->arena, &e) != BF_OK)
                fail_msg("apply: %s", e.cause);
        }
        check_newest(s);
    }
}

struct roller {
    struct suite *s;
    unsigned seed;
    pthread_t thread;
};

static void *roll(void *arg)
{
    struct roller *r = arg;
    struct bf_driver *driver = r->s->store->driver;
    struct bf_session *session = driver->vt->reader(driver);
    struct bf_arena *arena = bf_arena_create();
    struct bf_apply applies[N_DOCS * N_VERSIONS];
    unsigned n = shuffled(arena, r->seed, applies);
    for (unsigned i = 0; i < n; i += 4)
        if (driver->vt->apply(session, applies + i, n - i < 4 ? n - i : 4, arena, NULL) != BF_OK)
            abort();
    bf_arena_destroy(&arena);
    driver->vt->release(driver, session);
    return NULL;
}

static void several_roll_forward_at_once(void **state)
{
    struct suite *s = *state;
    struct roller rollers[N_THREADS];
    for (unsigned i = 0; i < N_THREADS; i++) {
        rollers[i] = (struct roller){.s = s, .seed = 77 + i};
        assert_int_equal(pthread_create(&rollers[i].thread, NULL, roll, &rollers[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++)
        pthread_join(rollers[i].thread, NULL);
    check_newest(s);
}

/* ---- the log ---- */

static enum bf_status append(struct suite *s, int64_t n, unsigned first_request, unsigned n_requests)
{
    struct bf_request_id requests[8];
    for (unsigned i = 0; i < n_requests; i++)
        requests[i] = request_id(first_request + i);
    struct bf_raw_append a = {.entry = {.tenant = tenant_a, .n = n, .header = BF_STR("header"), .payload = BF_STR("payload"), .leaf = {1, 2, 3}},
                              .requests = requests,
                              .n_requests = n_requests};
    return rig_vt(s)->append(rig_session(s), &a, NULL);
}

static void a_number_and_a_request_are_taken_once(void **state)
{
    struct suite *s = *state;
    int64_t found[3];
    assert_int_equal(append(s, 1, 10, 2), BF_OK);
    assert_int_equal(append(s, 1, 20, 1), BF_E_EXISTS);
    assert_int_equal(append(s, 2, 11, 3), BF_E_EXISTS); /* 11 is taken; 12 and 13 stay free */
    assert_int_equal(append(s, 2, 12, 2), BF_OK);
    assert_int_equal(append(s, 2, 12, 2), BF_E_EXISTS); /* the same once more */
    struct bf_request_id ids[] = {request_id(11), request_id(20), request_id(13)};
    assert_int_equal(rig_vt(s)->log_requests(rig_session(s), tenant_a, ids, 3, found, NULL), BF_OK);
    assert_true(found[0] == 1 && found[1] == 0 && found[2] == 2);
    assert_int_equal(rig_vt(s)->log_requests(rig_session(s), tenant_b, ids, 3, found, NULL), BF_OK);
    assert_true(found[0] == 0 && found[1] == 0 && found[2] == 0);
}

static void reading_stops_at_a_hole(void **state)
{
    struct suite *s = *state;
    struct bf_raw_entry *raw, *last;
    unsigned n;
    for (int64_t i = 1; i <= 5; i++)
        if (i != 4)
            assert_int_equal(append(s, i, (unsigned)i * 10, 1), BF_OK);
    assert_int_equal(rig_vt(s)->log_read(rig_session(s), tenant_a, 0, 100, SIZE_MAX, true, s->arena, &raw, &n, NULL), BF_OK);
    assert_int_equal(n, 3);
    assert_true(bf_str_eqz(raw[2].payload, "payload") && bf_str_eqz(raw[2].header, "header") && raw[2].leaf[1] == 2 && raw[2].n == 3);
    assert_int_equal(rig_vt(s)->log_read(rig_session(s), tenant_a, 0, 100, 1, false, s->arena, &raw, &n, NULL), BF_OK);
    assert_true(n == 1 && raw[0].payload.n == 0);
    assert_int_equal(rig_vt(s)->log_read(rig_session(s), tenant_a, 3, 100, SIZE_MAX, true, s->arena, &raw, &n, NULL), BF_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rig_vt(s)->log_last(rig_session(s), tenant_a, s->arena, &last, NULL), BF_OK);
    assert_int_equal(last->n, 5);
    assert_int_equal(rig_vt(s)->log_last(rig_session(s), tenant_b, s->arena, &last, NULL), BF_OK);
    assert_null(last);
}

/* ---- single documents ---- */

struct putter {
    struct suite *s;
    pthread_t thread;
};

static void *put_often(void *arg)
{
    struct putter *p = arg;
    struct bf_driver *driver = p->s->store->driver;
    struct bf_session *session = driver->vt->reader(driver);
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc *doc = bf_doc_create(arena, &thing_schema, tenant_a, suite_uuid(1));
    struct bf_write w = {.kind = BF_W_PUT, .coll = &notes, .doc = doc};
    for (unsigned i = 0; i < 25; i++)
        if (driver->vt->write(session, &w, arena, NULL) != BF_OK)
            abort();
    bf_arena_destroy(&arena);
    driver->vt->release(driver, session);
    return NULL;
}

static void puts_at_once_all_count(void **state)
{
    struct suite *s = *state;
    struct putter putters[N_THREADS];
    for (unsigned i = 0; i < N_THREADS; i++) {
        putters[i].s = s;
        assert_int_equal(pthread_create(&putters[i].thread, NULL, put_often, &putters[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++)
        pthread_join(putters[i].thread, NULL);
    assert_int_equal(get(s, &notes, tenant_a, suite_uuid(1))->rev, 25 * N_THREADS);
}

static void text_is_never_an_operator(void **state)
{
    struct suite *s = *state;
    static const char *const texts[] = {"$where", "$gt", "{\"$ne\": null}", "f.name", "/.*/", "true"};
    enum { N = sizeof texts / sizeof *texts };
    for (unsigned i = 0; i < N; i++) {
        struct bf_doc *doc = thing(s, &notes, tenant_a, suite_uuid(i + 1), texts[i]);
        bf_set_bool(&doc->object, T_FLAG, true);
        insert(s, &notes, doc);
    }
    for (unsigned i = 0; i < N; i++) {
        struct bf_value yes = {.type = BF_T_BOOL, .b = true}, text = {.type = BF_T_STRING, .s = bf_strz(texts[i])};
        struct bf_cond conds[] = {{T_FLAG, BF_EQ, &yes, 1}, {T_NAME, BF_EQ, &text, 1}};
        struct bf_query q = {.coll = &notes, .tenant = tenant_a, .conds = conds, .n_conds = 2, .index = &notes_by_flag, .limit = 10};
        struct bf_page page;
        assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
        assert_int_equal(page.n, 1);
        assert_string_equal(name_of(page.docs[0]), texts[i]);
    }
}

static void every_document_is_met_by_a_scan(void **state)
{
    struct suite *s = *state;
    struct bf_uuid tenants[] = {tenant_a, tenant_b, {{0x01}}, {{0xff, 0xff}}};
    struct bf_row *rows, last;
    unsigned n, seen = 0;
    for (unsigned t = 0; t < 4; t++)
        for (unsigned i = 0; i < 5; i++)
            insert(s, &notes, thing(s, &notes, tenants[t], suite_uuid(i + 1), "x"));
    bson_destroy(rig_command(s, "{\"update\": \"notes\", \"updates\": [{\"q\": {\"_id.i\": {\"$binary\": {\"base64\": \"AZAAAAADcACAAAAAAAAAAA==\", "
                                "\"subType\": \"04\"}}}, \"u\": {\"$set\": {\"rev\": \"none\"}}, \"multi\": true}]}"));
    do {
        assert_int_equal(rig_vt(s)->scan(rig_session(s), &notes, seen == 0 ? NULL : &last, 3, s->arena, &rows, &n, NULL), BF_OK);
        for (unsigned i = 0; i < n; i++, seen++) {
            assert_true(seen == 0 || memcmp(&last, &rows[i], 2 * sizeof(struct bf_uuid)) < 0);
            last = rows[i];
            bool damaged = bf_uuid_eq(&last.id, &(struct bf_uuid){{0x01, 0x90, 0, 0, 0, 3, 0x70, 0, 0x80}});
            assert_int_equal(damaged, last.doc == NULL);
        }
    } while (n == 3);
    assert_int_equal(seen, 20);
}

SUITE_PART(suite_rolling, SUITE_TEST(documents_end_as_the_newest_operation_in_whatever_order), SUITE_TEST(several_roll_forward_at_once),
           SUITE_TEST(a_number_and_a_request_are_taken_once), SUITE_TEST(reading_stops_at_a_hole), SUITE_TEST(puts_at_once_all_count),
           SUITE_TEST(text_is_never_an_operator), SUITE_TEST(every_document_is_met_by_a_scan));
