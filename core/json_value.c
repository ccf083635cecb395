/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON value against one row of the table. Strings are copied into the arena, so that the parse tree may die. */
#include "core/arena.h"
#include "core/json_decoder.h"
#include "core/text.h"
#include "core/tz.h"
#include "core/utf8.h"

size_t bf__enter(struct bf__decoder *d, struct bf_str name)
{
    size_t before = d->path_n;
    if (d->path_n + 1 < sizeof d->path)
        d->path[d->path_n++] = '/';
    for (size_t i = 0; i < name.n;) {
        const char *from = name.p + i, *escaped = *from == '~' ? "~0" : *from == '/' ? "~1" : NULL;
        size_t step = bf__utf8_step((const unsigned char *)from, name.n - i);
        size_t n = escaped != NULL ? 2 : step;
        if (step == 0 || d->path_n + n >= sizeof d->path)
            break;
        memcpy(d->path + d->path_n, escaped != NULL ? escaped : from, n);
        d->path_n += n;
        i += step;
    }
    d->path[d->path_n] = '\0';
    return before;
}

size_t bf__enter_item(struct bf__decoder *d, unsigned i)
{
    char digits[12];
    int n = snprintf(digits, sizeof digits, "%u", i);
    return bf__enter(d, bf_str(digits, (size_t)n));
}

void bf__leave(struct bf__decoder *d, size_t before)
{
    d->path_n = before;
    d->path[before] = '\0';
}

bool bf__check_length(struct bf__decoder *d, const struct bf__want *want, size_t n, const char *unit)
{
    if (want->min == 0 && want->max == 0)
        return true;
    if ((int64_t)n < want->min)
        BF__FAULT(d, "too_short", "at least %lld %s", (long long)want->min, unit);
    else if ((int64_t)n > want->max)
        BF__FAULT(d, "too_long", "at most %lld %s", (long long)want->max, unit);
    else
        return true;
    return false;
}

static bool check_size(struct bf__decoder *d, const struct bf__want *want, double value)
{
    if (want->min == 0 && want->max == 0)
        return true;
    if (value < (double)want->min)
        BF__FAULT(d, "too_small", "at least %lld", (long long)want->min);
    else if (value > (double)want->max)
        BF__FAULT(d, "too_large", "at most %lld", (long long)want->max);
    else
        return true;
    return false;
}

/* Control characters other than tab and line ends have no business in a field, and spoil logs, CSV and terminals. */
static bool has_control(struct bf_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0) /* U+0080 to U+009F */
            return true;
    }
    return false;
}

static bool decode_string(struct bf__decoder *d, const struct bf__want *want, struct bf_str s)
{
    if (has_control(s)) {
        BF__FAULT(d, "bad_character", "control characters are not allowed");
        return false;
    }
    return bf__check_length(d, want, bf_text_length(s), "characters");
}

static bool decode_int(struct bf__decoder *d, const struct bf__want *want, json_int_t i, struct bf_value *ret)
{
    bool limited = want->min != 0 || want->max != 0;
    if (limited && i < want->min)
        BF__FAULT(d, "too_small", "at least %lld", (long long)want->min);
    else if (limited && i > want->max)
        BF__FAULT(d, "too_large", "at most %lld", (long long)want->max);
    else {
        ret->i = i;
        return true;
    }
    return false;
}

static bool decode_enum(struct bf__decoder *d, const struct bf__want *want, struct bf_str s, struct bf_value *ret)
{
    int index = bf_enum_find(want->field->words, s);
    if (index < 0) {
        BF__FAULT(d, "unknown_word", "not one of the words of %s", want->field->words->name);
        return false;
    }
    ret->i = index;
    return true;
}

static bool decode_bytes(struct bf__decoder *d, const struct bf__want *want, struct bf_str s, struct bf_value *ret)
{
    size_t max = s.n / 4 * 3 + 3;
    unsigned char *bytes = bf_arena_alloc(d->arena, max);
    long n = bf_unbase64url(s, bytes, max);
    if (n < 0) {
        BF__FAULT(d, "bad_base64", "base64url without padding is expected");
        return false;
    }
    ret->s = bf_str((const char *)bytes, (size_t)n);
    return bf__check_length(d, want, (size_t)n, "bytes");
}

