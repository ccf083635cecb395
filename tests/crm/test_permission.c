/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/permission.h"
#include "tests/crm/make.h"

enum { REP = BF_ROLE_IS_REP, SUPERVISOR = BF_ROLE_IS_SUPERVISOR, MANAGER = BF_ROLE_IS_MANAGER, REVIEWER = BF_ROLE_IS_REVIEWER };
enum { SERVICE = BF_ROLE_IS_SERVICE, ADMIN = BF_ROLE_IS_ADMIN, AUDITOR = BF_ROLE_IS_AUDITOR, ROLES = BF_ROLE_WORDS_N };
enum { NONE = BF_SCOPE_NONE, OWN = BF_SCOPE_OWN, TEAM = BF_SCOPE_TEAM, ALL = BF_SCOPE_ALL };

#define CLS(name) (1u << BF_C_##name)
#define ROW(name) (UINT64_C(1) << (name))

/* What belongs to a customer. */
static const enum bf_subject of_customer[] = {BF_SUBJECT_CUSTOMER, BF_SUBJECT_CONTACT,    BF_SUBJECT_VISIT,     BF_SUBJECT_VERDICT,
                                              BF_SUBJECT_MEDIA,    BF_SUBJECT_TRANSCRIPT, BF_SUBJECT_SUPPLEMENT};
enum { OF_CUSTOMER = sizeof of_customer / sizeof *of_customer };

static int scope(int role, int subject, int action)
{
    return (int)bf_permission_of(role, (enum bf_subject)subject, (enum bf_action)action).scope;
}

static void reads(int role, int expected)
{
    for (int i = 0; i < OF_CUSTOMER; i++) {
        assert_int_equal(scope(role, of_customer[i], BF_ACTION_READ), expected);
        assert_int_equal(scope(role, of_customer[i], BF_ACTION_LIST), expected);
    }
}

static void PER_01_a_rep_sees_only_own_customers(void **state)
{
    (void)state;
    reads(REP, OWN);
}

static void PER_03_a_supervisor_sees_the_team(void **state)
{
    (void)state;
    reads(SUPERVISOR, TEAM);
    assert_int_equal(scope(SUPERVISOR, BF_SUBJECT_USER, BF_ACTION_LIST), TEAM);
}

static void PER_04_management_sees_all(void **state)
{
    (void)state;
    reads(MANAGER, ALL);
}

static void D_04_service_staff_see_the_head_of_every_customer_and_no_visit(void **state)
{
    (void)state;
    assert_int_equal(scope(SERVICE, BF_SUBJECT_CUSTOMER, BF_ACTION_READ), ALL);
    assert_int_equal(bf_permission_of(SERVICE, BF_SUBJECT_CUSTOMER, BF_ACTION_READ).show, CLS(NORMAL));
    for (int i = 1; i < OF_CUSTOMER; i++)
        assert_int_equal(scope(SERVICE, of_customer[i], BF_ACTION_READ), NONE);
}

static void PER_08_administrators_and_reviewers_see_no_customers(void **state)
{
    (void)state;
    reads(ADMIN, NONE);
    reads(REVIEWER, NONE);
}

static void G_11_an_auditor_reads_everything_and_changes_nothing(void **state)
{
    (void)state;
    for (int subject = 0; subject < BF_SUBJECT_COUNT; subject++) {
        assert_int_equal(scope(AUDITOR, subject, BF_ACTION_READ), ALL);
        assert_int_equal(bf_permission_rows(AUDITOR, (enum bf_subject)subject, true), 0);
        for (int action = BF_ACTION_CREATE; action < BF_ACTION_COUNT; action++)
            if (action != BF_ACTION_READ && action != BF_ACTION_LIST && action != BF_ACTION_REVOKE)
                assert_int_equal(scope(AUDITOR, subject, action), NONE);
    }
    assert_int_equal(scope(AUDITOR, BF_SUBJECT_DEVICE, BF_ACTION_REVOKE), OWN);
}

static void CUS_44_nobody_deletes(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++)
        for (int subject = 0; subject < BF_SUBJECT_COUNT; subject++)
            assert_int_equal(scope(role, subject, BF_ACTION_DELETE), NONE);
}

static void FUP_13_nobody_changes_a_visit_a_verdict_or_a_supplement(void **state)
{
    static const enum bf_subject fixed[] = {BF_SUBJECT_VISIT, BF_SUBJECT_VERDICT, BF_SUBJECT_SUPPLEMENT, BF_SUBJECT_MEDIA,
                                            BF_SUBJECT_TRANSCRIPT};
    (void)state;
    for (int role = 0; role < ROLES; role++)
        for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
            assert_int_equal(scope(role, fixed[i], BF_ACTION_CHANGE), NONE);
            assert_int_equal(bf_permission_rows(role, fixed[i], false), 0);
        }
}

