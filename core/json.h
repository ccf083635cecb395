/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON edge. Requests: a strict parse by jansson (duplicate keys, NUL, lone surrogates, trailing bytes and too much depth are errors),
 * then the schema's table. Answers: written straight from the table. Client JSON never reaches a BSON parser or a query.
 * Times are RFC 3339 UTC with milliseconds, ids lower-case UUIDs, hashes lower-case hex, enums their words.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_buf;

enum { BF_JSON_DEPTH_MAX = 16, BF_JSON_VALUES_MAX = 100000 };

enum bf_json_mode {
    BF_JSON_CREATE, /* all required fields, no server fields; null is an error */
    BF_JSON_PATCH,  /* JSON Merge Patch (RFC 7396): any subset; null removes an optional field (kept as BF_T_NULL); objects merge, arrays
                       replace */
};

/* Decodes `body` by `schema` into *ret (in `arena`). Up to BF_ERROR_FIELDS_MAX faults are reported together, each with its RFC 6901 pointer
 * and one of the codes: required, unknown_field, read_only, immutable, wrong_type, too_short, too_long, too_small, too_large, unknown_word,
 * bad_time, bad_date, bad_wall_time, bad_zone, bad_uuid, bad_sha256, bad_base64, null, bad_character. A body that is no JSON object:
 * BF_E_INVALID_BODY with the parser's words. */
enum bf_status bf_json_decode(struct bf_arena *arena, const struct bf_schema *schema, enum bf_json_mode mode, struct bf_str body,
                              struct bf_object **ret, struct bf_error *e);
/* As above where the create's id stands in the body as "id" (a required v7 UUID that is not a row of the schema). */
enum bf_status bf_json_decode_create(struct bf_arena *arena, const struct bf_schema *schema, struct bf_str body, struct bf_uuid *ret_id,
                                     struct bf_object **ret, struct bf_error *e);
/* Applies a decoded patch to a deep copy of `base`. A required field that is missing now and was not before, or is missing in an object
 * that the patch made, is a fault ("required"). */
enum bf_status bf_json_merge(struct bf_arena *arena, const struct bf_object *base, const struct bf_object *patch, struct bf_object **ret,
                             struct bf_error *e);

/* Which fields an answer may show: bit BF_C_x set means that class is shown. */
#define BF_SHOW_ALL ((1u << BF_C_COUNT) - 1)

/* ---- writer: appends to a bf_buf; commas and escapes are its business ---- */

struct bf_jw {
    struct bf_buf *out;
    bool comma;
};

void bf_jw_init(struct bf_jw *w, struct bf_buf *out);
void bf_jw_object(struct bf_jw *w); /* { */
void bf_jw_end_object(struct bf_jw *w);
void bf_jw_array(struct bf_jw *w); /* [ */
void bf_jw_end_array(struct bf_jw *w);
void bf_jw_key(struct bf_jw *w, const char *name); /* a constant of the program, written as it is */
void bf_jw_str(struct bf_jw *w, struct bf_str s);  /* bytes that are not UTF-8 become U+FFFD */
void bf_jw_int(struct bf_jw *w, int64_t i);
void bf_jw_double(struct bf_jw *w, double d); /* what is not finite becomes null */
void bf_jw_bool(struct bf_jw *w, bool b);
void bf_jw_null(struct bf_jw *w);
void bf_jw_time(struct bf_jw *w, int64_t ms);
void bf_jw_uuid(struct bf_jw *w, const struct bf_uuid *u);
void bf_jw_hex(struct bf_jw *w, const void *p, size_t n);
void bf_jw_raw(struct bf_jw *w, struct bf_str json); /* complete JSON made earlier */
/* The fields of an object without its braces, by the table, hidden and write-only ones left out. */
void bf_jw_fields(struct bf_jw *w, const struct bf_object *object, unsigned show);
/* {"id":...,"rev":...,fields} */
void bf_jw_doc(struct bf_jw *w, const struct bf_doc *doc, unsigned show);

/* ---- foreign JSON (answers of providers, files of ours): read-only access to a strictly parsed tree, owned by `arena` ---- */

struct bf_json;
/* An object or array; faults are BF_E_TOO_LARGE and BF_E_INVALID_BODY. */
enum bf_status bf_json_parse(struct bf_arena *arena, struct bf_str text, size_t max, const struct bf_json **ret, struct bf_error *e);
const struct bf_json *bf_json_get(const struct bf_json *j, const char *key); /* NULL when absent or not an object; j may be NULL */
const struct bf_json *bf_json_at(const struct bf_json *j, unsigned i);       /* NULL when absent or not an array */
unsigned bf_json_count(const struct bf_json *j);                             /* of an array; else 0 */
struct bf_str bf_json_str(const struct bf_json *j);                          /* {NULL, 0} when not a string */
bool bf_json_int(const struct bf_json *j, int64_t *ret);
bool bf_json_double(const struct bf_json *j, double *ret); /* integers too */
bool bf_json_is_true(const struct bf_json *j);

/* RFC 3339: parse takes any offset and 0 to 9 fraction digits (cut to ms) and a year 1970..9999; write gives "2026-11-22T05:00:00.000Z". */
bool bf_time_parse(struct bf_str s, int64_t *ret_ms);
enum { BF_TIME_TEXT = 25 };
void bf_time_text(int64_t ms, char out[BF_TIME_TEXT]);
