/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/mongo/rig.h"
#include "tests/storage/mongo/database.h"

const struct bf_driver_vtable *rig_vt(const struct suite *s) { return s->store->driver->vt; }

struct bf_session *rig_session(const struct suite *s) { return rig_vt(s)->writer(s->store->driver); }

mongoc_client_t *rig_connect(const struct suite *s)
{
    mongoc_client_t *client = mongoc_client_new(harness_database(s->harness)->uri);
    assert_non_null(client);
    mongoc_client_set_error_api(client, MONGOC_ERROR_API_VERSION_2);
    return client;
}

void rig_disconnect(mongoc_client_t *client) { mongoc_client_destroy(client); }

bson_t *rig_command(const struct suite *s, const char *json)
{
    bson_error_t error;
    bson_t reply, *command = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (command == NULL)
        fail_msg("%s: %s", json, error.message);
    mongoc_client_t *client = rig_connect(s);
    if (!mongoc_client_command_simple(client, harness_database(s->harness)->name, command, NULL, &reply, &error))
        fail_msg("%s: %s", json, error.message);
    bson_t *copy = bson_copy(&reply);
    bson_destroy(&reply);
    bson_destroy(command);
    rig_disconnect(client);
    return copy;
}
