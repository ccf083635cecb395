/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/customer.h"
#include "core/text.h"
#include "tests/crm/make.h"

#define FULL            "\"type\":\"company\",\"name\":\"深圳华强电子有限公司\",\"industry\":\"manufacturing\",\"grade\":\"A\""
#define CONTACT(fields) "\"primary_contact\":{\"id\":\"01940000-0000-7000-8000-000000000001\"," fields "}"
#define PRIMARY         CONTACT("\"name\":\"王磊\",\"phone\":\"13812345678\"")
#define REFUSED         "\"type\":\"company\",\"name\":\"某某公司\",\"contact_refused\":\"客户不愿意\""

static struct bf_error check(void **state, const char *fields)
{
    struct bf_error e = {0};
    struct bf_object *customer = make(*state, &bf_customer_schema, bf_arena_printf(*state, "{%s}", fields));
    enum bf_status status = bf_customer_check(customer, &e);
    assert_int_equal(status, e.status);
    return e;
}

static struct bf_str hex_key(struct bf_arena *arena, struct bf_str name)
{
    struct bf_str key = bf_text_sort_key(arena, name);
    char *hex = bf_arena_alloc(arena, 2 * key.n + 1);
    for (size_t k = 0; k < key.n; k++)
        snprintf(hex + 2 * k, 3, "%02x", (unsigned char)key.p[k]);
    return bf_str(hex, 2 * key.n);
}

static void D_13_a_full_file_is_taken(void **state)
{
    assert_int_equal(check(state, FULL ",\"phone\":\"0755-26990000\"," PRIMARY).status, BF_OK);
    assert_int_equal(check(state, FULL ",\"email\":\"sales@huaqiang.example.cn\"," PRIMARY).status, BF_OK);
}

static void CUS_06_a_customer_has_a_phone_or_an_email(void **state)
{
    struct bf_error e = check(state, FULL "," PRIMARY);
    assert_int_equal(e.status, BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/phone", "required"));
    e = check(state, FULL ",\"phone\":\"\",\"email\":\"\"," PRIMARY);
    assert_true(has_fault(&e, "/phone", "required"));
    assert_int_equal(e.n_fields, 1);
}

static void CUS_06_contact_means_are_valid(void **state)
{
    struct bf_error e =
        check(state, FULL ",\"phone\":\"12345\",\"email\":\"no\"," CONTACT("\"name\":\"王\",\"phone\":\"无\",\"email\":\"x@\""));
    assert_true(has_fault(&e, "/phone", "bad_phone"));
    assert_true(has_fault(&e, "/email", "bad_email"));
    assert_true(has_fault(&e, "/primary_contact/phone", "bad_phone"));
    assert_true(has_fault(&e, "/primary_contact/email", "bad_email"));
}

static void D_13_a_customer_has_a_primary_contact(void **state)
{
    struct bf_error e = check(state, FULL ",\"phone\":\"0755-26990000\"");
    assert_int_equal(e.status, BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/primary_contact", "required"));
}

static void D_13_the_primary_contact_has_contact_means(void **state)
{
    struct bf_error e = check(state, FULL ",\"phone\":\"0755-26990000\"," CONTACT("\"name\":\"王磊\""));
    assert_true(has_fault(&e, "/primary_contact/phone", "required"));
    assert_int_equal(check(state, FULL ",\"phone\":\"0755-26990000\"," CONTACT("\"name\":\"王磊\",\"email\":\"w@h.cn\"")).status, BF_OK);
}

static void CUS_02_a_name_says_something(void **state)
{
    struct bf_error e =
        check(state, "\"type\":\"company\",\"name\":\" 。 \",\"industry\":\"other\",\"grade\":\"C\",\"phone\":\"0755-26990000\"," CONTACT(
                         "\"name\":\"…\",\"phone\":\"13812345678\""));
    assert_true(has_fault(&e, "/name", "blank"));
    assert_true(has_fault(&e, "/primary_contact/name", "blank"));
}

static void CUS_25_a_refusal_lifts_all_but_name_and_one_contact_means(void **state)
{
    assert_int_equal(check(state, REFUSED ",\"phone\":\"0755-26990000\"").status, BF_OK);
    assert_int_equal(check(state, REFUSED "," PRIMARY).status, BF_OK);
    assert_int_equal(check(state, REFUSED ",\"email\":\"a@b.cn\"," CONTACT("\"name\":\"王\"")).status, BF_OK);
    struct bf_error e = check(state, REFUSED);
    assert_true(has_fault(&e, "/phone", "required"));
    e = check(state, REFUSED "," CONTACT("\"name\":\"王\""));
    assert_true(has_fault(&e, "/phone", "required"));
    e = check(state, REFUSED ",\"phone\":\"12\"");
    assert_true(has_fault(&e, "/phone", "bad_phone"));
}

static void CUS_25_a_refusal_states_its_reason(void **state)
{
    struct bf_error e = check(state, "\"type\":\"company\",\"name\":\"某某公司\",\"contact_refused\":\" - \",\"phone\":\"0755-26990000\"");
    assert_true(has_fault(&e, "/contact_refused", "blank"));
}

static const struct bf_customer_author author = {.user = {{1}}, .team = {{2}}, .owner_team = {{3}}, .now_ms = 1700000000000};

static struct bf_doc *created(struct bf_arena *arena, const char *fields)
{
    struct bf_doc *doc =
        make_doc(arena, &bf_customer_schema, bf_arena_printf(arena, "{%s,\"phone\":\"0755-26990000\"," PRIMARY "}", fields));
    bf_customer_complete(arena, &doc->object, &author);
    return doc;
}

static void CUS_05_the_owner_is_the_author_unless_named(void **state)
{
    struct bf_object *customer = &created(*state, FULL)->object;
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_OWNER).b[0], 1);
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_TEAM).b[0], 2);
    customer = &created(*state, FULL ",\"owner\":\"05000000-0000-0000-0000-000000000000\"")->object;
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_OWNER).b[0], 5);
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_TEAM).b[0], 3);
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_CREATED_BY).b[0], 1);
}

