/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of what is stored, and of filters over it. Values are appended with their BSON type under names of the program's own: nothing
 * that a client sent becomes an operator or the name of a field.
 */
#pragma once
#include "storage/storage.h"
#include <bson/bson.h>

enum { BF__M_BUCKETS = 64, BF__M_PATH_MAX = 128 };

void bf__m_must(bool ok); /* libbson fails only past 2 GiB */

int32_t bf__m_bucket(struct bf_uuid id);
void bf__m_put_uuid(bson_t *b, const char *key, struct bf_uuid id);
bool bf__m_uuid(const bson_iter_t *it, struct bf_uuid *ret); /* false when it is none */
bool bf__m_bytes(const bson_iter_t *it, struct bf_str *ret); /* of a binary value */
int64_t bf__m_int(const bson_t *doc, const char *name, int64_t otherwise); /* a number of the reply or document */

/* The document's _id: {t, i} or the bare id. */
void bf__m_put_id(bson_t *b, const char *key, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id);
bool bf__m_read_id(const bson_t *doc, const struct bf_collection *coll, struct bf_uuid *ret_tenant, struct bf_uuid *ret_id);
/* The shard key of one document: t or b. */
void bf__m_put_place(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id);
/* The shard key of several: t, or b in the buckets of these ids; NULL: in all. A NULL collection is one of the driver's system collections. */
void bf__m_put_places(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids, unsigned n);
/* Both, as the filter of one document. */
void bf__m_put_target(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id);
/* The same of several documents: the ids by $in. */
void bf__m_put_targets(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids, unsigned n);
/* A stored document: id and place before what bf__bson_encode gave. */
void bf__m_put_doc(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id, struct bf_str bson);

/* Where a row's value lies: "f.name", or the id's own path. */
const char *bf__m_path(const struct bf_collection *coll, int row, char out[BF__M_PATH_MAX]);
const char *bf__m_id_path(const struct bf_collection *coll);
/* {key: {op: value}} */
void bf__m_put_cond(bson_t *b, const char *key, const char *op, const struct bf_field *field, const struct bf_value *value);
void bf__m_put_value(bson_t *b, const char *key, const struct bf_field *field, const struct bf_value *value);
/* Met by every present value of the type, and by nothing else: {key: {$gte: the least one}}. */
void bf__m_put_present(bson_t *b, const char *key, enum bf_type type);

/* Building an array: the key of each item in turn. */
struct bf__m_list {
    bson_t b;
    uint32_t n;
    char key[16];
};
void bf__m_list_begin(bson_t *b, const char *key, struct bf__m_list *list);
const char *bf__m_list_next(struct bf__m_list *list);
void bf__m_list_end(bson_t *b, struct bf__m_list *list);
