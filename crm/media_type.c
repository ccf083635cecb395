/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/media_type.h"
#include "crm/entities.h"

struct media_type {
    int kind;
    const char *name;
};

static const struct media_type types[] = {
    {BF_MEDIA_KIND_IS_PHOTO, "image/jpeg"}, {BF_MEDIA_KIND_IS_PHOTO, "image/png"},      {BF_MEDIA_KIND_IS_PHOTO, "image/webp"},
    {BF_MEDIA_KIND_IS_PHOTO, "image/heic"}, {BF_MEDIA_KIND_IS_PHOTO, "image/heif"},     {BF_MEDIA_KIND_IS_VOICE, "audio/ogg"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/opus"}, {BF_MEDIA_KIND_IS_VOICE, "audio/webm"},     {BF_MEDIA_KIND_IS_VOICE, "video/webm"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/mp4"},  {BF_MEDIA_KIND_IS_VOICE, "audio/x-m4a"},    {BF_MEDIA_KIND_IS_VOICE, "audio/m4a"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/aac"},  {BF_MEDIA_KIND_IS_VOICE, "audio/wav"},      {BF_MEDIA_KIND_IS_VOICE, "audio/x-wav"},
    {BF_MEDIA_KIND_IS_VOICE, "audio/wave"}, {BF_MEDIA_KIND_IS_VOICE, "audio/vnd.wave"},
};

bool bf_media_type_is_allowed(int kind, struct bf_str type)
{
    const char *semicolon = type.n == 0 ? NULL : memchr(type.p, ';', type.n);
    if (semicolon != NULL)
        type.n = (size_t)(semicolon - type.p);
    while (type.n > 0 && type.p[type.n - 1] == ' ')
        type.n--;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].kind == kind && bf_str_ieq(type, bf_strz(types[i].name)))
            return true;
    return false;
}
