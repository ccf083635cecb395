/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text.h"
#include "core/arena.h"
#include "core/utf8.h"
#include <assert.h>
#include <unicode/uchar.h>
#include <unicode/ucol.h>
#include <unicode/ucurr.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

enum { SORT_KEY_MAX = 255, SAME_CHARACTER_MAX = 2, TEXT_MAX = 1 << 28 };

bool bf_text_is_utf8(struct bf_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        size_t step = p[i] == 0 ? 0 : bf__utf8_step(p + i, s.n - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

size_t bf_text_length(struct bf_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* ---- G-19 ---- */

enum sort { NOTHING, HAN, LETTER, DIGIT, MARK };

static enum sort sort_of(UChar32 c)
{
    UErrorCode status = U_ZERO_ERROR;
    if (c < 0x80)
        return c >= '0' && c <= '9' ? DIGIT : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? LETTER : NOTHING;
    if (uscript_getScript(c, &status) == USCRIPT_HAN)
        return HAN;
    uint32_t category = U_GET_GC_MASK(c);
    if ((category & U_GC_L_MASK) != 0)
        return LETTER;
    if ((category & (U_GC_ND_MASK | U_GC_NL_MASK)) != 0)
        return DIGIT;
    return (category & U_GC_M_MASK) != 0 ? MARK : NOTHING;
}

/* The text as a row of characters; -1 stands for what is not UTF-8, and at the end. */
struct reader {
    const char *p;
    int32_t n, at;
};

static UChar32 next(struct reader *r)
{
    UChar32 c;
    if (r->at >= r->n)
        return -1;
    U8_NEXT(r->p, r->at, r->n, c);
    return c;
}

static UChar32 peek(struct reader r) { return next(&r); }

/* Does `c` between two parts of a word or number belong to it (don't, 3.5, 1,000)? */
static bool joins(enum sort before, UChar32 c, enum sort after)
{
    if (c == '.' || c == ',')
        return before == DIGIT && after == DIGIT;
    return (c == '\'' || c == 0x2019) && before == LETTER && after == LETTER;
}

/* U+20E3 makes an emoji of the digit before it. */
static bool is_keycap(struct reader r)
{
    UChar32 c = next(&r);
    if (c == 0xfe0f)
        c = next(&r);
    return c == 0x20e3;
}

/* Reads the rest of the word that began with `first`. Returns the character it repeats, or -1 when it has several. */
static UChar32 skip_word(struct reader *r, UChar32 first)
{
    UChar32 repeated = first;
    enum sort last = sort_of(first);
    for (;;) {
        struct reader ahead = *r;
        UChar32 c = next(&ahead);
        enum sort sort = c < 0 ? NOTHING : sort_of(c);
        if (c >= 0 && sort == NOTHING && peek(ahead) >= 0 && joins(last, c, sort_of(peek(ahead))))
            sort = last;
        else if (sort == NOTHING || sort == HAN)
            return repeated;
        if (sort != MARK)
            last = sort;
        if (c != first)
            repeated = -1;
        *r = ahead;
    }
}

unsigned bf_text_units(struct bf_str s)
{
    struct reader r = {s.p, (int32_t)s.n, 0};
    UChar32 previous = -1;
    unsigned units = 0, run = 0;
    assert(s.n <= TEXT_MAX);
    while (r.at < r.n) {
        UChar32 c = next(&r);
        enum sort sort = c < 0 ? NOTHING : sort_of(c);
        if (sort == NOTHING || sort == MARK || (sort == DIGIT && is_keycap(r)))
            continue;
        UChar32 unit = sort == HAN ? c : skip_word(&r, c);
        run = unit >= 0 && unit == previous ? run + 1 : 1;
        previous = unit;
        units += run <= SAME_CHARACTER_MAX;
    }
    return units;
}

/* ---- folding and sorting ---- */

/* UTF-16 of `s`, what is not UTF-8 as U+FFFD. */
static UChar *to_utf16(struct bf_arena *arena, struct bf_str s, int32_t *ret_n)
{
    UErrorCode status = U_ZERO_ERROR;
    assert(s.n <= TEXT_MAX);
    UChar *out = bf_arena_alloc(arena, (s.n + 1) * sizeof *out); /* a byte never gives more than one unit */
    u_strFromUTF8WithSub(out, (int32_t)s.n + 1, ret_n, s.n == 0 ? "" : s.p, (int32_t)s.n, 0xfffd, NULL, &status);
    assert(U_SUCCESS(status));
    return out;
}

static struct bf_str to_utf8(struct bf_arena *arena, const UChar *p, int32_t n)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t length = 0;
    char *out = bf_arena_alloc(arena, (size_t)n * 3 + 1);
    u_strToUTF8WithSub(out, n * 3 + 1, &length, p, n, 0xfffd, NULL, &status);
    assert(U_SUCCESS(status));
    return bf_str(out, (size_t)length);
}

/* One space for each run of white space, none at the ends; in place. */
static int32_t squeeze(UChar *p, int32_t n)
{
    int32_t to = 0;
    bool gap = false;
    for (int32_t i = 0; i < n; i++) {
        if (u_isUWhiteSpace(p[i])) {
            gap = to > 0;
            continue;
        }
        if (gap)
            p[to++] = ' ';
        gap = false;
        p[to++] = p[i];
    }
    return to;
}

struct bf_str bf_text_fold(struct bf_arena *arena, struct bf_str s)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t n, folded;
    UChar *from = to_utf16(arena, s, &n);
    const UNormalizer2 *form = unorm2_getNFKCCasefoldInstance(&status);
    assert(U_SUCCESS(status));
    int32_t room = n * 2 + 16;
    UChar *to = bf_arena_alloc(arena, (size_t)room * sizeof *to);
    folded = unorm2_normalize(form, from, n, to, room, &status);
    if (status == U_BUFFER_OVERFLOW_ERROR) { /* U+FDFA alone becomes 18 characters */
        status = U_ZERO_ERROR;
        room = folded;
        to = bf_arena_alloc(arena, (size_t)room * sizeof *to);
        folded = unorm2_normalize(form, from, n, to, room, &status);
    }
    assert(U_SUCCESS(status));
    return to_utf8(arena, to, squeeze(to, folded));
}

struct bf_str bf_text_sort_key(struct bf_arena *arena, struct bf_str s)
{
    UErrorCode status = U_ZERO_ERROR;
    uint8_t *key = bf_arena_alloc(arena, SORT_KEY_MAX);
    int32_t n;
    UCollator *collator = ucol_open("zh@collation=pinyin", &status); /* 2 us; ICU caches the tailoring */
    assert(U_SUCCESS(status));
    UChar *text = to_utf16(arena, s, &n);
    int32_t length = ucol_getSortKey(collator, text, n, key, SORT_KEY_MAX);
    ucol_close(collator);
    return bf_str((const char *)key, length > SORT_KEY_MAX ? SORT_KEY_MAX : (size_t)length);
}

bool bf_text_is_currency(struct bf_str code)
{
    UChar text[4] = {0};
    if (code.n != 3)
        return false;
    for (unsigned i = 0; i < 3; i++) {
        if (code.p[i] < 'A' || code.p[i] > 'Z')
            return false;
        text[i] = (UChar)code.p[i];
    }
    return ucurr_getNumericCode(text) > 0;
}
