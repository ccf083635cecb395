/* SPDX-License-Identifier: Apache-2.0 */
/* Between json_read.c (objects) and json_value.c (what stands in their fields) only. */
#pragma once
#include "core/json.h"
#include "core/json_internal.h"

struct bf__decoder {
    struct bf_arena *arena;
    struct bf_error error; /* the caller's is touched only when something was wrong */
    char path[sizeof((struct bf_field_error *)0)->pointer];
    size_t path_n;
};

/* No more faults are wanted: decoding may stop. */
static inline bool bf__is_full(const struct bf__decoder *d) { return d->error.n_fields == BF_ERROR_FIELDS_MAX; }

#define BF__FAULT(d, code, ...) bf_fail_field(&(d)->error, BF_E_INVALID_BODY, (d)->path, (code), __VA_ARGS__)

/* A field's own type and limits, or those of its items. */
struct bf__want {
    const struct bf_field *field;
    enum bf_type type;
    int64_t min, max;
};

static inline struct bf_str bf__json_text(const json_t *json) { return bf_str(json_string_value(json), json_string_length(json)); }

/* Each gives the length for bf__leave. The pointer is escaped as RFC 6901 says, and cut between characters where its room ends. */
size_t bf__enter(struct bf__decoder *d, struct bf_str name);
size_t bf__enter_item(struct bf__decoder *d, unsigned i);
void bf__leave(struct bf__decoder *d, size_t before);
bool bf__expect(struct bf__decoder *d, bool ok, const char *code, const char *expected); /* a fault unless `ok`; returns `ok` */
bool bf__check_length(struct bf__decoder *d, const struct bf__want *want, size_t n, const char *unit);
bool bf__decode_type(struct bf__decoder *d, const struct bf__want *want, const json_t *json); /* neither null nor of another type */
bool bf__decode_scalar(struct bf__decoder *d, const struct bf__want *want, const json_t *json, struct bf_value *ret);
bool bf__decode_uuid(struct bf__decoder *d, bool must_be_v7, struct bf_str s, struct bf_uuid *ret);
