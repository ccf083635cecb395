/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/task.h"
#include "tests/crm/make.h"

static const struct bf_uuid wang = {{1}}, zhao = {{2}}, team = {{9}};
enum { OPEN = BF_TASK_STATE_IS_OPEN, DONE = BF_TASK_STATE_IS_DONE, CANCELLED = BF_TASK_STATE_IS_CANCELLED };

static struct bf_reminder_clock clock_at(struct bf_arena *arena, const char *now)
{
    return (struct bf_reminder_clock){.policy = bf_policy_create(arena), .zone = BF_STR("Asia/Shanghai"), .now_ms = instant(now)};
}

/* Set at 10:00 in Shanghai by `setter`, for wang, due at 17:00 of the next day. */
static struct bf_doc *set_by(struct bf_arena *arena, struct bf_uuid setter)
{
    struct bf_reminder_clock clock = clock_at(arena, "2026-11-20T02:00:00.000Z");
    struct bf_task_actor actor = {.who = setter, .team = team};
    struct bf_doc *doc = make_doc(arena, &bf_task_schema, "{\"title\":\"发方案\",\"due\":\"2026-11-21T17:00\"}");
    struct bf_error e = {0};
    bf_set_uuid(&doc->object, BF_TASK_ASSIGNEE, wang);
    assert_int_equal(bf_task_begin(&doc->object, &actor, &clock, &e), BF_OK);
    return doc;
}

static void REM_02_a_task_is_due_at_its_wall_time(void **state)
{
    struct bf_object *t = &set_by(*state, wang)->object;
    assert_int_equal(bf_get_int(t, BF_TASK_DUE_AT), instant("2026-11-21T09:00:00.000Z"));
    assert_int_equal(bf_get_enum(t, BF_TASK_STATE), OPEN);
    assert_true(bf_str_eqz(bf_get_str(t, BF_TASK_TZ), "Asia/Shanghai"));
}

static void REM_03_what_is_done_after_its_time_is_late(void **state)
{
    struct bf_object *t = &set_by(*state, wang)->object, *late = &set_by(*state, wang)->object;
    struct bf_error e = {0};
    assert_int_equal(bf_task_done(t, BF_STR("好"), instant("2026-11-21T09:00:00.000Z"), &e), BF_OK);
    assert_false(bf_get_bool(t, BF_TASK_LATE));
    assert_int_equal(bf_task_done(late, bf_str(NULL, 0), instant("2026-11-21T09:00:00.001Z"), &e), BF_OK);
    assert_true(bf_get_bool(late, BF_TASK_LATE));
    assert_false(bf_has(late, BF_TASK_RESULT));
    assert_int_equal(bf_task_done(t, BF_STR("又"), instant("2026-11-22T09:00:00.000Z"), &e), BF_E_CONFLICT);
    assert_true(has_fault(&e, "/state", "wrong_state"));
}

static void REM_02_who_set_a_task_changes_it(void **state)
{
    struct bf_reminder_clock clock = clock_at(*state, "2026-11-20T03:00:00.000Z");
    struct bf_task_actor by_wang = {.who = wang, .team = team}, by_zhao = {.who = zhao, .team = team};
    struct bf_doc *own = set_by(*state, wang), *given = set_by(*state, zhao);
    struct bf_object *patch, *after;
    struct bf_error e = {0};
    after = make_change(*state, &given->object, "{\"title\":\"x\",\"reason\":\"y\"}", &patch);
    assert_int_equal(bf_task_change(&given->object, patch, after, &by_wang, &clock, &e), BF_E_FORBIDDEN);
    assert_int_equal(bf_task_change(&given->object, patch, after, &by_zhao, &clock, &e), BF_OK);
    assert_int_equal(bf_task_cancel(&given->object, &by_wang, 1, &e), BF_E_FORBIDDEN);
    assert_int_equal(bf_task_cancel(&given->object, &by_zhao, 1, &e), BF_OK);
    assert_int_equal(bf_get_enum(&given->object, BF_TASK_STATE), CANCELLED);
    after = make_change(*state, &own->object, "{\"title\":\"x\",\"reason\":\"y\"}", &patch);
    assert_int_equal(bf_task_change(&own->object, patch, after, &by_wang, &clock, &e), BF_OK);
}

