/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a suite's test, taken apart: its driver, and the database behind it. */
#pragma once
#include "storage/internal.h"
#include "tests/storage/contract/suite.h"
#include "tests/storage/mongo/harness.h"
#include <mongoc/mongoc.h>

const struct bf_driver_vtable *rig_vt(const struct suite *s);
struct bf_session *rig_session(const struct suite *s); /* the writer's */

/* A client of its own, closed with rig_disconnect. */
mongoc_client_t *rig_connect(const struct suite *s);
void rig_disconnect(mongoc_client_t *client);
/* Runs a command, given as JSON, on the test's database; must succeed. The reply is the caller's. */
bson_t *rig_command(const struct suite *s, const char *json);
