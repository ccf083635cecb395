/* SPDX-License-Identifier: Apache-2.0 */
/* Ogg pages and PNG chunks carry checksums, which no fuzzer finds by chance: what is behind them would hardly be reached. So a copy of the
 * input gets the right ones, but where its last byte is odd, for what is done about wrong ones. */
#pragma once
#include "tests/fuzz/fuzz.h"
#include <string.h>

/* Both are the CRC of 0x04c11db7, bit by bit: Ogg's begins with the highest bit of a byte (RFC 3533), PNG's with the lowest (ISO 15948
 * annex D). */
static uint32_t crc_of_ogg(const uint8_t *p, size_t n)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)p[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ ((crc >> 31) * UINT32_C(0x04c11db7));
    }
    return crc;
}

static uint32_t crc_of_png(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) * UINT32_C(0xedb88320));
    }
    return ~crc;
}

static void mend_ogg(uint8_t *p, size_t n)
{
    enum { HEAD = 27, CRC = 22, SEGMENTS = 26 };
    for (size_t at = 0; n - at >= HEAD && memcmp(p + at, "OggS", 4) == 0;) {
        size_t size = HEAD + p[at + SEGMENTS];
        if (n - at < size)
            return;
        for (unsigned i = 0; i < p[at + SEGMENTS]; i++)
            size += p[at + HEAD + i];
        if (n - at < size)
            return;
        memset(p + at + CRC, 0, 4);
        uint32_t crc = crc_of_ogg(p + at, size);
        for (int i = 0; i < 4; i++)
            p[at + CRC + i] = (uint8_t)(crc >> 8 * i);
        at += size;
    }
}

static void mend_png(uint8_t *p, size_t n)
{
    enum { SIGNATURE = 8, HEAD = 8, CRC = 4 };
    for (size_t at = SIGNATURE; at < n && n - at >= HEAD + CRC;) {
        size_t size = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 | p[at + 3];
        if (n - at - HEAD - CRC < size)
            return;
        uint32_t crc = crc_of_png(p + at + 4, size + 4);
        for (int i = 0; i < 4; i++)
            p[at + HEAD + size + i] = (uint8_t)(crc >> (24 - 8 * i));
        at += HEAD + size + CRC;
    }
}

/* A copy of exactly this size, to be freed. */
static uint8_t *mended_copy(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    EXPECT(copy != NULL);
    if (n == 0)
        return copy;
    memcpy(copy, data, n);
    if (data[n - 1] % 2 != 0)
        return copy;
    if (n >= 4 && memcmp(copy, "OggS", 4) == 0)
        mend_ogg(copy, n);
    else if (n >= 8 && memcmp(copy, "\x89PNG\r\n\x1a\n", 8) == 0)
        mend_png(copy, n);
    return copy;
}
