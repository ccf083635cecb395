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

/* Other names under which phones and browsers send the same bytes. */
static const struct {
    const char *name;
    enum bf_media_type type;
} aliases[] = {
    {"image/jpg", BF_MEDIA_JPEG},  {"image/heif", BF_MEDIA_HEIC}, {"audio/opus", BF_MEDIA_OGG},     {"application/ogg", BF_MEDIA_OGG},
    {"video/webm", BF_MEDIA_WEBM}, {"audio/x-m4a", BF_MEDIA_M4A}, {"audio/m4a", BF_MEDIA_M4A},      {"video/mp4", BF_MEDIA_M4A},
    {"audio/x-wav", BF_MEDIA_WAV}, {"audio/wave", BF_MEDIA_WAV},  {"audio/vnd.wave", BF_MEDIA_WAV},
};

enum bf_media_type bf_media_type_of(struct bf_str name)
{
    size_t n = 0;
    while (n < name.n && name.p[n] != ';' && name.p[n] != ' ')
        n++;
    name.n = n;
    for (enum bf_media_type t = BF_MEDIA_NONE + 1; t < BF_MEDIA_COUNT; t++)
        if (bf_str_ieq(name, bf_strz(bf_media_type_name(t))))
            return t;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (bf_str_ieq(name, bf_strz(aliases[i].name)))
            return aliases[i].type;
    return BF_MEDIA_NONE;
}