static void a_created_customer_has_its_times_and_sort_key(void **state)
{
    struct bf_object *customer = &created(*state, FULL)->object;
    assert_int_equal(bf_get_int(customer, BF_CUSTOMER_CREATED_AT), author.now_ms);
    assert_int_equal(bf_get_int(customer, BF_CUSTOMER_UPDATED_AT), author.now_ms);
    assert_true(bf_str_eq(bf_get_str(customer, BF_CUSTOMER_SORT), hex_key(*state, BF_STR("深圳华强电子有限公司"))));
}

static void CUS_08_the_primary_contact_becomes_a_record_of_its_own(void **state)
{
    struct bf_doc *customer = created(*state, FULL);
    const struct bf_doc *contact = bf_customer_take_contact(*state, customer);
    const struct bf_object *o = &contact->object;
    char id[BF_UUID_TEXT];
    bf_uuid_text(&contact->id, id);
    assert_string_equal(id, "01940000-0000-7000-8000-000000000001");
    assert_true(bf_get_bool(o, BF_CONTACT_PRIMARY));
    assert_true(bf_str_eqz(bf_get_str(o, BF_CONTACT_NAME), "王磊"));
    assert_true(bf_str_eqz(bf_get_str(o, BF_CONTACT_PHONE), "13812345678"));
    assert_false(bf_has(o, BF_CONTACT_EMAIL));
    assert_int_equal(bf_get_uuid(o, BF_CONTACT_CUSTOMER).b[0], customer->id.b[0]);
    assert_int_equal(bf_get_uuid(o, BF_CONTACT_OWNER).b[0], 1);
    assert_int_equal(bf_get_uuid(o, BF_CONTACT_TEAM).b[0], 2);
    assert_int_equal(bf_get_int(o, BF_CONTACT_CREATED_AT), author.now_ms);
    assert_false(bf_has(&customer->object, BF_CUSTOMER_PRIMARY_CONTACT));
    assert_null(bf_customer_take_contact(*state, customer));
}

/* A change of a created customer; the state after it. */
static struct bf_error change(void **state, const char *json, struct bf_object **ret_after)
{
    struct bf_doc *doc = created(*state, FULL);
    struct bf_object *patch;
    struct bf_error e = {0};
    const struct bf_doc *contact = bf_customer_take_contact(*state, doc);
    bf_set_str(&doc->object, BF_CUSTOMER_REASON, BF_STR("an older reason"));
    *ret_after = make_change(*state, &doc->object, json, &patch);
    enum bf_status status = bf_customer_change(*state, &doc->object, patch, *ret_after, &contact->object, 1800000000000, &e);
    assert_int_equal(status, e.status);
    return e;
}

