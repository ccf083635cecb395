/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http/target.h"
#include "core/arena.h"
#include "core/text.h"
#include <assert.h>

/* RFC 3986's pchar without the percent sign: unreserved, sub-delims, ":" and "@"; 32 characters a word. */
static bool is_pchar(unsigned char c)
{
    static const uint32_t set[8] = {0, 0x2fff7fd2, 0x87ffffff, 0x47fffffe};
    return (set[c / 32] >> c % 32 & 1) != 0;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of "%XX" at s.p[i], or -1. */
static int escape_at(struct bf_str s, size_t i)
{
    if (s.n - i < 3)
        return -1;
    int high = hex_digit((unsigned char)s.p[i + 1]), low = hex_digit((unsigned char)s.p[i + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_dots(struct bf_str s)
{
    /* "%2e" is a dot too, to readers that decode before they resolve */
    unsigned dots = 0;
    for (size_t i = 0; i < s.n; dots++) {
        if (s.p[i] == '.')
            i++;
        else if (s.p[i] == '%' && escape_at(s, i) == '.')
            i += 3;
        else
            return false;
    }
    return dots == 1 || dots == 2;
}

static enum bf_status add_segment(struct bf__target *t, struct bf_str s, struct bf_error *e)
{
    if (t->n_segments == BF__SEGMENTS_MAX)
        return bf_fail(e, BF_E_INVALID_PATH, "more than %d segments", BF__SEGMENTS_MAX);
    if (is_dots(s))
        return bf_fail(e, BF_E_INVALID_PATH, "dot segments are not resolved");
    t->segments[t->n_segments++] = s;
    return BF_OK;
}

static enum bf_status check_chars(struct bf_str path, struct bf_error *e)
{
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c == '%' ? escape_at(path, i) < 0 : c != '/' && !is_pchar(c))
            return bf_fail(e, BF_E_INVALID_PATH, c == '%' ? "a bad percent escape" : "a character that must be escaped");
    }
    return BF_OK;
}

static enum bf_status cut_segments(struct bf__target *t, struct bf_error *e)
{
    size_t start = 1, end = t->path.n;
    if (end == 1)
        return BF_OK;
    for (size_t i = 1; i <= end; i++) {
        if (i < end && t->path.p[i] != '/')
            continue;
        if (i == start && i < end)
            return bf_fail(e, BF_E_INVALID_PATH, "an empty segment");
        enum bf_status status = add_segment(t, bf_str(t->path.p + start, i - start), e);
        if (status != BF_OK)
            return status;
        start = i + 1;
    }
    return BF_OK;
}

enum bf_status bf__target_cut(struct bf_str raw, struct bf__target *ret, struct bf_error *e)
{
    struct bf__target t = {.path = raw};
    enum bf_status status;
    if (raw.n == 0 || raw.p[0] != '/')
        return bf_fail(e, BF_E_INVALID_PATH, "the path must begin with a slash");
    if (raw.n > BF__TARGET_MAX)
        return bf_fail(e, BF_E_INVALID_PATH, "longer than %d bytes", BF__TARGET_MAX);
    const char *mark = memchr(raw.p, '?', raw.n);
    if (mark != NULL) {
        t.path.n = (size_t)(mark - raw.p);
        t.query = bf_str(mark + 1, raw.n - t.path.n - 1);
    }
    if ((status = check_chars(t.path, e)) != BF_OK || (status = cut_segments(&t, e)) != BF_OK)
        return status;
    *ret = t;
    return BF_OK;
}

/* Decodes into `arena`; false at a bad escape. */
static bool decode(struct bf_arena *arena, struct bf_str raw, bool plus_is_space, struct bf_str *ret)
{
    char *to = bf_arena_alloc(arena, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        int c = (unsigned char)raw.p[i];
        if (c == '%') {
            if ((c = escape_at(raw, i)) < 0)
                return false;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[n++] = (char)c;
    }
    assert(n <= raw.n);
    to[n] = '\0';
    *ret = bf_str(to, n);
    return true;
}

static bool is_plain(struct bf_str raw)
{
    size_t i = 0;
    while (i < raw.n && is_pchar((unsigned char)raw.p[i]))
        i++;
    return i == raw.n;
}

enum bf_status bf__segment_decode(struct bf_arena *arena, struct bf_str raw, struct bf_str *ret, struct bf_error *e)
{
    struct bf_str s;
    if (is_plain(raw)) { /* nothing to decode and nothing to fear, as nearly always */
        *ret = bf_str_dup(arena, raw);
        return BF_OK;
    }
    if (!decode(arena, raw, false, &s))
        return bf_fail(e, BF_E_INVALID_PATH, "a bad percent escape");
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f || s.p[i] == '/' || s.p[i] == '\\')
            return bf_fail(e, BF_E_INVALID_PATH, "an escape that may not stand in a path");
    if (!bf_text_is_utf8(s))
        return bf_fail(e, BF_E_INVALID_PATH, "not UTF-8");
    *ret = s;
    return BF_OK;
}

static enum bf_status decode_pair(struct bf_arena *arena, struct bf_str piece, struct bf__pair *ret, struct bf_error *e)
{
    const char *equals = memchr(piece.p, '=', piece.n);
    size_t name_n = equals == NULL ? piece.n : (size_t)(equals - piece.p);
    struct bf_str value = equals == NULL ? bf_str("", 0) : bf_str(equals + 1, piece.n - name_n - 1);
    if (!decode(arena, bf_str(piece.p, name_n), true, &ret->name) || !decode(arena, value, true, &ret->value))
        return bf_fail(e, BF_E_INVALID_QUERY, "a bad percent escape");
    if (ret->name.n == 0)
        return bf_fail(e, BF_E_INVALID_QUERY, "a parameter without a name");
    /* also says no to NUL */
    if (!bf_text_is_utf8(ret->name) || !bf_text_is_utf8(ret->value))
        return bf_fail(e, BF_E_INVALID_QUERY, "not UTF-8, or with a NUL");
    return BF_OK;
}

static enum bf_status add_pair(struct bf_arena *arena, struct bf_str piece, struct bf__pair *out, unsigned *n, struct bf_error *e)
{
    struct bf__pair pair;
    if (*n == BF__QUERY_MAX)
        return bf_fail(e, BF_E_INVALID_QUERY, "more than %d parameters", BF__QUERY_MAX);
    enum bf_status status = decode_pair(arena, piece, &pair, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < *n; i++)
        if (bf_str_eq(out[i].name, pair.name))
            return bf_fail(e, BF_E_INVALID_QUERY, "\"%.60s\" stands twice", pair.name.p);
    out[(*n)++] = pair;
    return BF_OK;
}

enum bf_status bf__query_decode(struct bf_arena *arena, struct bf_str raw, struct bf__pair *out, unsigned *ret_n, struct bf_error *e)
{
    unsigned n = 0;
    for (size_t start = 0, i = 0; i <= raw.n; i++) {
        if (i < raw.n && raw.p[i] != '&')
            continue;
        if (i > start) {
            enum bf_status status = add_pair(arena, bf_str(raw.p + start, i - start), out, &n, e);
            if (status != BF_OK)
                return status;
        }
        start = i + 1;
    }
    *ret_n = n;
    return BF_OK;
}
