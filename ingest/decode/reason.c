/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/client.h"
#include <assert.h>

const char *bf_decode_reason_code(enum bf_decode_reason reason)
{
    static const char *const codes[] = {
#define X(name, code) code,
        BF_DECODE_REASON_MAP(X)
#undef X
    };
    assert((unsigned)reason < BF_DECODE_REASON_COUNT);
    return codes[reason];
}

const char *bf_media_type_name(enum bf_media_type type)
{
    static const char *const names[] = {"application/octet-stream",
#define X(name, type) type,
                                        BF_MEDIA_TYPE_MAP(X)
#undef X
    };
    assert((unsigned)type < BF_MEDIA_COUNT);
    return names[type];
}

enum bf_media_type bf_media_type_of(struct bf_str name)
{
    for (enum bf_media_type t = BF_MEDIA_NONE + 1; t < BF_MEDIA_COUNT; t++)
        if (bf_str_eqz(name, bf_media_type_name(t)))
            return t;
    return BF_MEDIA_NONE;
}
