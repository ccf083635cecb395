/* SPDX-License-Identifier: Apache-2.0 */
/* Text by ICU: Han characters, width folding, sort keys. Thread-safe. */
#pragma once
#include "core/str.h"

struct bf_arena;

bool bf_text_is_utf8(struct bf_str s);  /* well-formed, no NUL */
size_t bf_text_length(struct bf_str s); /* Unicode characters of well-formed UTF-8 */
/* Units as G-19 counts them: each character of script Han is one; each maximal run of letters, marks and digits of other scripts is one,
 * with an apostrophe between letters and a point or comma between digits inside it; spaces, punctuation, symbols and emoji count nothing.
 * Of a run of the same character at most two count, whatever stands between that counts nothing; a word of one character is one of its
 * kind. */
unsigned bf_text_units(struct bf_str s);
/* NFKC, case folded, runs of white space to one space, trimmed: for comparing what people typed. */
struct bf_str bf_text_fold(struct bf_arena *arena, struct bf_str s);
/* A memcmp-ordered key as Chinese readers expect (CLDR zh: digits, Han by pinyin, other scripts by the root collation); at most 255 bytes.
 */
struct bf_str bf_text_sort_key(struct bf_arena *arena, struct bf_str s);
/* A code of ISO 4217, upper case, that ICU knows (G-17). */
bool bf_text_is_currency(struct bf_str code);
