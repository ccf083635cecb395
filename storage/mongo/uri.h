/* SPDX-License-Identifier: Apache-2.0 */
/* The connection string as the driver uses it: what must hold whatever it says, and defaults for what it leaves open. */
#pragma once
#include "core/error.h"
#include <mongoc/mongoc.h>

struct bf__m_settings {
    mongoc_uri_t *uri;
    char *database;         /* of the path; "baifang" */
    unsigned sessions;      /* maxPoolSize, or what the caller wants */
    int32_t max_time_ms;    /* after this the server gives a read up: before the socket's time is over */
    int32_t wait_ms;        /* for a free session: waitQueueTimeoutMS, 5000 */
};

/* Of "mongodb:" and `place`, or of "mongodb" where the place begins with a '+' ("mongodb+srv:"). Read from the primary with majority; written with majority and journal; wtimeoutMS 10000, connectTimeoutMS 3000,
 * socketTimeoutMS 20000 and serverSelectionTimeoutMS 3000 where not said. BF_E_CONFIG when it cannot be read. */
enum bf_status bf__m_settings(const char *place, unsigned sessions, struct bf__m_settings *ret, struct bf_error *e);
void bf__m_settings_finish(struct bf__m_settings *settings);
