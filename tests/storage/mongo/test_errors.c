/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each error of the server and of libmongoc becomes. The numbers are written down again here, from MongoDB's error_codes.yml and libmongoc's
 * manual, so that a slip in the driver's table shows.
 */
#include "storage/mongo/errors.h"
#include "storage/mongo/uri.h"
#include "tests/test.h"

struct expected {
    uint32_t domain, code;
    enum bf_status read, write;
};

enum { SERVER = MONGOC_ERROR_SERVER, STREAM = MONGOC_ERROR_STREAM };

static const struct expected rows[] = {
    {SERVER, 11000, BF_E_EXISTS, BF_E_EXISTS},
    {SERVER, 11001, BF_E_EXISTS, BF_E_EXISTS},
    {SERVER, 12582, BF_E_EXISTS, BF_E_EXISTS},
    {SERVER, 112, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 16908292, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 16777220, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 251, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 50, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 262, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 24, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 46, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 43, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 237, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 175, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 11601, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 91, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 189, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 11600, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 11602, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 10107, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 10058, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 13435, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 13436, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 133, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 134, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 6, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 7, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 89, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 9001, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 63, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 13388, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 16500, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {SERVER, 1, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 64, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 100, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {SERVER, 14031, BF_E_NO_SPACE, BF_E_NO_SPACE},
    {SERVER, 10334, BF_E_TOO_LARGE, BF_E_TOO_LARGE},
    {SERVER, 13, BF_E_CONFIG, BF_E_CONFIG},
    {SERVER, 18, BF_E_CONFIG, BF_E_CONFIG},
    {SERVER, 8000, BF_E_CONFIG, BF_E_CONFIG},
    {SERVER, 59, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED},
    {SERVER, 115, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED},
    {SERVER, 238, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED},
    {SERVER, 2, BF_E_IO, BF_E_IO}, /* what is not in the table: refused, for a reason that a person must see */
    {MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {STREAM, MONGOC_ERROR_STREAM_NAME_RESOLUTION, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {STREAM, MONGOC_ERROR_STREAM_CONNECT, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {STREAM, MONGOC_ERROR_STREAM_NOT_ESTABLISHED, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {STREAM, MONGOC_ERROR_STREAM_INVALID_STATE, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {STREAM, MONGOC_ERROR_STREAM_INVALID_TYPE, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {STREAM, MONGOC_ERROR_STREAM_SOCKET, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, BF_E_CONFIG, BF_E_CONFIG},
    {MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_NOT_READY, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE},
    {MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_INVALID_REPLY, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME},
    {MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED},
    {MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID, BF_E_TOO_LARGE, BF_E_TOO_LARGE},
};

static void each_error_has_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bson_error_t error = {.domain = rows[i].domain, .code = rows[i].code};
        enum bf_status read = bf__m_status(&error, NULL, false), write = bf__m_status(&error, NULL, true);
        if (read != rows[i].read || write != rows[i].write)
            fail_msg("%u %u: read %s, write %s", error.domain, error.code, bf_status_code(read), bf_status_code(write));
    }
}

static bson_t *reply(const char *json)
{
    bson_error_t error;
    bson_t *b = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (b == NULL)
        fail_msg("%s", error.message);
    return b;
}

static void a_write_that_is_not_confirmed_has_no_known_outcome(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "{\"insertedCount\": 1, \"writeConcernErrors\": [{\"code\": 64, \"errmsg\": \"waiting for replication timed out\"}]}",
        "{\"ok\": 1, \"writeConcernError\": {\"code\": 91}}",
        "{\"writeErrors\": [{\"index\": 0, \"code\": 11000}], \"writeConcernErrors\": [{\"code\": 64}]}"};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        bson_t *b = reply(replies[i]);
        bson_error_t error = {.domain = SERVER, .code = 11000};
        assert_true(bf__m_unconfirmed(b));
        assert_int_equal(bf__m_status(&error, b, true), BF_E_UNKNOWN_OUTCOME);
        bson_destroy(b);
    }
    bson_error_t error = {.domain = MONGOC_ERROR_WRITE_CONCERN, .code = 64};
    assert_int_equal(bf__m_status(&error, NULL, true), BF_E_UNKNOWN_OUTCOME);
    bson_t *b = reply("{\"insertedCount\": 1, \"writeConcernErrors\": []}");
    assert_false(bf__m_unconfirmed(b));
    bson_destroy(b);
}

static void a_label_speaks_for_an_unknown_code(void **state)
{
    (void)state;
    bson_error_t error = {.domain = SERVER, .code = 424242};
    bson_t *b = reply("{\"ok\": 0, \"errorLabels\": [\"Other\", \"RetryableWriteError\"]}");
    assert_int_equal(bf__m_status(&error, b, true), BF_E_UNKNOWN_OUTCOME);
    assert_int_equal(bf__m_status(&error, b, false), BF_E_UNAVAILABLE);
    bson_destroy(b);
}

static void a_cause_names_the_collection_and_no_data(void **state)
{
    (void)state;
    struct bf__m_call call = {.what = "writing a document", .coll = "customers", .writes = true};
    bson_error_t error = {.domain = SERVER, .code = 11000, .message = "E11000 duplicate key error: { name: \"Zhang San\" }"};
    struct bf_error e = {0};
    assert_int_equal(bf__m_fail(&call, &error, NULL, &e), BF_E_EXISTS);
    assert_string_equal(e.cause, "writing a document (customers): the server says 11000 DuplicateKey");
    error = (bson_error_t){.domain = SERVER, .code = 424242, .message = "Zhang San"};
    bf__m_fail(&call, &error, NULL, &e);
    assert_string_equal(e.cause, "writing a document (customers): the server says 424242");
}

/* ---- addresses ---- */

static void what_an_address_leaves_open_has_defaults(void **state)
{
    (void)state;
    struct bf__m_settings s;
    assert_int_equal(bf__m_settings("//db.example:27017", 5, &s, NULL), BF_OK);
    assert_string_equal(s.database, "baifang");
    assert_int_equal(s.sessions, 5);
    assert_int_equal(s.max_time_ms, 15001);
    assert_int_equal(s.wait_ms, 5000);
    assert_int_equal(mongoc_uri_get_option_as_int32(s.uri, MONGOC_URI_CONNECTTIMEOUTMS, 0), 3000);
    assert_int_equal(mongoc_uri_get_option_as_int32(s.uri, MONGOC_URI_SOCKETTIMEOUTMS, 0), 20000);
    assert_int_equal(mongoc_uri_get_option_as_int32(s.uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 0), 3000);
    assert_int_equal(mongoc_uri_get_option_as_int32(s.uri, MONGOC_URI_MAXPOOLSIZE, 0), 5);
    bf__m_settings_finish(&s);
}

static void what_an_address_says_holds_but_for_the_durability(void **state)
{
    (void)state;
    struct bf__m_settings s;
    assert_int_equal(bf__m_settings("//a,b/crm?replicaSet=rs&w=1&journal=false&readConcernLevel=local&readPreference=secondary&connectTimeoutMS=700"
                                    "&socketTimeoutMS=8000&serverSelectionTimeoutMS=900&maxPoolSize=32&waitQueueTimeoutMS=250&retryWrites=false"
                                    "&wtimeoutMS=4000",
                                    5, &s, NULL),
                     BF_OK);
    const mongoc_write_concern_t *write = mongoc_uri_get_write_concern(s.uri);
    assert_string_equal(s.database, "crm");
    assert_int_equal(s.sessions, 32);
    assert_int_equal(s.max_time_ms, 6001);
    assert_int_equal(s.wait_ms, 250);
    assert_int_equal(mongoc_uri_get_option_as_int32(s.uri, MONGOC_URI_CONNECTTIMEOUTMS, 0), 700);
    assert_int_equal(mongoc_uri_get_option_as_int32(s.uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 0), 900);
    assert_false(mongoc_uri_get_option_as_bool(s.uri, MONGOC_URI_RETRYWRITES, true));
    assert_true(mongoc_write_concern_get_wmajority(write) && mongoc_write_concern_get_journal(write));
    assert_int_equal(mongoc_write_concern_get_wtimeout_int64(write), 4000);
    assert_string_equal(mongoc_read_concern_get_level(mongoc_uri_get_read_concern(s.uri)), "majority");
    assert_int_equal(mongoc_read_prefs_get_mode(mongoc_uri_get_read_prefs_t(s.uri)), MONGOC_READ_PRIMARY);
    bf__m_settings_finish(&s);
}

static void an_address_that_cannot_be_read_is_refused_without_its_password(void **state)
{
    (void)state;
    struct bf__m_settings s;
    struct bf_error e = {0};
    assert_int_equal(bf__m_settings("//", 5, &s, &e), BF_E_CONFIG);
    assert_int_equal(bf__m_settings("//user:geh:eim@host:port:x/?w=%", 5, &s, &e), BF_E_CONFIG);
    assert_null(strstr(e.cause, "geh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_error_has_its_status),
                                       cmocka_unit_test(a_write_that_is_not_confirmed_has_no_known_outcome),
                                       cmocka_unit_test(a_label_speaks_for_an_unknown_code),
                                       cmocka_unit_test(a_cause_names_the_collection_and_no_data),
                                       cmocka_unit_test(what_an_address_leaves_open_has_defaults),
                                       cmocka_unit_test(what_an_address_says_holds_but_for_the_durability),
                                       cmocka_unit_test(an_address_that_cannot_be_read_is_refused_without_its_password)};
    mongoc_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
