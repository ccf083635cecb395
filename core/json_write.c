/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer. Each token reserves its room once and is then copied: no formatting functions on the way of an answer. */
#include "core/arena.h"
#include "core/json.h"
#include "core/utf8.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Room for `n` bytes at the end of the buffer, or NULL over its limit (the buffer then says so to its owner). */
static inline char *room(struct bf_buf *b, size_t n)
{
    if (n <= b->max - b->n && b->n + n <= b->cap)
        return b->p + b->n;
    return bf_buf_reserve(b, n);
}

static inline void took(struct bf_buf *b, const char *end) { b->n = (size_t)(end - b->p); }

/* Starts a value: the comma before it, then room for `n` bytes. The value is complete once `took` was told its end. */
static inline char *value(struct bf_jw *w, size_t n)
{
    char *p = room(w->out, n + 1);
    if (p != NULL && w->comma)
        *p++ = ',';
    w->comma = true;
    return p;
}

void bf_jw_init(struct bf_jw *w, struct bf_buf *out) { *w = (struct bf_jw){.out = out}; }

static inline void open_bracket(struct bf_jw *w, char c)
{
    char *p = value(w, 1);
    if (p != NULL) {
        *p++ = c;
        took(w->out, p);
    }
    w->comma = false;
}

static inline void close_bracket(struct bf_jw *w, char c)
{
    char *p = room(w->out, 1);
    if (p != NULL) {
        *p++ = c;
        took(w->out, p);
    }
    w->comma = true;
}

void bf_jw_object(struct bf_jw *w) { open_bracket(w, '{'); }
void bf_jw_end_object(struct bf_jw *w) { close_bracket(w, '}'); }
void bf_jw_array(struct bf_jw *w) { open_bracket(w, '['); }
void bf_jw_end_array(struct bf_jw *w) { close_bracket(w, ']'); }

void bf_jw_key(struct bf_jw *w, const char *name)
{
    size_t n = strlen(name);
    char *p = value(w, n + 3);
    if (p != NULL) {
        *p++ = '"';
        memcpy(p, name, n);
        p += n;
        *p++ = '"';
        *p++ = ':';
        took(w->out, p);
    }
    w->comma = false;
}

static inline bool is_plain(unsigned char ascii) { return ascii >= 0x20 && ascii != '"' && ascii != '\\'; }

/* How many bytes from `p` may be copied as they are. */
static size_t plain_run(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        size_t step = p[i] < 0x80 ? is_plain(p[i]) : bf__utf8_step(p + i, n - i);
        if (step == 0)
            break;
        i += step;
    }
    return i;
}

