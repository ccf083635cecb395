/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: nobody there, several at once, formats, indexes; and the bounded set of sessions. */
#include "core/log.h"
#include "core/metrics.h"
#include "tests/storage/mongo/database.h"
#include "tests/storage/mongo/rig.h"
#include <pthread.h>
#include <unistd.h>

static const struct bf_collection *const same[] = {&items, &parts, &notes, &ticks};

static enum bf_status open_at(struct suite *s, const char *place, struct bf_driver **ret, struct bf_error *e)
{
    struct bf_driver_open how = {.env = &s->env, .place = place, .readers = 2, .collections = same, .n_collections = 4};
    return bf__driver_mongo.open(&how, ret, e);
}

static void nobody_there_is_told_within_the_time_given(void **state)
{
    struct suite *s = *state;
    struct bf_driver *driver;
    struct bf_error e = {0};
    assert_int_equal(open_at(s, "//127.0.0.1:1/x?serverSelectionTimeoutMS=200", &driver, &e), BF_E_UNAVAILABLE);
    assert_non_null(strstr(e.cause, "127.0.0.1:1"));
    assert_int_equal(open_at(s, "//user:pass%2@127.0.0.1:1/x", &driver, &e), BF_E_CONFIG);
}

static void a_newer_format_is_refused_by_name(void **state)
{
    struct suite *s = *state;
    struct bf_driver *driver;
    struct bf_error e = {0};
    assert_int_equal(rig_vt(s)->meta_set(rig_session(s), "format", BF_STR("99"), NULL), BF_OK);
    assert_int_equal(open_at(s, harness_database(s->harness)->place, &driver, &e), BF_E_CONFIG);
    assert_non_null(strstr(e.cause, "99"));
    assert_non_null(strstr(e.cause, "newer"));
}

static void upgrade(struct bf_object *object, int from_version)
{
    (void)object;
    (void)from_version;
}

static void what_indexes_could_not_follow_is_refused(void **state)
{
    struct suite *s = *state;
    struct bf_schema newer = thing_schema;
    struct bf_collection changed = notes;
    const struct bf_collection *const declared[] = {&changed};
    struct bf_driver *driver;
    struct bf_error e = {0};
    newer.upgrade = upgrade;
    changed.schema = &newer;
    struct bf_driver_open how = {
        .env = &s->env, .place = harness_database(s->harness)->place, .readers = 1, .collections = declared, .n_collections = 1};
    assert_int_equal(bf__driver_mongo.open(&how, &driver, &e), BF_E_NOT_SUPPORTED);
    assert_non_null(strstr(e.cause, "notes"));
}

struct opener {
    struct suite *s;
    const char *place;
    enum bf_status status;
    struct bf_error e;
    pthread_t thread;
};

static void *open_once(void *arg)
{
    struct opener *o = arg;
    struct bf_driver *driver;
    o->status = open_at(o->s, o->place, &driver, &o->e);
    if (o->status == BF_OK)
        driver->vt->close(&driver);
    return NULL;
}

static void several_may_make_a_new_database_at_once(void **state)
{
    struct suite *s = *state;
    struct database fresh;
    struct opener openers[4];
    database_create(&fresh);
    for (unsigned i = 0; i < 4; i++) {
        openers[i] = (struct opener){.s = s, .place = fresh.place};
        assert_int_equal(pthread_create(&openers[i].thread, NULL, open_once, &openers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(openers[i].thread, NULL);
        if (openers[i].status != BF_OK)
            fail_msg("%u: %s", i, openers[i].e.cause);
    }
    database_destroy(&fresh);
}

/* ---- shards ---- */

/* The first document of the collection; NULL: there is none. */
static bson_t *first_of(const struct suite *s, const char *coll)
{
    bson_iter_t it, batch, one;
    const uint8_t *data;
    uint32_t n;
    bson_t *reply = rig_command(s, bf_arena_printf(s->arena, "{\"find\": \"%s\", \"limit\": 1}", coll)), *doc = NULL;
    assert_true(bson_iter_init(&it, reply) && bson_iter_find_descendant(&it, "cursor.firstBatch", &batch) && bson_iter_recurse(&batch, &one));
    if (bson_iter_next(&one)) {
        bson_iter_document(&one, &n, &data);
        doc = bson_new_from_data(data, n);
    }
    bson_destroy(reply);
    return doc;
}

/* The plan shards it, and by what its documents have. Returns whether it has any. */
static bool is_planned(const struct suite *s, const char *plan, const char *coll)
{
    static const char *const keys[] = {"t", "b"};
    const char *key = NULL;
    for (unsigned i = 0; i < 2; i++)
        if (strstr(plan, bf_arena_printf(s->arena, "sh.shardCollection(\"%s.%s\", {%s: 1})\n", harness_database(s->harness)->name, coll, keys[i])) != NULL)
            key = keys[i];
    if (key == NULL)
        fail_msg("the plan has not %s", coll);
    bson_t *doc = first_of(s, coll);
    bool any = doc != NULL;
    if (any && !bson_has_field(doc, key))
        fail_msg("%s is sharded by %s, which its documents do not have", coll, key);
    bson_destroy(doc);
    return any;
}

static void every_collection_that_there_is_is_sharded_by_what_its_documents_have(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bf_buf out;
    bson_iter_t it, batch, one, name;
    unsigned with_documents = 0;
    struct rename item = {.coll = &items, .id = suite_uuid(1), .name = "x"};
    submit_rename(s, tenant_a, 1, &item, &r);
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(2), "note"));
    struct bf_store_config config = {.uri = bf_strz(harness_database(s->harness)->uri)};
    bf_buf_init(&out, 1 << 20);
    assert_int_equal(bf_store_shard_plan(&config, same, 4, NULL, 0, &out, NULL), BF_OK);
    bf_buf_addc(&out, '\0');
    bson_t *reply = rig_command(s, "{\"listCollections\": 1, \"cursor\": {\"batchSize\": 1000}}");
    assert_true(bson_iter_init(&it, reply) && bson_iter_find_descendant(&it, "cursor.firstBatch", &batch) && bson_iter_recurse(&batch, &one));
    while (bson_iter_next(&one))
        if (bson_iter_recurse(&one, &name) && bson_iter_find(&name, "name"))
            with_documents += is_planned(s, out.p, bson_iter_utf8(&name, NULL));
    assert_true(with_documents >= 5); /* items, notes, subject_keys, heads, log, meta */
    bson_destroy(reply);
    bf_buf_finish(&out);
}

