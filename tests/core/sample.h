/* SPDX-License-Identifier: Apache-2.0 */
/* A schema with every type and every flag, for the tests and fuzz targets of the schema mechanism. */
#pragma once
#include "core/doc.h"

enum sample_row {
    S_NAME,     /* required string, 1..20 characters */
    S_DONE,     /* bool */
    S_COUNT,    /* int, -5..1000 */
    S_SCORE,    /* double, 0..10 */
    S_KIND,     /* enum call, visit, mail */
    S_AT,       /* time */
    S_DAY,      /* date */
    S_WALL,     /* wall time */
    S_ZONE,     /* zone */
    S_OWNER,    /* uuid, version 7, create only */
    S_HASH,     /* sha256 */
    S_BLOB,     /* bytes, at most 8 */
    S_PLACE,    /* object: city (required), street */
    S_TAGS,     /* array of at most 3 strings, 1..5 characters each */
    S_PLACES,   /* array of at most 2 objects */
    S_KINDS,    /* array of at most 2 enums */
    S_PHONE,    /* personal string */
    S_AMOUNT,   /* finance int */
    S_REASON,   /* string, required when kind is mail */
    S_STATE,    /* server's string */
    S_INTERNAL, /* hidden string */
    S_PASSWORD, /* write-only string */
    S_ROWS
};

enum sample_place_row { P_CITY, P_STREET, P_SECRET, P_ROWS };
enum sample_kind { KIND_CALL, KIND_VISIT, KIND_MAIL };

extern const struct bf_schema sample_schema;
extern const struct bf_schema sample_place;

struct bf_object *sample_full(struct bf_arena *arena); /* every row set */
