/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/media_type.h"
#include "crm/entities.h"

struct media_type {
    int kind;
    const char *name, *is; /* under whatever name phones and browsers send it */
};

static const struct media_type types[] = {
    {BF_MEDIA_KIND_IS_PHOTO, "image/jpeg", "image/jpeg"},    {BF_MEDIA_KIND_IS_PHOTO, "image/png", "image/png"},
    {BF_MEDIA_KIND_IS_PHOTO, "image/webp", "image/webp"},    {BF_MEDIA_KIND_IS_PHOTO, "image/heic", "image/heic"},
    {BF_MEDIA_KIND_IS_PHOTO, "image/heif", "image/heic"},    {BF_MEDIA_KIND_IS_VOICE, "audio/ogg", "audio/ogg"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/opus", "audio/ogg"},     {BF_MEDIA_KIND_IS_VOICE, "audio/webm", "audio/webm"},
    {BF_MEDIA_KIND_IS_VOICE, "video/webm", "audio/webm"},    {BF_MEDIA_KIND_IS_VOICE, "audio/mp4", "audio/mp4"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/x-m4a", "audio/mp4"},    {BF_MEDIA_KIND_IS_VOICE, "audio/m4a", "audio/mp4"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/aac", "audio/mp4"},      {BF_MEDIA_KIND_IS_VOICE, "audio/wav", "audio/wav"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/x-wav", "audio/wav"},    {BF_MEDIA_KIND_IS_VOICE, "audio/wave", "audio/wav"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/vnd.wave", "audio/wav"},
};

struct bf_str bf_media_type_canonical(int kind, struct bf_str type)
{
    const char *semicolon = type.n == 0 ? NULL : memchr(type.p, ';', type.n);
    if (semicolon != NULL)
        type.n = (size_t)(semicolon - type.p);
    while (type.n > 0 && type.p[type.n - 1] == ' ')
        type.n--;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].kind == kind && bf_str_ieq(type, bf_strz(types[i].name)))
            return bf_strz(types[i].is);
    return bf_str(NULL, 0);
}

bool bf_media_type_is_allowed(int kind, struct bf_str type) { return bf_media_type_canonical(kind, type).n > 0; }