/* ---- indexes ---- */

/* The names of a collection's indexes, one behind another. */
static void list_indexes(const struct suite *s, const char *coll, char out[512])
{
    bson_iter_t it, batch, one, name;
    out[0] = '\0';
    bson_t *reply = rig_command(s, bf_arena_printf(s->arena, "{\"listIndexes\": \"%s\"}", coll));
    assert_true(bson_iter_init(&it, reply) && bson_iter_find_descendant(&it, "cursor.firstBatch", &batch) && bson_iter_recurse(&batch, &one));
    while (bson_iter_next(&one))
        if (bson_iter_recurse(&one, &name) && bson_iter_find(&name, "name"))
            snprintf(out + strlen(out), 512 - strlen(out), "%s ", bson_iter_utf8(&name, NULL));
    bson_destroy(reply);
}

static void declared_indexes_are_made_and_others_of_ours_dropped(void **state)
{
    struct suite *s = *state;
    char names[512];
    bson_destroy(rig_command(s, "{\"createIndexes\": \"notes\", \"indexes\": [{\"name\": \"bf_gone\", \"key\": {\"t\": 1, \"f.gone\": 1}}, "
                                "{\"name\": \"an_operators_own\", \"key\": {\"f.x\": 1}}]}"));
    bson_destroy(rig_command(s, "{\"dropIndexes\": \"notes\", \"index\": \"bf_owner\"}"));
    bson_destroy(rig_command(s, "{\"dropIndexes\": \"notes\", \"index\": \"bf_ratio\"}"));
    bson_destroy(rig_command(s, "{\"createIndexes\": \"notes\", \"indexes\": [{\"name\": \"bf_ratio\", \"key\": {\"t\": 1, \"f.name\": 1}}]}"));
    suite_reopen(s);
    list_indexes(s, "notes", names);
    assert_null(strstr(names, "bf_gone "));
    assert_non_null(strstr(names, "an_operators_own "));
    assert_non_null(strstr(names, "bf_owner "));
    assert_non_null(strstr(names, "bf_ratio "));
    list_indexes(s, "log", names);
    assert_non_null(strstr(names, "bf_requests "));
    struct bf_check_report report;
    assert_int_equal(bf_store_check(s->store, false, NULL, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0); /* bf_ratio is the declared one again */
}

static void keep_line(void *ctx, const char *line) { snprintf(ctx, 200, "%s", line); }

static void a_missing_index_is_told_and_mended(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    char line[200] = "", names[512];
    bson_destroy(rig_command(s, "{\"dropIndexes\": \"notes\", \"index\": \"bf_tags\"}"));
    assert_int_equal(bf_store_check(s->store, false, keep_line, line, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 1);
    assert_string_equal(line, "notes: the index bf_tags is missing");
    assert_int_equal(bf_store_check(s->store, true, keep_line, line, &report, NULL), BF_OK);
    assert_int_equal(report.mended, 1);
    list_indexes(s, "notes", names);
    assert_non_null(strstr(names, "bf_tags "));
    assert_int_equal(bf_store_check(s->store, false, NULL, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
}

/* ---- facts, sessions ---- */

static void *set_fact(void *arg)
{
    struct suite *s = arg;
    struct bf_driver *driver = s->store->driver;
    struct bf_session *session = driver->vt->reader(driver);
    enum bf_status status = driver->vt->meta_set(session, "fact", BF_STR("value"), NULL);
    driver->vt->release(driver, session);
    return status == BF_OK ? s : NULL;
}

static void a_fact_set_by_several_is_one(void **state)
{
    struct suite *s = *state;
    pthread_t threads[4];
    struct bf_str value;
    void *done;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, set_fact, s), 0);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], &done);
        assert_ptr_equal(done, s);
    }
    assert_int_equal(rig_vt(s)->meta_get(rig_session(s), "fact", s->arena, &value, NULL), BF_OK);
    assert_true(bf_str_eqz(value, "value"));
    assert_int_equal(rig_vt(s)->meta_get(rig_session(s), "no fact", s->arena, &value, NULL), BF_OK);
    assert_null(value.p);
}

