/* SPDX-License-Identifier: Apache-2.0 */
/* Damage done behind the store's back: the check names it, mending makes anew what derives from something sound. */
#include "tests/storage/embedded/rig.h"

/* Two companies, some items changed several times, one tombstone less: enough to be damaged in every way. */
static void fill(struct suite *s)
{
    struct bf_receipt r;
    for (unsigned i = 0; i < 20; i++) {
        struct rename one = {
            .coll = &items, .id = suite_uuid(1 + i % 8), .name = bf_arena_printf(s->arena, "v%u", i), .owner = suite_uuid(50 + i % 3)};
        assert_int_equal(submit_rename(s, i % 5 == 0 ? tenant_b : tenant_a, i, &one, &r), BF_OK);
    }
}

struct damage {
    const char *sql, *told;
    bool mendable;
};

static const struct damage damages[] = {
    {"DELETE FROM x_items__owner WHERE k = (SELECT min(k) FROM x_items__owner)", "no key for document", true},
    {"INSERT INTO x_items__owner VALUES(x'00112233', 1)", "keys of no document", true},
    {"UPDATE x_items__owner SET r = r + 1 WHERE k = (SELECT max(k) FROM x_items__owner)", "another row", true},
    {"DELETE FROM d_items WHERE r = (SELECT min(r) FROM d_items)", "a document is missing", true},
    {"UPDATE d_items SET d = x'05000000' WHERE r = (SELECT min(r) FROM d_items)", "cannot be read", true},
    {"UPDATE d_items SET d = (SELECT d FROM d_items ORDER BY r LIMIT 1) WHERE r = (SELECT max(r) FROM d_items)", "", true},
    {"UPDATE d_items SET k = randomblob(32) WHERE r = (SELECT min(r) FROM d_items)", "a document is missing", true},
    {"UPDATE log SET l = zeroblob(32) WHERE r = 5", "leaf hash", false},
    {"UPDATE log SET h = substr(h, 1, length(h) - 1) WHERE r = 5", "cannot be read", false},
    {"UPDATE log SET p = zeroblob(length(p)) WHERE r = 5", "", false},
    {"DELETE FROM log WHERE r = 7", "hole", false},
    {"DELETE FROM log_requests WHERE n = 3", "not found by its id", false},
};

static void damage_is_told_and_what_derives_is_made_anew(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    fill(s);
    const char *told = rig_check(s, false, &report);
    assert_string_equal(told, "");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const struct damage *d = &damages[i];
        rig_close(s);
        rig_sql(s, d->sql);
        suite_reopen(s);
        told = rig_check(s, false, &report);
        if (report.faults == 0 || strstr(told, d->told) == NULL)
            fail_msg("%s: told \"%s\"", d->sql, told);
        assert_int_equal(report.mended, 0);
        if (!d->mendable)
            continue;
        rig_check(s, true, &report);
        assert_true(report.mended > 0);
        told = rig_check(s, false, &report);
        if (report.faults != 0)
            fail_msg("%s: after mending \"%s\"", d->sql, told);
        assert_string_equal(name_of(get(s, &items, tenant_a, suite_uuid(2))), "v17");
    }
}

SUITE_PART(suite_mend, SUITE_TEST(damage_is_told_and_what_derives_is_made_anew));