/* At most six bytes: the escape for one byte that is no plain character. */
static size_t escape(unsigned char c, char out[6])
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    if (c >= 0x80) {
        memcpy(out, "\xef\xbf\xbd", 3); /* U+FFFD */
        return 3;
    }
    const char *known = c == 0 ? NULL : strchr(from, c);
    out[0] = '\\';
    if (known != NULL) {
        out[1] = to[known - from];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

void bf_jw_str(struct bf_jw *w, struct bf_str s)
{
    const unsigned char *from = (const unsigned char *)s.p;
    size_t left = s.n;
    char *p = value(w, s.n + 2);
    if (p == NULL)
        return;
    *p++ = '"';
    for (;;) {
        size_t run = plain_run(from, left);
        if (run > 0)
            memcpy(p, from, run);
        p += run;
        from += run;
        left -= run;
        if (left == 0)
            break;
        char text[6];
        size_t n = escape(*from++, text);
        left--;
        took(w->out, p);
        p = room(w->out, n + left + 1);
        if (p == NULL)
            return;
        memcpy(p, text, n);
        p += n;
    }
    *p++ = '"';
    took(w->out, p);
}

void bf_jw_int(struct bf_jw *w, int64_t i)
{
    char digits[20];
    unsigned n = 0;
    uint64_t rest = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do
        digits[n++] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    char *p = value(w, n + 1);
    if (p == NULL)
        return;
    if (i < 0)
        *p++ = '-';
    while (n > 0)
        *p++ = digits[--n];
    took(w->out, p);
}

void bf_jw_double(struct bf_jw *w, double d)
{
    char text[32];
    int n = 0;
    if (!isfinite(d)) { /* JSON has no word for it */
        bf_jw_null(w);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) { /* the shortest that reads back as the same number */
        n = snprintf(text, sizeof text, "%.*g", precision, d);
        if (strtod(text, NULL) == d)
            break;
    }
    bf_jw_raw(w, bf_str(text, (size_t)n));
}

void bf_jw_bool(struct bf_jw *w, bool b) { bf_jw_raw(w, b ? BF_STR("true") : BF_STR("false")); }

void bf_jw_null(struct bf_jw *w) { bf_jw_raw(w, BF_STR("null")); }

void bf_jw_time(struct bf_jw *w, int64_t ms)
{
    char *p = value(w, BF_TIME_TEXT + 2);
    if (p == NULL)
        return;
    *p++ = '"';
    bf_time_text(ms, p);
    p += BF_TIME_TEXT - 1;
    *p++ = '"';
    took(w->out, p);
}

void bf_jw_uuid(struct bf_jw *w, const struct bf_uuid *u)
{
    char *p = value(w, BF_UUID_TEXT + 2);
    if (p == NULL)
        return;
    *p++ = '"';
    bf_uuid_text(u, p);
    p += BF_UUID_TEXT - 1;
    *p++ = '"';
    took(w->out, p);
}

void bf_jw_hex(struct bf_jw *w, const void *bytes, size_t n)
{
    char *p = value(w, 2 * n + 3);
    if (p == NULL)
        return;
    *p++ = '"';
    bf_hex(bytes, n, p);
    p += 2 * n;
    *p++ = '"';
    took(w->out, p);
}

static void put_base64url(struct bf_jw *w, struct bf_str bytes)
{
    char *p = value(w, (bytes.n * 4 + 2) / 3 + 3);
    if (p == NULL)
        return;
    *p++ = '"';
    p += bf_base64url(bytes.p, bytes.n, p);
    *p++ = '"';
    took(w->out, p);
}

void bf_jw_raw(struct bf_jw *w, struct bf_str json)
{
    char *p = value(w, json.n);
    if (p == NULL)
        return;
    if (json.n > 0)
        memcpy(p, json.p, json.n);
    took(w->out, p + json.n);
}

static void put_object(struct bf_jw *w, const struct bf_object *object, unsigned show)
{
    bf_jw_object(w);
    bf_jw_fields(w, object, show);
    bf_jw_end_object(w);
}

static void put_value(struct bf_jw *w, const struct bf_field *field, const struct bf_value *v, unsigned show);

static void put_array(struct bf_jw *w, const struct bf_field *field, const struct bf_array *array, unsigned show)
{
    bf_jw_array(w);
    for (unsigned i = 0; i < array->n; i++)
        put_value(w, field, &array->items[i], show);
    bf_jw_end_array(w);
}

static void put_value(struct bf_jw *w, const struct bf_field *field, const struct bf_value *v, unsigned show)
{
    switch (v->type) {
    case BF_T_NONE:
    case BF_T_NULL:
        bf_jw_null(w);
        break;
    case BF_T_BOOL:
        bf_jw_bool(w, v->b);
        break;
    case BF_T_INT:
        bf_jw_int(w, v->i);
        break;
    case BF_T_DOUBLE:
        bf_jw_double(w, v->d);
        break;
    case BF_T_STRING:
    case BF_T_DATE:
    case BF_T_WALL:
    case BF_T_ZONE:
        bf_jw_str(w, v->s);
        break;
    case BF_T_ENUM:
        assert(v->i >= 0 && (uint64_t)v->i < field->words->n_words);
        bf_jw_str(w, bf_strz(field->words->words[v->i].word));
        break;
    case BF_T_TIME:
        bf_jw_time(w, v->i);
        break;
    case BF_T_UUID:
        bf_jw_uuid(w, &v->uuid);
        break;
    case BF_T_SHA256:
        bf_jw_hex(w, v->sha256, sizeof v->sha256);
        break;
    case BF_T_BYTES:
        put_base64url(w, v->s);
        break;
    case BF_T_OBJECT:
        put_object(w, v->object, show);
        break;
    case BF_T_ARRAY:
        put_array(w, field, &v->array, show);
        break;
    }
}

void bf_jw_fields(struct bf_jw *w, const struct bf_object *object, unsigned show)
{
    const struct bf_field *field = object->schema->fields;
    for (unsigned i = 0; i < object->schema->n_fields; i++, field++) {
        if (!bf_has(object, i) || (field->flags & (BF_F_HIDDEN | BF_F_WRITE_ONLY)) != 0 || (show & 1u << field->cls) == 0)
            continue;
        bf_jw_key(w, field->name);
        put_value(w, field, &object->v[i], show);
    }
}

void bf_jw_doc(struct bf_jw *w, const struct bf_doc *doc, unsigned show)
{
    bf_jw_object(w);
    bf_jw_key(w, "id");
    bf_jw_uuid(w, &doc->id);
    bf_jw_key(w, "rev");
    bf_jw_int(w, doc->rev);
    bf_jw_fields(w, &doc->object, show);
    bf_jw_end_object(w);
}
