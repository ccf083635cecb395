/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to reach somebody (CUS-06: phone or email, valid). Syntax only. Pure. Any thread. */
#pragma once
#include "core/str.h"

/* A telephone number as people write it: an optional +, 7 to 15 digits (ITU-T E.164), single spaces, hyphens, dots or brackets between, an
 * optional extension
 * ("转", "x" or "ext" and up to 6 digits). A national number that begins with 1 is a Chinese mobile: 11 digits, the second 3 to 9.
 * Full-width characters count as their plain forms. */
bool bf_phone_is_valid(struct bf_str s);

/* An address of RFC 5321's dot-string form with a domain of at least two labels; no quotes, no address literals. At most 254 bytes. */
bool bf_email_is_valid(struct bf_str s);
