/* SPDX-License-Identifier: Apache-2.0 */
/* Media types that a visit may name (G-04). Pure. Any thread. */
#pragma once
#include "core/str.h"

/* The one name of what `type` means for a medium of `kind` (BF_MEDIA_KIND_IS_...); empty when that is not taken. Parameters (";
 * codecs=opus") and case do not count. What the bytes really are is decided by looking at them, later. */
struct bf_str bf_media_type_canonical(int kind, struct bf_str type);
bool bf_media_type_is_allowed(int kind, struct bf_str type);