bool bf__decode_uuid(struct bf__decoder *d, bool must_be_v7, struct bf_str s, struct bf_uuid *ret)
{
    if (bf_uuid_parse(s, ret) && (!must_be_v7 || bf_uuid_is_v7(ret)))
        return true;
    BF__FAULT(d, "bad_uuid", must_be_v7 ? "a lower-case UUID of version 7 is expected" : "a lower-case UUID is expected");
    return false;
}

bool bf__expect(struct bf__decoder *d, bool ok, const char *code, const char *expected)
{
    if (!ok)
        BF__FAULT(d, code, "%s", expected);
    return ok;
}

/* The types whose JSON is a string. */
static bool decode_text(struct bf__decoder *d, const struct bf__want *want, struct bf_str s, struct bf_value *ret)
{
    struct bf_civil civil;
    switch (want->type) {
    case BF_T_ENUM:
        return decode_enum(d, want, s, ret);
    case BF_T_TIME:
        return bf__expect(d, bf_time_parse(s, &ret->i), "bad_time", "an RFC 3339 time with its offset is expected");
    case BF_T_UUID:
        return bf__decode_uuid(d, (want->field->flags & BF_F_V7) != 0, s, &ret->uuid);
    case BF_T_SHA256:
        return bf__expect(d, bf_unhex(s, ret->sha256, sizeof ret->sha256), "bad_sha256", "64 lower-case hex digits are expected");
    case BF_T_BYTES:
        return decode_bytes(d, want, s, ret);
    case BF_T_DATE:
        if (!bf__expect(d, bf_date_parse(s, &civil), "bad_date", "a calendar day YYYY-MM-DD is expected"))
            return false;
        break;
    case BF_T_WALL:
        if (!bf__expect(d, bf_wall_parse(s, &civil), "bad_wall_time", "a wall time YYYY-MM-DDTHH:MM is expected"))
            return false;
        break;
    case BF_T_ZONE:
        if (!bf__expect(d, bf_tz_is_zone(s), "bad_zone", "an IANA time zone name is expected"))
            return false;
        break;
    default:
        if (!decode_string(d, want, s))
            return false;
        break;
    }
    ret->s = bf_str_dup(d->arena, s);
    return true;
}

/* Whether the value has the JSON type that the schema type is written as. */
static bool has_type(const json_t *json, enum bf_type type)
{
    switch (type) {
    case BF_T_BOOL:
        return json_is_boolean(json);
    case BF_T_INT:
        return json_is_integer(json);
    case BF_T_DOUBLE:
        return json_is_number(json);
    case BF_T_OBJECT:
        return json_is_object(json);
    case BF_T_ARRAY:
        return json_is_array(json);
    default:
        return json_is_string(json);
    }
}

static const char *type_words(enum bf_type type)
{
    switch (type) {
    case BF_T_BOOL:
        return "true or false";
    case BF_T_INT:
        return "a whole number";
    case BF_T_DOUBLE:
        return "a number";
    case BF_T_OBJECT:
        return "an object";
    case BF_T_ARRAY:
        return "an array";
    default:
        return "a string";
    }
}

bool bf__decode_type(struct bf__decoder *d, const struct bf__want *want, const json_t *json)
{
    if (json_is_null(json))
        return bf__expect(d, false, "null", "null is not allowed here");
    if (has_type(json, want->type))
        return true;
    BF__FAULT(d, "wrong_type", "%s is expected", type_words(want->type));
    return false;
}

bool bf__decode_scalar(struct bf__decoder *d, const struct bf__want *want, const json_t *json, struct bf_value *ret)
{
    switch (want->type) {
    case BF_T_BOOL:
        ret->b = json_is_true(json);
        return true;
    case BF_T_INT:
        return decode_int(d, want, json_integer_value(json), ret);
    case BF_T_DOUBLE:
        ret->d = json_number_value(json);
        return check_size(d, want, ret->d);
    default:
        return decode_text(d, want, bf__json_text(json), ret);
    }
}
