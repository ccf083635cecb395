/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents in memory: values indexed by schema row. Everything belongs to the arena it was made in; a value may point into any memory
 * that lives as long. Not thread-safe; hand over whole.
 */
#pragma once
#include "core/schema.h"
#include "core/uuid.h"

struct bf_arena;
struct bf_value;

struct bf_array {
    struct bf_value *items;
    unsigned n;
};

struct bf_value {
    enum bf_type type; /* BF_T_NONE: absent */
    union {
        bool b;
        int64_t i; /* INT, TIME; ENUM: the index */
        double d;
        struct bf_str s; /* STRING, DATE, WALL, ZONE, BYTES */
        struct bf_uuid uuid;
        uint8_t sha256[32];
        struct bf_object *object;
        struct bf_array array;
    };
};

/* The fields of a document or of an object inside one. */
struct bf_object {
    const struct bf_schema *schema;
    struct bf_value *v;  /* schema->n_fields */
    struct bf_str extra; /* stored fields that this build does not know, in the store's encoding; they survive a rewrite */
};

/* A stored document: its envelope, which the store keeps, and its fields. */
struct bf_doc {
    struct bf_object object;
    struct bf_uuid tenant; /* all zero in system collections */
    struct bf_uuid id;
    int64_t rev;    /* public (ETag); 1 at the create, one more with each change */
    int64_t n;      /* the log entry last applied (0 in collections outside the log) */
    int k;          /* the operation in it */
    bool tombstone; /* deleted or erased: the fields are absent */
};

struct bf_object *bf_object_create(struct bf_arena *arena, const struct bf_schema *schema); /* all fields absent */
struct bf_doc *bf_doc_create(struct bf_arena *arena, const struct bf_schema *schema, struct bf_uuid tenant, struct bf_uuid id);
/* A deep copy in `arena`; envelope and all. */
struct bf_doc *bf_doc_copy(struct bf_arena *arena, const struct bf_doc *doc);
struct bf_object *bf_object_copy(struct bf_arena *arena, const struct bf_object *object);
void bf_value_copy(struct bf_arena *arena, struct bf_value *to, const struct bf_value *from);
bool bf_value_eq(const struct bf_value *a, const struct bf_value *b); /* deep; ENUM by index, arrays in order */
bool bf_object_eq(const struct bf_object *a, const struct bf_object *b);

/* Getters assert that the row has the type (or is absent) and give a neutral value when absent. */
static inline bool bf_has(const struct bf_object *o, unsigned row) { return o->v[row].type > BF_T_NULL; }
bool bf_get_bool(const struct bf_object *o, unsigned row);                      /* false */
int64_t bf_get_int(const struct bf_object *o, unsigned row);                    /* INT and TIME; 0 */
double bf_get_double(const struct bf_object *o, unsigned row);                  /* 0 */
int bf_get_enum(const struct bf_object *o, unsigned row);                       /* -1 */
struct bf_str bf_get_str(const struct bf_object *o, unsigned row);              /* STRING, DATE, WALL, ZONE, BYTES; {NULL, 0} */
struct bf_uuid bf_get_uuid(const struct bf_object *o, unsigned row);            /* zero */
const uint8_t *bf_get_sha256(const struct bf_object *o, unsigned row);          /* NULL */
const struct bf_object *bf_get_object(const struct bf_object *o, unsigned row); /* NULL */
struct bf_array bf_get_array(const struct bf_object *o, unsigned row);          /* n = 0 */

/* Setters assert the type and do not copy bytes: the caller keeps them alive as long as the arena. */
void bf_set_bool(struct bf_object *o, unsigned row, bool b);
void bf_set_int(struct bf_object *o, unsigned row, int64_t i);
void bf_set_double(struct bf_object *o, unsigned row, double d);
void bf_set_enum(struct bf_object *o, unsigned row, int index);
void bf_set_str(struct bf_object *o, unsigned row, struct bf_str s); /* s.p == NULL: absent */
void bf_set_uuid(struct bf_object *o, unsigned row, struct bf_uuid u);
void bf_set_sha256(struct bf_object *o, unsigned row, const uint8_t hash[32]);
void bf_set_object(struct bf_object *o, unsigned row, struct bf_object *sub);
void bf_set_array(struct bf_object *o, unsigned row, struct bf_value *items, unsigned n);
void bf_unset(struct bf_object *o, unsigned row);