static void D_03_who_follows_a_customer_adds_supplements(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        int expected = role == REP || role == SUPERVISOR || role == MANAGER ? OWN : NONE;
        assert_int_equal(scope(role, BF_SUBJECT_SUPPLEMENT, BF_ACTION_CREATE), expected);
        assert_int_equal(scope(role, BF_SUBJECT_VISIT, BF_ACTION_CREATE), expected);
    }
}

static void G_03_only_the_author_confirms_a_transcript(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        int expected = role == REP || role == SUPERVISOR || role == MANAGER ? OWN : NONE;
        assert_int_equal(scope(role, BF_SUBJECT_TRANSCRIPT, BF_ACTION_CONFIRM), expected);
        assert_int_equal(scope(role, BF_SUBJECT_TRANSCRIPT, BF_ACTION_RETRY), expected);
        assert_true(bf_permission_of(role, BF_SUBJECT_TRANSCRIPT, BF_ACTION_CONFIRM).author_only);
        assert_true(bf_permission_of(role, BF_SUBJECT_TRANSCRIPT, BF_ACTION_RETRY).author_only);
        assert_false(bf_permission_of(role, BF_SUBJECT_TRANSCRIPT, BF_ACTION_READ).author_only);
    }
}

static void ROL_06_managers_and_nobody_else_transfer_customers(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++)
        assert_int_equal(scope(role, BF_SUBJECT_CUSTOMER, BF_ACTION_TRANSFER), role == MANAGER ? ALL : NONE);
}

static void PER_29_a_supervisor_changes_own_customers_only(void **state)
{
    (void)state;
    assert_int_equal(scope(SUPERVISOR, BF_SUBJECT_CUSTOMER, BF_ACTION_CHANGE), OWN);
    assert_int_equal(scope(SUPERVISOR, BF_SUBJECT_CONTACT, BF_ACTION_CHANGE), OWN);
    assert_int_equal(scope(REP, BF_SUBJECT_CUSTOMER, BF_ACTION_CHANGE), OWN);
}

static void CUS_45_management_corrects_data(void **state)
{
    (void)state;
    assert_int_equal(scope(MANAGER, BF_SUBJECT_CUSTOMER, BF_ACTION_CHANGE), ALL);
    assert_int_equal(scope(ADMIN, BF_SUBJECT_CUSTOMER, BF_ACTION_CHANGE), NONE);
}

static void PER_21_nobody_changes_own_rights(void **state)
{
    uint64_t rights = ROW(BF_USER_ROLE) | ROW(BF_USER_TEAM) | ROW(BF_USER_NAME);
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        assert_int_equal(bf_permission_rows(role, BF_SUBJECT_USER, true) & rights, 0);
        assert_int_equal(bf_permission_rows(role, BF_SUBJECT_USER, false) & rights, role == ADMIN ? rights : 0);
    }
}

static void ACC_20_everybody_keeps_the_own_profile(void **state)
{
    uint64_t profile = ROW(BF_USER_PHONE) | ROW(BF_USER_EMAIL) | ROW(BF_USER_TZ) | ROW(BF_USER_LANG);
    uint64_t deputy = ROW(BF_USER_DEPUTY) | ROW(BF_USER_AWAY_FROM) | ROW(BF_USER_AWAY_UNTIL);
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        uint64_t expected = role == SUPERVISOR || role == MANAGER ? profile | deputy : profile;
        assert_int_equal(bf_permission_rows(role, BF_SUBJECT_USER, true), role == AUDITOR ? 0 : expected);
    }
}

static void the_rows_of_a_change_are_those_a_client_may_write(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++)
        for (int subject = 0; subject < BF_SUBJECT_COUNT; subject++) {
            const struct bf_schema *schema = bf_subject_schema((enum bf_subject)subject);
            uint64_t rows = bf_permission_rows(role, (enum bf_subject)subject, false);
            for (unsigned row = 0; row < schema->n_fields; row++)
                if (rows & ROW(row))
                    assert_int_equal(schema->fields[row].flags & (BF_F_SERVER | BF_F_CREATE_ONLY), 0);
        }
    assert_int_equal(bf_permission_rows(MANAGER, BF_SUBJECT_CUSTOMER, false) & ROW(BF_CUSTOMER_OWNER), 0);
    assert_int_not_equal(bf_permission_rows(REP, BF_SUBJECT_CUSTOMER, false) & ROW(BF_CUSTOMER_REASON), 0);
    assert_int_equal(bf_permission_rows(SERVICE, BF_SUBJECT_CUSTOMER, false), 0);
}

