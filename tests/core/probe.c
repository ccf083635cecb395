/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the questions of test_oracle.py: one a line on stdin, fields separated by tabs, one answer a line. Bytes travel as hex. */
#include "core/arena.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/text.h"
#include "core/tz.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 1 << 20 };

static struct bf_str from_hex(struct bf_arena *arena, const char *hex)
{
    size_t n = strlen(hex) / 2;
    char *bytes = bf_arena_alloc(arena, n + 1);
    if (!bf_unhex(bf_strz(hex), bytes, n))
        abort();
    return bf_str(bytes, n);
}

static void print_hex(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", ((const unsigned char *)p)[i]);
    putchar('\n');
}

static void answer_time(const char *a)
{
    int64_t ms;
    char text[BF_TIME_TEXT];
    if (!bf_time_parse(bf_strz(a), &ms)) {
        puts("-");
        return;
    }
    bf_time_text(ms, text);
    printf("%" PRId64 " %s\n", ms, text);
}

static void answer_civil(const char *zone, const char *ms)
{
    struct bf_civil c;
    if (bf_tz_civil(bf_strz(zone), strtoll(ms, NULL, 10), &c))
        printf("%04d-%02d-%02dT%02d:%02d:%02d %d\n", c.year, c.month, c.day, c.hour, c.minute, c.second, c.weekday);
    else
        puts("-");
}

static void answer_instant(const char *zone, const char *wall)
{
    struct bf_civil c;
    int64_t ms;
    if (bf_wall_parse(bf_strz(wall), &c) && bf_tz_instant(bf_strz(zone), &c, &ms))
        printf("%" PRId64 "\n", ms);
    else
        puts("-");
}

static void answer_day(const char *day, const char *more)
{
    struct bf_civil c;
    int year, week;
    if (!bf_date_parse(bf_strz(day), &c)) {
        puts("-");
        return;
    }
    bf_civil_add_days(&c, atoi(more));
    bf_civil_iso_week(&c, &year, &week);
    printf("%04d-%02d-%02d %d %d %d\n", c.year, c.month, c.day, year, week, c.weekday);
}

static void answer_json(struct bf_arena *arena, const char *hex)
{
    const struct bf_json *json;
    puts(bf_json_parse(arena, from_hex(arena, hex), SIZE_MAX, &json, NULL) == BF_OK ? "yes" : "no");
}

static void answer_write(struct bf_arena *arena, const char *what, const char *a)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, LINE_MAX_BYTES);
    bf_jw_init(&w, &out);
    if (what[0] == 's')
        bf_jw_str(&w, from_hex(arena, a));
    else if (what[0] == 'd')
        bf_jw_double(&w, strtod(a, NULL));
    else
        bf_jw_int(&w, strtoll(a, NULL, 10));
    print_hex(out.p, out.n);
    bf_buf_finish(&out);
}

static void answer_sha256(struct bf_arena *arena, const char *hex)
{
    uint8_t out[BF_SHA256_BYTES];
    struct bf_str s = from_hex(arena, hex);
    bf_sha256(s.p, s.n, out);
    print_hex(out, sizeof out);
}

static void answer_fold(struct bf_arena *arena, const char *hex)
{
    struct bf_str s = bf_text_fold(arena, from_hex(arena, hex));
    print_hex(s.p, s.n);
}

static void answer(struct bf_arena *arena, const char *what, const char *a, const char *b)
{
    if (strcmp(what, "time") == 0)
        answer_time(a);
    else if (strcmp(what, "civil") == 0)
        answer_civil(a, b);
    else if (strcmp(what, "instant") == 0)
        answer_instant(a, b);
    else if (strcmp(what, "day") == 0)
        answer_day(a, b);
    else if (strcmp(what, "zone") == 0)
        puts(bf_tz_is_zone(bf_strz(a)) ? "yes" : "no");
    else if (strcmp(what, "json") == 0)
        answer_json(arena, a);
    else if (strcmp(what, "utf8") == 0)
        puts(bf_text_is_utf8(from_hex(arena, a)) ? "yes" : "no");
    else if (strcmp(what, "units") == 0)
        printf("%u\n", bf_text_units(from_hex(arena, a)));
    else if (strcmp(what, "fold") == 0)
        answer_fold(arena, a);
    else if (strcmp(what, "sha256") == 0)
        answer_sha256(arena, a);
    else if (strcmp(what, "str") == 0 || strcmp(what, "double") == 0 || strcmp(what, "int") == 0)
        answer_write(arena, what, a);
    else
        abort();
}

int main(void)
{
    char *line = malloc(LINE_MAX_BYTES);
    if (line == NULL)
        abort();
    while (fgets(line, LINE_MAX_BYTES, stdin) != NULL) {
        struct bf_arena *arena = bf_arena_create();
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        const char *what = strsep(&rest, "\t"), *a = strsep(&rest, "\t"), *b = strsep(&rest, "\t");
        answer(arena, what, a == NULL ? "" : a, b == NULL ? "" : b);
        bf_arena_destroy(&arena);
    }
    free(line);
    return 0;
}
