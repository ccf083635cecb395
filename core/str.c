/* SPDX-License-Identifier: Apache-2.0 */
#include "core/str.h"
#include "core/arena.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool bf_str_ieq(struct bf_str a, struct bf_str b) { return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0); }

bool bf_str_u64(struct bf_str s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.n == 0 || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}

struct bf_str bf_str_dup(struct bf_arena *arena, struct bf_str s) { return bf_str(bf_arena_dup(arena, s.p, s.n), s.n); }

void bf_hex(const void *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[b[i] >> 4];
        out[2 * i + 1] = digits[b[i] & 15];
    }
    out[2 * n] = '\0';
}

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

bool bf_unhex(struct bf_str s, void *out, size_t n)
{
    unsigned char *b = out;
    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        b[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(const void *p, size_t n, const char *digits, char *out)
{
    const unsigned char *b = p;
    unsigned bits = 0;
    int have = 0;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | b[i];
        for (have += 8; have >= 6; have -= 6)
            out[len++] = digits[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[len++] = digits[bits << (6 - have) & 63];
    out[len] = '\0';
    return len;
}

size_t bf_base64url(const void *p, size_t n, char *out) { return encode(p, n, url_alphabet, out); }

size_t bf_base64(const void *p, size_t n, char *out)
{
    size_t len = encode(p, n, alphabet, out);
    while (len % 4 != 0)
        out[len++] = '=';
    out[len] = '\0';
    return len;
}

/* Of the URL alphabet, each a value plus one: what is not in it has 0. */
static const uint8_t url_digits[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10,
    ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19,
    ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,
    ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46,
    ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64};

/* -1 when it is none. */
static int base64_digit(unsigned char c, bool url)
{
    if (!url)
        c = c == '+' ? '-' : c == '/' ? '_' : c == '-' || c == '_' ? 0 : c;
    return url_digits[c] - 1;
}

static long decode64(struct bf_str s, unsigned char *out, size_t max, bool url)
{
    unsigned bits = 0;
    int have = 0;
    size_t n = 0;
    if (s.n % 4 == 1)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        int digit = base64_digit((unsigned char)s.p[i], url);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (unsigned)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (n == max)
                return -1;
            out[n++] = (unsigned char)(bits >> have);
        }
    }
    return (bits & ((1u << have) - 1)) != 0 ? -1 : (long)n;
}

long bf_unbase64url(struct bf_str s, void *out, size_t max) { return decode64(s, out, max, true); }

long bf_unbase64(struct bf_str s, void *out, size_t max)
{
    if (s.n % 4 != 0)
        return -1;
    for (int pad = 0; pad < 2 && s.n > 0 && s.p[s.n - 1] == '='; pad++)
        s.n--;
    return decode64(s, out, max, false);
}

void bf_buf_init(struct bf_buf *b, size_t max) { *b = (struct bf_buf){.max = max}; }

void bf_buf_finish(struct bf_buf *b)
{
    free(b->p);
    *b = (struct bf_buf){0};
}

void bf_buf_reset(struct bf_buf *b)
{
    b->n = 0;
    b->overflowed = false;
}

char *bf_buf_reserve(struct bf_buf *b, size_t n)
{
    assert(b->n <= b->max);
    if (n > b->max - b->n) {
        b->overflowed = true;
        return NULL;
    }
    if (b->n + n > b->cap) {
        size_t cap = b->cap == 0 ? 256 : b->cap * 2;
        while (cap < b->n + n)
            cap *= 2;
        char *p = realloc(b->p, cap);
        if (p == NULL)
            abort();
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

bool bf_buf_add(struct bf_buf *b, const void *p, size_t n)
{
    char *to = bf_buf_reserve(b, n);
    if (to == NULL)
        return false;
    if (n > 0)
        memcpy(to, p, n);
    b->n += n;
    return true;
}

bool bf_buf_addz(struct bf_buf *b, const char *z) { return bf_buf_add(b, z, strlen(z)); }

bool bf_buf_addc(struct bf_buf *b, char c) { return bf_buf_add(b, &c, 1); }

bool bf_buf_printf(struct bf_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    if (bf_buf_reserve(b, (size_t)n + 1) == NULL)
        return false;
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return true;
}
