/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mongo/uri.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECT_MS = 3000, SOCKET_MS = 20000, SELECT_MS = 3000, WRITE_MS = 10000, WAIT_MS = 5000, SESSIONS_MIN = 2, SESSIONS_MAX = 1000 };

static int32_t option(mongoc_uri_t *uri, const char *name, int32_t otherwise)
{
    int32_t said = mongoc_uri_get_option_as_int32(uri, name, 0);
    int32_t value = said > 0 ? said : otherwise;
    mongoc_uri_set_option_as_int32(uri, name, value);
    return value;
}

static void set_concerns(mongoc_uri_t *uri)
{
    mongoc_write_concern_t *write = mongoc_write_concern_new();
    mongoc_read_concern_t *read = mongoc_read_concern_new();
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    int64_t said = mongoc_write_concern_get_wtimeout_int64(mongoc_uri_get_write_concern(uri));
    mongoc_write_concern_set_w(write, MONGOC_WRITE_CONCERN_W_MAJORITY);
    mongoc_write_concern_set_journal(write, true);
    mongoc_write_concern_set_wtimeout_int64(write, said > 0 ? said : WRITE_MS);
    mongoc_read_concern_set_level(read, MONGOC_READ_CONCERN_LEVEL_MAJORITY);
    mongoc_uri_set_write_concern(uri, write);
    mongoc_uri_set_read_concern(uri, read);
    mongoc_uri_set_read_prefs_t(uri, primary);
    mongoc_write_concern_destroy(write);
    mongoc_read_concern_destroy(read);
    mongoc_read_prefs_destroy(primary);
}

static unsigned sessions_of(mongoc_uri_t *uri, unsigned wanted)
{
    int32_t said = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, 0);
    unsigned n = said > 0 ? (unsigned)said : wanted;
    n = n < SESSIONS_MIN ? SESSIONS_MIN : n > SESSIONS_MAX ? SESSIONS_MAX : n;
    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, (int32_t)n);
    return n;
}

/* libmongoc would only say, at each connection, that something about TLS did not begin. */
static enum bf_status check_files(mongoc_uri_t *uri, struct bf_error *e)
{
    static const char *const options[] = {MONGOC_URI_TLSCAFILE, MONGOC_URI_TLSCERTIFICATEKEYFILE};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *path = mongoc_uri_get_option_as_utf8(uri, options[i], NULL);
        if (path != NULL && access(path, R_OK) < 0)
            return bf_fail_errno(e, BF_E_CONFIG, errno, "%s %s of the store's address", options[i], path);
    }
    return BF_OK;
}

enum bf_status bf__m_settings(const char *place, unsigned sessions, struct bf__m_settings *ret, struct bf_error *e)
{
    char *text;
    bson_error_t error;
    if (asprintf(&text, "mongodb%s%s", place[0] == '+' ? "" : ":", place) < 0)
        abort();
    mongoc_uri_t *uri = mongoc_uri_new_with_error(text, &error);
    bool has_secret = strchr(text, '@') != NULL; /* which the message may quote */
    free(text);
    if (uri == NULL)
        return bf_fail(e, BF_E_CONFIG, "the store's address cannot be read%s%s", has_secret ? "" : ": ", has_secret ? "" : error.message);
    enum bf_status status = check_files(uri, e);
    if (status != BF_OK) {
        mongoc_uri_destroy(uri);
        return status;
    }
    const char *database = mongoc_uri_get_database(uri);
    option(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS);
    option(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SELECT_MS);
    int32_t socket_ms = option(uri, MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_MS);
    set_concerns(uri);
    *ret = (struct bf__m_settings){.uri = uri,
                                   .database = strdup(database == NULL || database[0] == '\0' ? "baifang" : database),
                                   .sessions = sessions_of(uri, sessions),
                                   .max_time_ms = socket_ms / 4 * 3 + 1,
                                   .wait_ms = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_WAITQUEUETIMEOUTMS, 0)};
    if (ret->database == NULL)
        abort();
    if (ret->wait_ms <= 0)
        ret->wait_ms = WAIT_MS;
    return BF_OK;
}

void bf__m_settings_finish(struct bf__m_settings *settings)
{
    if (settings->uri != NULL)
        mongoc_uri_destroy(settings->uri);
    free(settings->database);
    *settings = (struct bf__m_settings){.uri = NULL};
}
