/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema mechanism: one table per entity, a row per field. JSON decoding and its errors, BSON, OpenAPI, field permissions, audit diffs
 * and answers all read that table; nothing about a field is written twice. The tables themselves are in crm/.
 */
#pragma once
#include "core/str.h"

struct bf_object;

enum bf_type {
    BF_T_NONE,   /* as a value: absent */
    BF_T_NULL,   /* as a value only: an explicit null in a merge patch */
    BF_T_BOOL,
    BF_T_INT,    /* int64; limits are of the value */
    BF_T_DOUBLE, /* finite; limits are of the value */
    BF_T_STRING, /* UTF-8, no NUL; limits count Unicode characters */
    BF_T_ENUM,   /* JSON and BSON: the word; in memory: the index in the field's enum */
    BF_T_TIME,   /* an instant: int64 ms since 1970 UTC; JSON: RFC 3339 UTC with milliseconds; BSON: date */
    BF_T_DATE,   /* a calendar day "YYYY-MM-DD", kept as string */
    BF_T_WALL,   /* wall time "YYYY-MM-DDTHH:MM", kept as string, beside a time zone field */
    BF_T_ZONE,   /* IANA time zone name that ICU knows, kept as string */
    BF_T_UUID,   /* 16 bytes; JSON: lower-case text */
    BF_T_SHA256, /* 32 bytes; JSON: 64 lower-case hex digits */
    BF_T_BYTES,  /* JSON: base64url without padding; limits count bytes */
    BF_T_OBJECT, /* fields of `sub` */
    BF_T_ARRAY,  /* of `elem` (and `sub` or `words` for its objects or enums); limits count items */
};

/* What a field is about; rights mask by it (PER-12). */
enum bf_class { BF_C_NORMAL, BF_C_PERSONAL, BF_C_FINANCE, BF_C_CONTRACT, BF_C_COUNT };

enum bf_field_flag {
    BF_F_REQUIRED = 1,    /* a create must carry it (ENT-04) */
    BF_F_SERVER = 2,      /* written by the server; from a client: error "read_only" */
    BF_F_CREATE_ONLY = 4, /* never changes after the create; in a patch: error "immutable" */
    BF_F_HIDDEN = 8,      /* stored, never in answers, never from clients */
    BF_F_WRITE_ONLY = 16, /* taken from clients, never in answers (secrets) */
    BF_F_SECRET = 32,     /* never logged, never in an audit diff */
    BF_F_V7 = 64,         /* a UUID that must be version 7 */
};

struct bf_word {
    const char *word;    /* the stable English word */
    const char *zh, *en; /* labels */
};

struct bf_enum {
    const char *name;
    const struct bf_word *words;
    unsigned n_words;
};

struct bf_field {
    const char *name;
    enum bf_type type;
    unsigned flags;
    int64_t min, max; /* both 0: no limit of its own */
    enum bf_class cls;
    const char *zh, *en; /* labels */
    const struct bf_enum *words;
    const struct bf_schema *sub;
    enum bf_type elem;
    int64_t elem_min, elem_max; /* limits of each item, as `min` and `max` for a field of type `elem` */
    /* The field is also required when this says so of the decoded object (D-13 and the like); NULL: never. `required_prose` says when, for
     * OpenAPI and the error. */
    bool (*required_when)(const struct bf_object *object);
    const char *required_prose;
};

struct bf_schema {
    const char *name; /* singular, snake_case: "customer" */
    const char *zh, *en;
    int version; /* stored as `v`; `upgrade` is called on read for documents of an older one */
    const struct bf_field *fields;
    unsigned n_fields;
    void (*upgrade)(struct bf_object *object, int from_version);
};

/* A row: BF_FIELD(NAME, TYPE, flags, min, max, CLASS, zh, en, .words = ..., .sub = ..., .elem = ...). Tables are X-macros in crm/, so that the
 * enum of row numbers and the table cannot differ. */
#define BF_FIELD(name_, type_, flags_, min_, max_, cls_, zh_, en_, ...)                                                                 \
    {.name = (name_), .type = BF_T_##type_, .flags = (flags_), .min = (min_), .max = (max_), .cls = BF_C_##cls_, .zh = (zh_),            \
     .en = (en_), __VA_ARGS__}

int bf_schema_find(const struct bf_schema *schema, struct bf_str name); /* row number or -1 */
int bf_enum_find(const struct bf_enum *words, struct bf_str word);      /* index or -1 */
