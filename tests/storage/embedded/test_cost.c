/* SPDX-License-Identifier: Apache-2.0 */
/* What a query costs beyond what it gives. */
#include "storage/committer.h"
#include "tests/storage/embedded/rig.h"
#include <sys/stat.h>

/* One of many meets the conditions: the memory of the page is not that of all that was read and decoded to find it. */
static void what_conditions_throw_away_is_not_kept(void **state)
{
    struct suite *s = *state;
    enum { ALL = 2000, TEXT = 200 };
    char text[TEXT + 1];
    struct bf_write writes[ALL];
    enum bf_status rets[ALL];
    struct bf_page page;
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    for (unsigned i = 0; i < ALL; i++)
        writes[i] = (struct bf_write){
            .kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(i + 1), i == ALL - 1 ? "rare" : text)};
    assert_int_equal(bf_store_write(s->store, writes, ALL, rets, NULL), BF_OK);
    struct bf_value rare = {.type = BF_T_STRING, .s = BF_STR("rare")};
    struct bf_cond named = {T_NAME, BF_EQ, &rare, 1};
    struct bf_query q = {.coll = &notes, .tenant = tenant_a, .conds = &named, .n_conds = 1, .limit = 20};
    for (unsigned descending = 0; descending < 2; descending++) {
        size_t before = bf_arena_used(s->arena);
        q.descending = descending;
        assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
        assert_int_equal(page.n, 1);
        assert_string_equal(name_of(page.docs[0]), "rare");
        assert_true(bf_arena_used(s->arena) - before < ALL * TEXT / 10);
    }
}

/* ---- the write-ahead log ---- */

enum { MB = 1 << 20 };

struct housekeeping {
    struct suite *s;
    enum bf_tidy_when when;
    unsigned mb; /* written before */
};

static enum bf_status write_and_tidy(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    static const struct bf_uuid nobody;
    struct housekeeping *h = ctx;
    const struct bf_driver_vtable *vt = h->s->store->driver->vt;
    char *text = bf_arena_calloc(h->s->arena, 1, MB + 1);
    memset(text, 'x', MB);
    assert_int_equal(vt->begin(writer, e), BF_OK);
    for (unsigned i = 0; i < h->mb; i++) {
        struct bf_write w = {.kind = BF_W_INSERT, .coll = &ticks, .doc = thing(h->s, &ticks, nobody, suite_uuid(++h->s->n_ids), text)};
        assert_int_equal(vt->write(writer, &w, h->s->arena, e), BF_OK);
    }
    assert_int_equal(vt->commit(writer, e), BF_OK);
    return vt->tidy(writer, h->when, false, e);
}

static int64_t database_mb(const struct suite *s)
{
    struct stat st;
    assert_int_equal(stat(bf_arena_printf(s->arena, "%s/data/store.db", rig_dir(s)), &st), 0);
    return st.st_size / MB;
}

/* What is written is moved to the database from 16 MB on; while somebody waits for the writer, from 64 MB on; while much waits that nobody waits for, from 4 MB on. */
static void a_busy_writer_puts_off_its_checkpoint_for_a_while(void **state)
{
    struct suite *s = *state;
    struct housekeeping h = {.s = s, .when = BF_TIDY_WANTED, .mb = 30};
    assert_int_equal(bf__committer_call(s->store, write_and_tidy, &h, NULL), BF_OK);
    assert_true(database_mb(s) < 16);
    h.mb = 40;
    assert_int_equal(bf__committer_call(s->store, write_and_tidy, &h, NULL), BF_OK);
    assert_true(database_mb(s) >= 64);
    h = (struct housekeeping){.s = s, .when = BF_TIDY_FREE, .mb = 10};
    assert_int_equal(bf__committer_call(s->store, write_and_tidy, &h, NULL), BF_OK);
    assert_true(database_mb(s) < 80);
    assert_int_equal(bf__committer_call(s->store, write_and_tidy, &h, NULL), BF_OK);
    assert_true(database_mb(s) >= 85);
    h = (struct housekeeping){.s = s, .when = BF_TIDY_BEHIND, .mb = 3};
    assert_int_equal(bf__committer_call(s->store, write_and_tidy, &h, NULL), BF_OK);
    assert_true(database_mb(s) < 92);
    assert_int_equal(bf__committer_call(s->store, write_and_tidy, &h, NULL), BF_OK);
    assert_true(database_mb(s) >= 95);
}

SUITE_PART(suite_cost, SUITE_TEST(what_conditions_throw_away_is_not_kept), SUITE_TEST(a_busy_writer_puts_off_its_checkpoint_for_a_while));
