/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mongo/errors.h"
#include <string.h>

struct row {
    uint32_t domain;
    uint32_t code;
    enum bf_status read, write;
    const char *name;
};

enum { SERVER = MONGOC_ERROR_SERVER, STREAM = MONGOC_ERROR_STREAM, CLIENT = MONGOC_ERROR_CLIENT };

/* Servers' codes are those of MongoDB's error_codes.yml. A write that a primary was doing when it stepped down or shut down may be there. */
static const struct row table[] = {
    {SERVER, 11000, BF_E_EXISTS, BF_E_EXISTS, "DuplicateKey"},
    {SERVER, 11001, BF_E_EXISTS, BF_E_EXISTS, "DuplicateKeyOnUpdate"},
    {SERVER, 12582, BF_E_EXISTS, BF_E_EXISTS, "DuplicateKeyOnMongos"},
    {SERVER, 112, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "WriteConflict"},
    {SERVER, 16908292, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "deadlock"}, /* 40P01 of FerretDB's PostgreSQL */
    {SERVER, 16777220, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "serialization failure"}, /* 40001 */
    {SERVER, 251, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "NoSuchTransaction"},
    {SERVER, 50, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "MaxTimeMSExpired"},
    {SERVER, 262, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "ExceededTimeLimit"},
    {SERVER, 24, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "LockTimeout"},
    {SERVER, 46, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "LockBusy"},
    {SERVER, 43, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "CursorNotFound"},
    {SERVER, 237, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "CursorKilled"},
    {SERVER, 175, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "QueryPlanKilled"},
    {SERVER, 11601, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "Interrupted"},
    {SERVER, 91, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "ShutdownInProgress"},
    {SERVER, 189, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "PrimarySteppedDown"},
    {SERVER, 11600, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "InterruptedAtShutdown"},
    {SERVER, 11602, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "InterruptedDueToReplStateChange"},
    {SERVER, 10107, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "NotWritablePrimary"},
    {SERVER, 10058, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "LegacyNotPrimary"},
    {SERVER, 13435, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "NotPrimaryNoSecondaryOk"},
    {SERVER, 13436, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "NotPrimaryOrSecondary"},
    {SERVER, 133, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "FailedToSatisfyReadPreference"},
    {SERVER, 134, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "ReadConcernMajorityNotAvailableYet"},
    {SERVER, 6, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "HostUnreachable"}, /* between mongos and a shard */
    {SERVER, 7, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "HostNotFound"},
    {SERVER, 89, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "NetworkTimeout"},
    {SERVER, 9001, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "SocketException"},
    {SERVER, 63, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "StaleShardVersion"},
    {SERVER, 13388, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "StaleConfig"},
    {SERVER, 16500, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "RequestRateTooLarge"},
    {SERVER, 1, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "InternalError"}, /* FerretDB says so when its PostgreSQL goes away */
    {SERVER, 64, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "WriteConcernFailed"},
    {SERVER, 100, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "UnsatisfiableWriteConcern"},
    {SERVER, 14031, BF_E_NO_SPACE, BF_E_NO_SPACE, "OutOfDiskSpace"},
    {SERVER, 10334, BF_E_TOO_LARGE, BF_E_TOO_LARGE, "BSONObjectTooLarge"},
    {SERVER, 13, BF_E_CONFIG, BF_E_CONFIG, "Unauthorized"},
    {SERVER, 18, BF_E_CONFIG, BF_E_CONFIG, "AuthenticationFailed"},
    {SERVER, 8000, BF_E_CONFIG, BF_E_CONFIG, "AtlasError"},
    {SERVER, 59, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED, "CommandNotFound"},
    {SERVER, 115, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED, "CommandNotSupported"},
    {SERVER, 238, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED, "NotImplemented"},
    {MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "no server"},
    {STREAM, MONGOC_ERROR_STREAM_NAME_RESOLUTION, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "name not resolved"},
    {STREAM, MONGOC_ERROR_STREAM_CONNECT, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "not connected"},
    {STREAM, MONGOC_ERROR_STREAM_NOT_ESTABLISHED, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "not connected"},
    {STREAM, MONGOC_ERROR_STREAM_INVALID_STATE, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "connection lost"},
    {STREAM, MONGOC_ERROR_STREAM_INVALID_TYPE, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "connection lost"},
    {STREAM, MONGOC_ERROR_STREAM_SOCKET, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "connection lost"},
    {CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, BF_E_CONFIG, BF_E_CONFIG, "sign-in failed"},
    {CLIENT, MONGOC_ERROR_CLIENT_NOT_READY, BF_E_UNAVAILABLE, BF_E_UNAVAILABLE, "not connected"},
    {MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_INVALID_REPLY, BF_E_UNAVAILABLE, BF_E_UNKNOWN_OUTCOME, "invalid reply"},
    {MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION, BF_E_NOT_SUPPORTED, BF_E_NOT_SUPPORTED, "server too old or too new"},
    {MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID, BF_E_TOO_LARGE, BF_E_TOO_LARGE, "document too large"},
};

static const struct row *find(uint32_t domain, uint32_t code)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].domain == domain && table[i].code == code)
            return &table[i];
    return NULL;
}

bool bf__m_unconfirmed(const bson_t *reply)
{
    bson_iter_t it, item;
    if (reply == NULL)
        return false;
    if (bson_iter_init_find(&it, reply, "writeConcernErrors") && BSON_ITER_HOLDS_ARRAY(&it))
        return bson_iter_recurse(&it, &item) && bson_iter_next(&item);
    return bson_iter_init_find(&it, reply, "writeConcernError");
}

static bool has_label(const bson_t *reply, const char *label)
{
    bson_iter_t it, item;
    if (reply == NULL || !bson_iter_init_find(&it, reply, "errorLabels") || !BSON_ITER_HOLDS_ARRAY(&it) || !bson_iter_recurse(&it, &item))
        return false;
    while (bson_iter_next(&item))
        if (BSON_ITER_HOLDS_UTF8(&item) && strcmp(bson_iter_utf8(&item, NULL), label) == 0)
            return true;
    return false;
}

enum bf_status bf__m_status(const bson_error_t *error, const bson_t *reply, bool writes)
{
    if (writes && (error->domain == MONGOC_ERROR_WRITE_CONCERN || bf__m_unconfirmed(reply)))
        return BF_E_UNKNOWN_OUTCOME; /* done, but not known to stay */
    const struct row *row = find(error->domain, error->code);
    if (row != NULL)
        return writes ? row->write : row->read;
    if (has_label(reply, "RetryableWriteError") || has_label(reply, "TransientTransactionError"))
        return writes ? BF_E_UNKNOWN_OUTCOME : BF_E_UNAVAILABLE;
    return BF_E_IO;
}

enum bf_status bf__m_fail(const struct bf__m_call *call, const bson_error_t *error, const bson_t *reply, struct bf_error *e)
{
    enum bf_status status = bf__m_status(error, reply, call->writes);
    const struct row *row = find(error->domain, error->code);
    if (error->domain == MONGOC_ERROR_SERVER || error->domain == MONGOC_ERROR_WRITE_CONCERN)
        return bf_fail(e, status, "%s (%s): the server says %u%s%s", call->what, call->coll, error->code, row == NULL ? "" : " ",
                       row == NULL ? "" : row->name);
    return bf_fail(e, status, "%s (%s): %s", call->what, call->coll, error->message);
}
