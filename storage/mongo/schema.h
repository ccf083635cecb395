/* SPDX-License-Identifier: Apache-2.0 */
/* The indexes: those that are declared, by names that begin with "bf_". Others are not ours. */
#pragma once
#include "storage/storage.h"

enum { BF__M_INDEX_NAME_MAX = 80 };

const char *bf__m_index_name(const struct bf_index *index, char out[BF__M_INDEX_NAME_MAX]);
