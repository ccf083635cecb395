/* SPDX-License-Identifier: Apache-2.0 */
/* Telephone numbers, email addresses and media types from clients. */
#include "crm/contact_means.h"
#include "crm/entities.h"
#include "crm/media_type.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bf_str s = bf_str((const char *)data, n);
    if (bf_phone_is_valid(s))
        assert(n >= 7);
    if (bf_email_is_valid(s))
        assert(n <= 254 && memchr(data, '@', n) != NULL && memchr(data, ' ', n) == NULL && memchr(data, '\0', n) == NULL);
    for (int kind = 0; kind < BF_MEDIA_KIND_WORDS_N; kind++)
        if (bf_media_type_is_allowed(kind, s))
            assert(memchr(data, '/', n) != NULL);
    return 0;
}