static void D_03_a_change_of_a_task_states_its_reason(void **state)
{
    struct bf_reminder_clock clock = clock_at(*state, "2026-11-20T03:00:00.000Z");
    struct bf_task_actor actor = {.who = wang, .team = team};
    struct bf_doc *task = set_by(*state, wang);
    struct bf_object *patch, *after = make_change(*state, &task->object, "{\"title\":\"x\"}", &patch);
    struct bf_error e = {0};
    assert_int_equal(bf_task_change(&task->object, patch, after, &actor, &clock, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/reason", "required"));
}

static struct bf_doc *reminder_of(struct bf_arena *arena, const struct bf_doc *task, const struct bf_doc *before)
{
    struct bf_reminder_clock clock = clock_at(arena, "2026-11-20T03:00:00.000Z");
    struct bf_error e = {0};
    struct bf_doc *ret;
    assert_int_equal(bf_task_reminder(arena, task, before, &clock, &ret, &e), BF_OK);
    return ret;
}

static void REM_02_the_reminder_follows_the_task(void **state)
{
    struct bf_doc *task = set_by(*state, wang), *first = reminder_of(*state, task, NULL);
    const struct bf_uuid user = bf_get_uuid(&first->object, BF_REMINDER_USER);
    struct bf_error e = {0};
    assert_true(bf_uuid_eq(&user, &wang));
    assert_int_equal(bf_get_int(&first->object, BF_REMINDER_DUE_AT), bf_get_int(&task->object, BF_TASK_DUE_AT));
    assert_int_equal(bf_get_enum(&first->object, BF_REMINDER_STATE), BF_REMINDER_STATE_IS_PLANNED);
    assert_int_equal(bf_reminder_send(&first->object, 5, &e), BF_OK);
    bf_set_str(&task->object, BF_TASK_TITLE, BF_STR("改字"));
    struct bf_doc *renamed = reminder_of(*state, task, first);
    assert_int_equal(bf_get_enum(&renamed->object, BF_REMINDER_STATE), BF_REMINDER_STATE_IS_SENT);
    assert_true(bf_str_eqz(bf_get_str(&renamed->object, BF_REMINDER_TEXT), "改字"));
    bf_set_str(&task->object, BF_TASK_DUE, BF_STR("2026-11-25T17:00"));
    bf_set_int(&task->object, BF_TASK_DUE_AT, instant("2026-11-25T09:00:00.000Z"));
    struct bf_doc *moved = reminder_of(*state, task, renamed);
    assert_int_equal(bf_get_enum(&moved->object, BF_REMINDER_STATE), BF_REMINDER_STATE_IS_PLANNED);
    assert_int_equal(bf_get_int(&moved->object, BF_REMINDER_SEND_AT), instant("2026-11-25T09:00:00.000Z"));
    assert_int_equal(bf_task_done(&task->object, bf_str(NULL, 0), 6, &e), BF_OK);
    struct bf_doc *settled = reminder_of(*state, task, moved);
    assert_int_equal(bf_get_enum(&settled->object, BF_REMINDER_STATE), BF_REMINDER_STATE_IS_DONE);
    assert_null(reminder_of(*state, task, settled));
}

int test_task(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(REM_02_a_task_is_due_at_its_wall_time),
        cmocka_unit_test(REM_03_what_is_done_after_its_time_is_late),
        cmocka_unit_test(REM_02_who_set_a_task_changes_it),
        cmocka_unit_test(D_03_a_change_of_a_task_states_its_reason),
        cmocka_unit_test(REM_02_the_reminder_follows_the_task),
    };
    return cmocka_run_group_tests(tests, with_arena, without_arena);
}