static void who_waits_too_long_for_a_session_is_told(void **state)
{
    struct suite *s = *state;
    struct bf_driver *driver;
    struct bf_session *taken[2], *extra;
    struct bf_doc *doc;
    struct bf_uuid id = suite_uuid(1);
    struct bf_error e = {0};
    const char *place = harness_database(s->harness)->place;
    const char *with = bf_arena_printf(s->arena, "%s%swaitQueueTimeoutMS=1", place, strchr(place, '?') == NULL ? "?" : "&");
    assert_int_equal(open_at(s, with, &driver, NULL), BF_OK);
    for (unsigned i = 0; i < 2; i++) {
        taken[i] = driver->vt->reader(driver);
        assert_int_equal(driver->vt->get_many(taken[i], &notes, tenant_a, &id, 1, s->arena, &doc, NULL), BF_OK);
    }
    extra = driver->vt->reader(driver);
    assert_int_equal(driver->vt->get_many(extra, &notes, tenant_a, &id, 1, s->arena, &doc, &e), BF_E_UNAVAILABLE);
    assert_string_equal(e.cause, "all connections to the database are busy");
    driver->vt->release(driver, extra);
    driver->vt->release(driver, taken[0]);
    extra = driver->vt->reader(driver);
    assert_ptr_equal(extra, taken[0]);
    driver->vt->release(driver, extra);
    driver->vt->release(driver, taken[1]);
    driver->vt->close(&driver);
}

/* ---- what is told of commands ---- */

static void a_failed_command_is_counted_and_logged_without_data(void **state)
{
    struct suite *s = *state;
    char text[2000] = "";
    struct bf_env env = s->env;
    struct bf_driver *driver;
    struct bf_page page;
    FILE *file = tmpfile();
    env.log = bf_log_create(fileno(file), BF_LOG_DEBUG);
    env.metrics = bf_metrics_create();
    struct bf_driver_open how = {
        .env = &env, .place = harness_database(s->harness)->place, .readers = 1, .collections = same, .n_collections = 4};
    assert_int_equal(bf__driver_mongo.open(&how, &driver, NULL), BF_OK);
    bson_destroy(rig_command(s, "{\"dropIndexes\": \"notes\", \"index\": \"bf_flag\"}"));
    struct bf_value yes = {.type = BF_T_BOOL, .b = true}, secret = {.type = BF_T_STRING, .s = BF_STR("geheim")};
    struct bf_cond conds[] = {{T_FLAG, BF_EQ, &yes, 1}, {T_NAME, BF_EQ, &secret, 1}};
    struct bf_query q = {.coll = &notes, .tenant = tenant_a, .conds = conds, .n_conds = 2, .index = &notes_by_flag, .limit = 10};
    enum bf_status status = bf__driver_mongo.find(driver->vt->writer(driver), &q, s->arena, &page, NULL);
    assert_int_not_equal(status, BF_OK); /* the hint names an index that is not there */
    assert_int_equal(bf_metric_read(env.metrics, BF_M_STORE_FAILED), 1);
    rewind(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    assert_non_null(strstr(text, "\"event\":\"store.failed\""));
    assert_non_null(strstr(text, "\"command\":\"find\",\"collection\":\"notes\""));
    assert_null(strstr(text, "geheim"));
    driver->vt->close(&driver);
    bf_log_destroy(&env.log);
    bf_metrics_destroy(&env.metrics);
    fclose(file);
}

SUITE_PART(suite_opening, SUITE_TEST(nobody_there_is_told_within_the_time_given), SUITE_TEST(a_newer_format_is_refused_by_name),
           SUITE_TEST(what_indexes_could_not_follow_is_refused), SUITE_TEST(several_may_make_a_new_database_at_once),
           SUITE_TEST(every_collection_that_there_is_is_sharded_by_what_its_documents_have), SUITE_TEST(declared_indexes_are_made_and_others_of_ours_dropped),
           SUITE_TEST(a_missing_index_is_told_and_mended), SUITE_TEST(a_fact_set_by_several_is_one),
           SUITE_TEST(who_waits_too_long_for_a_session_is_told), SUITE_TEST(a_failed_command_is_counted_and_logged_without_data));
