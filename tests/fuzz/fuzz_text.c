/* SPDX-License-Identifier: Apache-2.0 */
/* The small readers of text: times, days, wall times, zones, UUIDs, numbers, base64, and what ICU does with any bytes. */
#include "core/arena.h"
#include "core/json.h"
#include "core/text.h"
#include "core/tz.h"
#include "core/uuid.h"
#include "tests/fuzz/fuzz.h"

static void times(struct bf_str s)
{
    int64_t ms, again;
    char text[BF_TIME_TEXT];
    if (!bf_time_parse(s, &ms))
        return;
    bf_time_text(ms, text);
    EXPECT(bf_time_parse(bf_strz(text), &again) && again == ms);
}

static void days(struct bf_str s)
{
    struct bf_civil c;
    int64_t ms;
    int year, week;
    if (!bf_date_parse(s, &c) && !bf_wall_parse(s, &c))
        return;
    bf_civil_iso_week(&c, &year, &week);
    EXPECT(week >= 1 && week <= 53 && year >= c.year - 1 && year <= c.year + 1);
    EXPECT(bf_tz_instant(BF_STR("America/New_York"), &c, &ms));
    bf_civil_add_days(&c, 7);
    EXPECT(c.weekday >= 1 && c.weekday <= 7);
}

static void zones(struct bf_str s)
{
    struct bf_civil c;
    EXPECT(bf_tz_civil(s, 1795323600000, &c) == bf_tz_is_zone(s));
}

static void codes(struct bf_str s)
{
    unsigned char bytes[4096];
    char text[6000];
    struct bf_uuid u;
    uint64_t number;
    long n = bf_unbase64url(s, bytes, sizeof bytes);
    if (n >= 0) {
        EXPECT(bf_base64url(bytes, (size_t)n, text) == s.n);
        EXPECT(memcmp(text, s.p, s.n) == 0);
    }
    (void)bf_unbase64(s, bytes, sizeof bytes);
    if (bf_uuid_parse(s, &u)) {
        bf_uuid_text(&u, text);
        EXPECT(bf_str_eqz(s, text));
    }
    if (bf_str_u64(s, UINT64_MAX, &number)) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)number);
        EXPECT(bf_str_eqz(s, text));
    }
}

static void words(struct bf_arena *arena, struct bf_str s)
{
    struct bf_str folded = bf_text_fold(arena, s);
    EXPECT(bf_text_units(s) <= bf_text_length(s) + s.n);
    EXPECT(bf_str_eq(bf_text_fold(arena, folded), folded)); /* folding twice is folding once */
    EXPECT(bf_text_sort_key(arena, s).n <= 255);
    if (bf_text_is_utf8(s))
        EXPECT(bf_text_length(s) <= s.n && bf_text_units(s) <= bf_text_length(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_str s = bf_str((const char *)data, n);
    times(s);
    days(s);
    zones(s);
    if (n <= 4096)
        codes(s);
    words(arena, s);
    bf_arena_destroy(&arena);
    return 0;
}
