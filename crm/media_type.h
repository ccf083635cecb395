/* SPDX-License-Identifier: Apache-2.0 */
/* Media types that a visit may name (G-04). Pure. Any thread. */
#pragma once
#include "core/str.h"

/* Whether `type` is taken for a medium of `kind` (BF_MEDIA_KIND_IS_...). Parameters ("; codecs=opus") and case do not count. What the bytes
 * really are is decided by looking at them, later. */
bool bf_media_type_is_allowed(int kind, struct bf_str type);
