/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/exif.h"
#include "ingest/decode/wire.h"
#include <stdbool.h>
#include <string.h>

enum { TYPE_ASCII = 2, TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_RATIONAL = 5, ENTRIES_MAX = 512, ENTRY_BYTES = 12 };

enum {
    TAG_ORIENTATION = 0x0112,
    TAG_DATE_TIME = 0x0132,
    TAG_EXIF_IFD = 0x8769,
    TAG_GPS_IFD = 0x8825,
    TAG_DATE_TIME_ORIGINAL = 0x9003,
    TAG_OFFSET_ORIGINAL = 0x9011,
    TAG_GPS_LAT_REF = 1,
    TAG_GPS_LAT = 2,
    TAG_GPS_LON_REF = 3,
    TAG_GPS_LON = 4,
};

struct tiff {
    const unsigned char *p;
    size_t n;
    bool big_endian;
};

struct entry {
    unsigned type;
    uint32_t count;
    size_t value_at; /* inside the structure for `count` values of `type` */
};

static uint32_t u16(const struct tiff *t, size_t at)
{
    return t->big_endian ? (uint32_t)t->p[at] << 8 | t->p[at + 1] : (uint32_t)t->p[at + 1] << 8 | t->p[at];
}

static uint32_t u32(const struct tiff *t, size_t at)
{
    return t->big_endian ? u16(t, at) << 16 | u16(t, at + 2) : u16(t, at + 2) << 16 | u16(t, at);
}

static bool find(const struct tiff *t, size_t ifd, unsigned tag, struct entry *ret)
{
    static const unsigned char size_of[] = {0, 1, 1, 2, 4, 8};
    if (ifd < 8 || ifd > t->n || t->n - ifd < 2)
        return false;
    uint32_t entries = u16(t, ifd);
    for (uint32_t i = 0; i < entries && i < ENTRIES_MAX; i++) {
        size_t at = ifd + 2 + (size_t)i * ENTRY_BYTES;
        if (at > t->n || t->n - at < ENTRY_BYTES)
            return false;
        if (u16(t, at) != tag)
            continue;
        struct entry e = {.type = u16(t, at + 2), .count = u32(t, at + 4)};
        if (e.type == 0 || e.type >= sizeof size_of || e.count > 0xffff)
            return false;
        size_t bytes = (size_t)e.count * size_of[e.type];
        e.value_at = bytes <= 4 ? at + 8 : u32(t, at + 8);
        if (e.value_at > t->n || t->n - e.value_at < bytes)
            return false;
        *ret = e;
        return true;
    }
    return false;
}

static size_t sub_ifd(const struct tiff *t, size_t ifd, unsigned tag)
{
    struct entry e;
    return find(t, ifd, tag, &e) && e.type == TYPE_LONG && e.count == 1 ? u32(t, e.value_at) : 0;
}

/* "DD" as a number, or -1. */
static int two(const unsigned char *p)
{
    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

/* Howard Hinnant's days_from_civil, for years 1970 to 9999. */
static int64_t days_since_1970(int y, int m, int d)
{
    y -= m <= 2;
    int era = y / 400, yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return (int64_t)era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "YYYY:MM:DD HH:MM:SS" */
static bool read_time(const struct tiff *t, size_t ifd, unsigned tag, int64_t *ret)
{
    struct entry e;
    if (!find(t, ifd, tag, &e) || e.type != TYPE_ASCII || e.count < 19)
        return false;
    const unsigned char *p = t->p + e.value_at;
    int century = two(p), year = two(p + 2), month = two(p + 5), day = two(p + 8), hour = two(p + 11), minute = two(p + 14),
        second = two(p + 17);
    if (century < 0 || year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60 || century * 100 + year < 1970)
        return false;
    *ret = days_since_1970(century * 100 + year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

/* "+08:00" */
static bool read_offset(const struct tiff *t, size_t ifd, int32_t *ret_min)
{
    struct entry e;
    if (!find(t, ifd, TAG_OFFSET_ORIGINAL, &e) || e.type != TYPE_ASCII || e.count < 6)
        return false;
    const unsigned char *p = t->p + e.value_at;
    int hour = two(p + 1), minute = two(p + 4);
    if ((p[0] != '+' && p[0] != '-') || p[3] != ':' || hour < 0 || hour > 14 || minute < 0 || minute > 59)
        return false;
    *ret_min = (p[0] == '-' ? -1 : 1) * (hour * 60 + minute);
    return true;
}

/* Degrees, minutes and seconds as three rationals; the reference letter that negates is `negative`. */
static bool read_degrees(const struct tiff *t, size_t gps, unsigned tag, unsigned ref_tag, char negative, double max, int32_t *ret_e7)
{
    static const double unit[] = {1, 60, 3600};
    struct entry e, ref;
    double degrees = 0;
    if (!find(t, gps, tag, &e) || e.type != TYPE_RATIONAL || e.count != 3)
        return false;
    if (!find(t, gps, ref_tag, &ref) || ref.type != TYPE_ASCII || ref.count < 1)
        return false;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t over = u32(t, e.value_at + 8 * i), under = u32(t, e.value_at + 8 * i + 4);
        if (under == 0 && over != 0)
            return false;
        degrees += under == 0 ? 0 : (double)over / under / unit[i];
    }
    if (degrees > max)
        return false;
    int32_t e7 = (int32_t)(degrees * 1e7 + 0.5);
    *ret_e7 = t->p[ref.value_at] == negative ? -e7 : e7;
    return true;
}

void bf__exif_read(const unsigned char *p, size_t n, struct bf_decode_photo *photo)
{
    struct entry e;
    int32_t lat, lon;
    if (n > 6 && memcmp(p, "Exif\0\0", 6) == 0)
        p += 6, n -= 6;
    struct tiff t = {.p = p, .n = n};
    if (n < 8 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0))
        return;
    t.big_endian = p[0] == 'M';
    size_t ifd0 = u32(&t, 4), exif = sub_ifd(&t, ifd0, TAG_EXIF_IFD), gps = sub_ifd(&t, ifd0, TAG_GPS_IFD);
    if (find(&t, ifd0, TAG_ORIENTATION, &e) && e.type == TYPE_SHORT && e.count == 1 && u16(&t, e.value_at) >= 1 && u16(&t, e.value_at) <= 8)
        photo->orientation = u16(&t, e.value_at);
    photo->has_taken =
        read_time(&t, exif, TAG_DATE_TIME_ORIGINAL, &photo->taken_local_s) || read_time(&t, ifd0, TAG_DATE_TIME, &photo->taken_local_s);
    photo->has_offset = photo->has_taken && read_offset(&t, exif, &photo->taken_offset_min);
    if (read_degrees(&t, gps, TAG_GPS_LAT, TAG_GPS_LAT_REF, 'S', 90, &lat) &&
        read_degrees(&t, gps, TAG_GPS_LON, TAG_GPS_LON_REF, 'W', 180, &lon)) {
        photo->has_gps = 1;
        photo->lat_e7 = lat;
        photo->lon_e7 = lon;
    }
}
