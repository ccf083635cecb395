/* SPDX-License-Identifier: Apache-2.0 */
/* A database of a test's own on the server of MONGODB_TEST_URI, dropped at the end. */
#pragma once

struct database {
    char uri[1024];
    const char *place; /* of the URI, behind "mongodb:" */
    char name[64];
};

void database_create(struct database *database);
void database_destroy(struct database *database);