static void ENT_14_a_change_of_a_customer_states_its_reason(void **state)
{
    struct bf_object *after;
    struct bf_error e = change(state, "{\"grade\":\"B\"}", &after);
    assert_int_equal(e.status, BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/reason", "required"));
    e = change(state, "{\"grade\":\"B\",\"reason\":\"。\"}", &after);
    assert_true(has_fault(&e, "/reason", "required"));
    e = change(state, "{\"grade\":\"B\",\"reason\":null}", &after);
    assert_true(has_fault(&e, "/reason", "required"));
    assert_int_equal(change(state, "{\"grade\":\"B\",\"reason\":\"潜力下降\"}", &after).status, BF_OK);
    assert_int_equal(bf_get_int(after, BF_CUSTOMER_UPDATED_AT), 1800000000000);
    assert_int_equal(bf_get_int(after, BF_CUSTOMER_CREATED_AT), author.now_ms);
}

static void D_13_a_change_leaves_the_file_complete(void **state)
{
    struct bf_object *after;
    struct bf_error e = change(state, "{\"phone\":null,\"reason\":\"号码已停\"}", &after);
    assert_true(has_fault(&e, "/phone", "required"));
    e = change(state, "{\"phone\":\"1\",\"reason\":\"号码已停\"}", &after);
    assert_true(has_fault(&e, "/phone", "bad_phone"));
    assert_int_equal(change(state, "{\"phone\":null,\"email\":\"a@b.cn\",\"reason\":\"号码已停\"}", &after).status, BF_OK);
}

/* A change of a file as it may be stored after a refusal, with that primary contact (NULL: none). */
static struct bf_error change_file(void **state, const char *before, const char *contact_fields, const char *json)
{
    struct bf_object *customer = make(*state, &bf_customer_schema, bf_arena_printf(*state, "{%s}", before)), *patch;
    struct bf_object *contact = contact_fields == NULL ? NULL : make(*state, &bf_contact_schema, bf_arena_printf(*state, "{\"customer\":\"01940000-0000-7000-8000-0000000000aa\",%s}", contact_fields));
    struct bf_object *after = make_change(*state, customer, json, &patch);
    struct bf_error e = {0};
    bf_customer_change(*state, customer, patch, after, contact, 1800000000000, &e);
    return e;
}

static void CUS_25_a_change_leaves_one_contact_means(void **state)
{
    static const char drop[] = "{\"phone\":null,\"reason\":\"号码已停\"}";
    struct bf_error e = change_file(state, REFUSED ",\"phone\":\"0755-26990000\"", NULL, drop);
    assert_true(has_fault(&e, "/phone", "required"));
    e = change_file(state, REFUSED ",\"phone\":\"0755-26990000\"", "\"name\":\"王磊\",\"primary\":true", drop);
    assert_true(has_fault(&e, "/phone", "required"));
    assert_int_equal(change_file(state, REFUSED ",\"phone\":\"0755-26990000\"", "\"name\":\"王磊\",\"phone\":\"13812345678\"", drop).status, BF_OK);
}

static void D_13_who_no_longer_refuses_has_a_whole_file(void **state)
{
    static const char before[] = FULL ",\"contact_refused\":\"客户不愿意\",\"phone\":\"0755-26990000\"";
    static const char lift[] = "{\"contact_refused\":null,\"reason\":\"客户同意了\"}";
    struct bf_error e = change_file(state, before, NULL, lift);
    assert_true(has_fault(&e, "/primary_contact", "required"));
    e = change_file(state, before, "\"name\":\"王磊\"", lift);
    assert_true(has_fault(&e, "/primary_contact/phone", "required"));
    assert_int_equal(change_file(state, before, "\"name\":\"王磊\",\"email\":\"w@h.cn\"", lift).status, BF_OK);
}

static void a_changed_name_is_sorted_anew(void **state)
{
    struct bf_object *after;
    assert_int_equal(change(state, "{\"name\":\"阿里\",\"reason\":\"更名\"}", &after).status, BF_OK);
    assert_true(bf_str_eq(bf_get_str(after, BF_CUSTOMER_SORT), hex_key(*state, BF_STR("阿里"))));
}

static void PER_29_the_owner_changes_by_a_transfer_only(void **state)
{
    struct bf_object *after;
    struct bf_error e = change(state, "{\"owner\":\"05000000-0000-0000-0000-000000000000\",\"reason\":\"分配\"}", &after);
    assert_true(has_fault(&e, "/owner", "read_only"));
}

static void a_change_of_nothing_is_refused(void **state)
{
    struct bf_object *after;
    struct bf_error e = change(state, "{\"grade\":\"A\",\"reason\":\"核对\"}", &after);
    assert_true(has_fault(&e, "", "no_change"));
}

static void ROL_06_a_transfer_moves_owner_and_team_for_a_reason(void **state)
{
    struct bf_object *customer = &created(*state, FULL)->object;
    struct bf_uuid owner = {{8}}, team = {{9}}, before = {{1}};
    struct bf_error e = {0};
    assert_int_equal(bf_customer_transfer(customer, owner, team, BF_STR(" "), 5, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/reason", "required"));
    assert_int_equal(bf_customer_transfer(customer, before, team, BF_STR("离职"), 5, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/owner", "no_change"));
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_OWNER).b[0], 1);
    assert_int_equal(bf_customer_transfer(customer, owner, team, BF_STR("离职"), 5, &e), BF_OK);
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_OWNER).b[0], 8);
    assert_int_equal(bf_get_uuid(customer, BF_CUSTOMER_TEAM).b[0], 9);
    assert_int_equal(bf_get_int(customer, BF_CUSTOMER_UPDATED_AT), 5);
    assert_true(bf_str_eqz(bf_get_str(customer, BF_CUSTOMER_REASON), "离职"));
}

static void CUS_12_names_that_differ_in_width_case_and_spaces_are_one(void **state)
{
    static const char *const same[] = {"华强ABC(深圳)有限公司", "华强abc（深圳）有限公司", " 华强 ＡＢＣ（深圳） 有限公司　",
                                       "华强Abc (深圳)有限公司"};
    struct bf_str key = bf_customer_name_key(*state, bf_strz(same[0]));
    for (size_t i = 1; i < sizeof same / sizeof *same; i++)
        assert_true(bf_str_eq(key, bf_customer_name_key(*state, bf_strz(same[i]))));
    assert_false(bf_str_eq(key, bf_customer_name_key(*state, BF_STR("华强ABC(广州)有限公司"))));
}

static struct bf_object *contact(void **state, const char *fields)
{
    return make(*state, &bf_contact_schema, bf_arena_printf(*state, "{\"customer\":\"01940000-0000-7000-8000-0000000000aa\",%s}", fields));
}

static void CUS_18_a_contact_has_a_name_and_contact_means(void **state)
{
    struct bf_object *customer = &created(*state, FULL)->object;
    struct bf_object *refused = make(*state, &bf_customer_schema, "{" REFUSED ",\"phone\":\"0755-26990000\"}");
    struct bf_error e = {0};
    assert_int_equal(bf_contact_check(customer, contact(state, "\"name\":\"李娜\",\"email\":\"l@h.cn\""), &e), BF_OK);
    assert_int_equal(bf_contact_check(customer, contact(state, "\"name\":\"李娜\""), &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/phone", "required"));
    assert_int_equal(bf_contact_check(refused, contact(state, "\"name\":\"李娜\""), &e), BF_OK);
    assert_int_equal(bf_contact_check(customer, contact(state, "\"name\":\" \",\"phone\":\"7\""), &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/name", "blank"));
    assert_true(has_fault(&e, "/phone", "bad_phone"));
}

static void a_contact_belongs_to_the_customers_owner(void **state)
{
    struct bf_object *customer = &created(*state, FULL)->object, *c = contact(state, "\"name\":\"李娜\",\"phone\":\"13812345678\"");
    bf_contact_complete(c, customer, 42);
    assert_int_equal(bf_get_uuid(c, BF_CONTACT_OWNER).b[0], 1);
    assert_int_equal(bf_get_uuid(c, BF_CONTACT_TEAM).b[0], 2);
    assert_int_equal(bf_get_int(c, BF_CONTACT_CREATED_AT), 42);
    assert_int_equal(bf_get_int(c, BF_CONTACT_UPDATED_AT), 42);
}

static struct bf_error change_contact_of(void **state, struct bf_object *customer, const char *fields, const char *json)
{
    struct bf_object *patch, *before = contact(state, fields);
    struct bf_object *after = make_change(*state, before, json, &patch);
    struct bf_error e = {0};
    enum bf_status status = bf_contact_change(customer, before, patch, after, 50, &e);
    assert_int_equal(status, e.status);
    if (status == BF_OK)
        assert_int_equal(bf_get_int(after, BF_CONTACT_UPDATED_AT), 50);
    return e;
}

static struct bf_error change_contact(void **state, const char *json)
{
    return change_contact_of(state, &created(*state, FULL)->object, "\"name\":\"李娜\",\"phone\":\"13812345678\",\"primary\":true", json);
}

static void CUS_25_the_primary_contact_keeps_the_only_contact_means(void **state)
{
    static const char with[] = "\"name\":\"李娜\",\"phone\":\"13812345678\",\"primary\":true", drop[] = "{\"phone\":null,\"reason\":\"换号\"}";
    struct bf_object *unreachable = make(*state, &bf_customer_schema, "{" REFUSED "}");
    struct bf_object *reachable = make(*state, &bf_customer_schema, "{" REFUSED ",\"phone\":\"0755-26990000\"}");
    struct bf_error e = change_contact_of(state, unreachable, with, drop);
    assert_true(has_fault(&e, "/phone", "required"));
    assert_int_equal(change_contact_of(state, reachable, with, drop).status, BF_OK);
    e = change_contact_of(state, unreachable, "\"name\":\"李娜\"", "{\"primary\":true,\"reason\":\"换人\"}");
    assert_true(has_fault(&e, "/phone", "required"));
    assert_int_equal(change_contact_of(state, unreachable, "\"name\":\"李娜\"", "{\"position\":\"厂长\",\"reason\":\"升职\"}").status, BF_OK);
}

static void ENT_14_a_change_of_a_contact_states_its_reason(void **state)
{
    struct bf_error e = change_contact(state, "{\"phone\":\"13912345678\"}");
    assert_true(has_fault(&e, "/reason", "required"));
    e = change_contact(state, "{\"phone\":null,\"reason\":\"换号\"}");
    assert_true(has_fault(&e, "/phone", "required"));
    e = change_contact(state, "{\"name\":\"李娜\",\"reason\":\"核对\"}");
    assert_true(has_fault(&e, "", "no_change"));
    assert_int_equal(change_contact(state, "{\"phone\":\"13912345678\",\"reason\":\"换号\"}").status, BF_OK);
}

static void CUS_08_a_customer_keeps_its_primary_contact(void **state)
{
    struct bf_error e = change_contact(state, "{\"primary\":false,\"reason\":\"换人\"}");
    assert_true(has_fault(&e, "/primary", "primary_needed"));
    e = change_contact(state, "{\"primary\":null,\"reason\":\"换人\"}");
    assert_true(has_fault(&e, "/primary", "primary_needed"));
}

int test_customer(void)
{
    const struct CMUnitTest customer[] = {
        cmocka_unit_test(D_13_a_full_file_is_taken),
        cmocka_unit_test(CUS_06_a_customer_has_a_phone_or_an_email),
        cmocka_unit_test(CUS_06_contact_means_are_valid),
        cmocka_unit_test(D_13_a_customer_has_a_primary_contact),
        cmocka_unit_test(D_13_the_primary_contact_has_contact_means),
        cmocka_unit_test(CUS_02_a_name_says_something),
        cmocka_unit_test(CUS_25_a_refusal_lifts_all_but_name_and_one_contact_means),
        cmocka_unit_test(CUS_25_a_refusal_states_its_reason),
        cmocka_unit_test(CUS_05_the_owner_is_the_author_unless_named),
        cmocka_unit_test(a_created_customer_has_its_times_and_sort_key),
        cmocka_unit_test(CUS_08_the_primary_contact_becomes_a_record_of_its_own),
        cmocka_unit_test(ENT_14_a_change_of_a_customer_states_its_reason),
        cmocka_unit_test(D_13_a_change_leaves_the_file_complete),
        cmocka_unit_test(D_13_who_no_longer_refuses_has_a_whole_file),
        cmocka_unit_test(CUS_25_a_change_leaves_one_contact_means),
        cmocka_unit_test(CUS_25_the_primary_contact_keeps_the_only_contact_means),
        cmocka_unit_test(a_changed_name_is_sorted_anew),
        cmocka_unit_test(PER_29_the_owner_changes_by_a_transfer_only),
        cmocka_unit_test(a_change_of_nothing_is_refused),
        cmocka_unit_test(ROL_06_a_transfer_moves_owner_and_team_for_a_reason),
        cmocka_unit_test(CUS_12_names_that_differ_in_width_case_and_spaces_are_one),
        cmocka_unit_test(CUS_18_a_contact_has_a_name_and_contact_means),
        cmocka_unit_test(a_contact_belongs_to_the_customers_owner),
        cmocka_unit_test(ENT_14_a_change_of_a_contact_states_its_reason),
        cmocka_unit_test(CUS_08_a_customer_keeps_its_primary_contact),
    };
    return cmocka_run_group_tests(customer, with_arena, without_arena);
}
