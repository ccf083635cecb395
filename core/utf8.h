/* SPDX-License-Identifier: Apache-2.0 */
/* One step through UTF-8, as the Unicode Standard's table 3-7 has it; shared by the readers and writers of text. */
#pragma once
#include <stddef.h>

/* The length of the well-formed sequence at the start of the n > 0 bytes at `p`; 0 when there is none. */
static inline size_t bf__utf8_step(const unsigned char *p, size_t n)
{
    unsigned c = p[0];
    if (c < 0x80)
        return 1;
    if (c > 0xe0 && c < 0xed) /* Chinese and most else of three bytes: all second bytes are good */
        return n > 2 && ((p[1] ^ 0x80) | (p[2] ^ 0x80)) < 0x40 ? 3 : 0;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return n > 1 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (n < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
        return 0;
    if (c < 0xf0) /* no overlong forms, no surrogates */
        return (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ? 0 : 3;
    if (n < 4 || (p[3] & 0xc0) != 0x80 || (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
        return 0;
    return 4;
}
