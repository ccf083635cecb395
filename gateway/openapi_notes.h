/* SPDX-License-Identifier: Apache-2.0 */
/* What /openapi.json says of a route beyond its schemas and the conventions of its kind. Not for other modules. */
#pragma once
#include "core/schema.h"

enum { BF__NOTE_SCHEMAS = 4 };

struct bf__note {
    const char *method, *pattern;
    const char *parameters; /* OpenAPI parameter objects in JSON, with commas between; NULL: none */
    const char *status;     /* of success; NULL: by the route's kind */
    const char *type;       /* of the answer's content; NULL: application/json */
    const char *answer;     /* its JSON schema; NULL: by the route's table, none for 204 */
    const struct bf_schema *records[BF__NOTE_SCHEMAS]; /* that `answer` refers to: what hangs on them is known with them */
};

/* NULL when there is nothing to add. */
const struct bf__note *bf__note_of(const char *method, const char *pattern);