static void PER_06_finance_and_contract_data_are_for_named_posts(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++)
        for (int subject = 0; subject < BF_SUBJECT_COUNT; subject++) {
            unsigned show = bf_permission_of(role, (enum bf_subject)subject, BF_ACTION_READ).show;
            if (subject == BF_SUBJECT_CONTRACT) /* who sees one: below */
                continue;
            if (role != MANAGER && role != AUDITOR)
                assert_int_equal(show & CLS(FINANCE), 0);
            if (role != MANAGER && role != AUDITOR && role != REVIEWER)
                assert_int_equal(show & CLS(CONTRACT), 0);
        }
}

static void CON_04_contracts_are_seen_whole_by_named_posts_and_by_nobody_else(void **state)
{
    static const int seen_by[BF_ROLE_WORDS_N] = {
        [REP] = OWN, [SUPERVISOR] = TEAM, [MANAGER] = ALL, [REVIEWER] = ALL, [SERVICE] = NONE, [ADMIN] = NONE, [AUDITOR] = ALL};
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        struct bf_permission p = bf_permission_of(role, BF_SUBJECT_CONTRACT, BF_ACTION_READ);
        assert_int_equal(p.scope, seen_by[role]);
        assert_int_equal(p.show, seen_by[role] == NONE ? 0 : CLS(NORMAL) | CLS(FINANCE) | CLS(CONTRACT));
        assert_int_equal(scope(role, BF_SUBJECT_CONTRACT, BF_ACTION_CREATE), role == REP || role == SUPERVISOR || role == MANAGER ? OWN : NONE);
    }
}

static void G_05_reviewers_review_and_management_may_reopen(void **state)
{
    static const enum bf_action review[] = {BF_ACTION_CLAIM, BF_ACTION_RELEASE, BF_ACTION_NOTE, BF_ACTION_APPROVE, BF_ACTION_REJECT};
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        for (size_t i = 0; i < sizeof review / sizeof *review; i++)
            assert_int_equal(scope(role, BF_SUBJECT_CONTRACT, review[i]), role == REVIEWER ? ALL : NONE);
        assert_int_equal(scope(role, BF_SUBJECT_CONTRACT, BF_ACTION_REOPEN), role == REVIEWER || role == MANAGER ? ALL : NONE);
    }
}

static void PER_12_what_may_not_be_read_shows_nothing(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++)
        for (int subject = 0; subject < BF_SUBJECT_COUNT; subject++) {
            struct bf_permission p = bf_permission_of(role, (enum bf_subject)subject, BF_ACTION_READ);
            assert_int_equal(p.show == 0, p.scope == BF_SCOPE_NONE);
        }
    assert_int_equal(bf_permission_of(REP, BF_SUBJECT_CUSTOMER, BF_ACTION_READ).show, CLS(NORMAL) | CLS(PERSONAL));
    assert_int_equal(bf_permission_of(SERVICE, BF_SUBJECT_USER, BF_ACTION_READ).show, CLS(NORMAL) | CLS(PERSONAL));
}

static void REM_02_reminders_are_the_persons_own(void **state)
{
    static const enum bf_action actions[] = {BF_ACTION_CREATE, BF_ACTION_CHANGE, BF_ACTION_SNOOZE, BF_ACTION_DONE, BF_ACTION_CANCEL};
    (void)state;
    for (int role = 0; role < ROLES; role++)
        for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
            assert_int_equal(scope(role, BF_SUBJECT_REMINDER, actions[i]), role == AUDITOR ? NONE : OWN);
}

static void REM_03_supervisors_see_and_set_the_tasks_of_the_team(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        int wide = role == SUPERVISOR ? TEAM : role == MANAGER ? ALL : OWN;
        assert_int_equal(scope(role, BF_SUBJECT_TASK, BF_ACTION_READ), role == AUDITOR ? ALL : wide);
        assert_int_equal(scope(role, BF_SUBJECT_TASK, BF_ACTION_CREATE), role == AUDITOR ? NONE : wide);
        assert_int_equal(scope(role, BF_SUBJECT_TASK, BF_ACTION_DONE), role == AUDITOR ? NONE : OWN);
    }
}

static void GOV_11_everybody_reads_the_policy_and_an_administrator_changes_it(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        assert_int_equal(scope(role, BF_SUBJECT_POLICY, BF_ACTION_READ), ALL);
        assert_int_equal(scope(role, BF_SUBJECT_POLICY, BF_ACTION_CHANGE), role == ADMIN ? ALL : NONE);
    }
}

static void G_02_everybody_reads_the_calendar_and_an_administrator_changes_it(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        assert_int_equal(scope(role, BF_SUBJECT_CALENDAR, BF_ACTION_READ), ALL);
        assert_int_equal(scope(role, BF_SUBJECT_CALENDAR, BF_ACTION_CHANGE), role == ADMIN ? ALL : NONE);
    }
}

