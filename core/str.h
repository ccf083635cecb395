/* SPDX-License-Identifier: Apache-2.0 */
/* Slices (`bf_str`: bytes somebody else owns) and the one growing buffer (`bf_buf`), whose limit is given at creation. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bf_arena;

struct bf_str {
    const char *p;
    size_t n;
};

#define BF_STR(literal) ((struct bf_str){"" literal, sizeof(literal) - 1})
#define BF_FMT(s) (int)(s).n, (s).p /* for "%.*s" */

static inline struct bf_str bf_str(const char *p, size_t n) { return (struct bf_str){p, n}; }
static inline struct bf_str bf_strz(const char *z) { return (struct bf_str){z, z == NULL ? 0 : strlen(z)}; }
static inline bool bf_str_eq(struct bf_str a, struct bf_str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static inline bool bf_str_eqz(struct bf_str a, const char *z) { return bf_str_eq(a, bf_strz(z)); }
/* By bytes, as memcmp; of two that begin alike the shorter one comes first. */
static inline int bf_str_cmp(struct bf_str a, struct bf_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}
static inline bool bf_str_starts(struct bf_str s, struct bf_str prefix)
{
    return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}
bool bf_str_ieq(struct bf_str a, struct bf_str b); /* ASCII case-insensitive */
/* Whole string as a decimal number without sign, spaces or leading zeros; false when it is not one or above `max`. */
bool bf_str_u64(struct bf_str s, uint64_t max, uint64_t *ret);
struct bf_str bf_str_dup(struct bf_arena *arena, struct bf_str s); /* NUL behind it */

/* Lower-case hex; `out` holds 2 * n + 1 bytes. bf_unhex wants exactly 2 * n lower-case digits. */
void bf_hex(const void *p, size_t n, char *out);
bool bf_unhex(struct bf_str s, void *out, size_t n);
/* RFC 4648 section 5 without padding. Encode: `out` holds (n * 4 + 2) / 3 + 1 bytes, returns the length. Decode: returns the length or -1 (bad
 * character, non-zero spare bits, or more than `max`). */
size_t bf_base64url(const void *p, size_t n, char *out);
long bf_unbase64url(struct bf_str s, void *out, size_t max);
/* RFC 4648 section 4 with padding; `out` holds (n + 2) / 3 * 4 + 1 bytes. */
size_t bf_base64(const void *p, size_t n, char *out);
/* The same back, strict; as tus' Upload-Metadata and Upload-Checksum have it. */
long bf_unbase64(struct bf_str s, void *out, size_t max);

struct bf_buf {
    char *p;
    size_t n, cap, max;
    bool overflowed; /* an append went over `max`; the content is what fitted before it */
};

void bf_buf_init(struct bf_buf *b, size_t max); /* allocates nothing */
void bf_buf_finish(struct bf_buf *b);
void bf_buf_reset(struct bf_buf *b); /* keeps the memory */
/* Appends: false, with `overflowed` set and nothing appended, when `max` would be passed. */
bool bf_buf_add(struct bf_buf *b, const void *p, size_t n);
bool bf_buf_addz(struct bf_buf *b, const char *z);
bool bf_buf_addc(struct bf_buf *b, char c);
bool bf_buf_printf(struct bf_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *bf_buf_reserve(struct bf_buf *b, size_t n); /* room for n more bytes, or NULL over `max`; then add to b->n yourself */
static inline struct bf_str bf_buf_str(const struct bf_buf *b) { return bf_str(b->p, b->n); }
