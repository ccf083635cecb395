/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text.h"
#include "core/utf8.h"

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