static void ACC_08_a_lost_phone_is_revoked_by_its_user_or_an_administrator(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++)
        assert_int_equal(scope(role, BF_SUBJECT_DEVICE, BF_ACTION_REVOKE), role == ADMIN ? ALL : OWN);
}

/* How many (subject, action) each role may at all, counted by hand from the table: a new right is a decision and no slip. */
static void PER_08_no_role_has_more_rights_than_were_given(void **state)
{
    static const int given[] = {
        [REP] = 58, [SUPERVISOR] = 60, [MANAGER] = 62, [REVIEWER] = 40, [SERVICE] = 32, [ADMIN] = 37, [AUDITOR] = 36};
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        int n = 0;
        for (int subject = 0; subject < BF_SUBJECT_COUNT; subject++)
            for (int action = 0; action < BF_ACTION_COUNT; action++)
                n += scope(role, subject, action) != BF_SCOPE_NONE;
        assert_int_equal(n, given[role]);
    }
}

static void preferences_are_ones_own(void **state)
{
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        assert_int_equal(scope(role, BF_SUBJECT_PREFERENCE, BF_ACTION_READ), role == AUDITOR ? ALL : OWN);
        assert_int_equal(scope(role, BF_SUBJECT_PREFERENCE, BF_ACTION_CHANGE), role == AUDITOR ? NONE : OWN);
        assert_int_equal(scope(role, BF_SUBJECT_NOTIFICATION, BF_ACTION_CHANGE), role == AUDITOR ? NONE : OWN);
    }
}

static void names_are_those_of_the_schema(void **state)
{
    (void)state;
    assert_string_equal(bf_subject_name(BF_SUBJECT_VISIT), "visit");
    assert_ptr_equal(bf_subject_schema(BF_SUBJECT_POLICY), &bf_policy_schema);
    assert_string_equal(bf_action_name(BF_ACTION_REVOKE), "revoke");
    assert_string_equal(bf_scope_name(BF_SCOPE_TEAM), "team");
}

int test_permission(void)
{
    const struct CMUnitTest permission[] = {
        cmocka_unit_test(PER_01_a_rep_sees_only_own_customers),
        cmocka_unit_test(PER_03_a_supervisor_sees_the_team),
        cmocka_unit_test(PER_04_management_sees_all),
        cmocka_unit_test(D_04_service_staff_see_the_head_of_every_customer_and_no_visit),
        cmocka_unit_test(PER_08_administrators_and_reviewers_see_no_customers),
        cmocka_unit_test(G_11_an_auditor_reads_everything_and_changes_nothing),
        cmocka_unit_test(CUS_44_nobody_deletes),
        cmocka_unit_test(FUP_13_nobody_changes_a_visit_a_verdict_or_a_supplement),
        cmocka_unit_test(D_03_who_follows_a_customer_adds_supplements),
        cmocka_unit_test(G_03_only_the_author_confirms_a_transcript),
        cmocka_unit_test(ROL_06_managers_and_nobody_else_transfer_customers),
        cmocka_unit_test(PER_29_a_supervisor_changes_own_customers_only),
        cmocka_unit_test(CUS_45_management_corrects_data),
        cmocka_unit_test(PER_21_nobody_changes_own_rights),
        cmocka_unit_test(ACC_20_everybody_keeps_the_own_profile),
        cmocka_unit_test(the_rows_of_a_change_are_those_a_client_may_write),
        cmocka_unit_test(PER_06_finance_and_contract_data_are_for_named_posts),
        cmocka_unit_test(CON_04_contracts_are_seen_whole_by_named_posts_and_by_nobody_else),
        cmocka_unit_test(G_05_reviewers_review_and_management_may_reopen),
        cmocka_unit_test(PER_12_what_may_not_be_read_shows_nothing),
        cmocka_unit_test(REM_02_reminders_are_the_persons_own),
        cmocka_unit_test(REM_03_supervisors_see_and_set_the_tasks_of_the_team),
        cmocka_unit_test(GOV_11_everybody_reads_the_policy_and_an_administrator_changes_it),
        cmocka_unit_test(G_02_everybody_reads_the_calendar_and_an_administrator_changes_it),
        cmocka_unit_test(ACC_08_a_lost_phone_is_revoked_by_its_user_or_an_administrator),
        cmocka_unit_test(PER_08_no_role_has_more_rights_than_were_given),
        cmocka_unit_test(preferences_are_ones_own),
        cmocka_unit_test(names_are_those_of_the_schema),
    };
    return cmocka_run_group_tests(permission, with_arena, without_arena);
}
