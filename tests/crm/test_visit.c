/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/visit.h"
#include "crm/ids.h"
#include "crm/media_type.h"
#include "crm/reminder.h"
#include "tests/crm/make.h"

#define AT(happened, captured)                                                                                                             \
    "\"customer\":\"01940000-0000-7000-8000-0000000000aa\",\"mode\":\"visit\",\"happened_at\":\"" happened                                 \
    "\",\"captured_at\":\"" captured "\""
#define TEN AT("2026-11-20T02:00:00.000Z", "2026-11-20T02:00:00.000Z")
#define SHA "\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
#define MEDIUM(n, kind, type, more)                                                                                                        \
    "{\"id\":\"01940000-0000-7000-8000-00000000000" n "\",\"kind\":\"" kind "\",\"type\":\"" type "\"," SHA more "}"
#define CONSENT ",\"consent_at\":\"2026-11-20T01:00:00.000Z\""

static struct bf_error check_with(void **state, const struct bf_object *policy, const char *fields)
{
    struct bf_error e = {0};
    const struct bf_object *visit = make(*state, &bf_visit_schema, bf_arena_printf(*state, "{%s}", fields));
    enum bf_status status = bf_visit_check(policy, visit, &e);
    assert_int_equal(status, e.status);
    return e;
}

static struct bf_error check(void **state, const char *fields) { return check_with(state, bf_policy_create(*state), fields); }

static void ENT_02_a_visit_is_logged_after_it_happened(void **state)
{
    assert_int_equal(check(state, AT("2026-11-20T02:05:00.000Z", "2026-11-20T02:00:00.000Z")).status, BF_OK);
    struct bf_error e = check(state, AT("2026-11-20T02:05:00.001Z", "2026-11-20T02:00:00.000Z"));
    assert_int_equal(e.status, BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/happened_at", "after_capture"));
    assert_int_equal(check(state, AT("2026-11-01T02:00:00.000Z", "2026-11-20T02:00:00.000Z")).status, BF_OK);
}

static void FUP_01_a_visit_without_a_word_is_saved_and_judged(void **state) { assert_int_equal(check(state, TEN).status, BF_OK); }

static void CUS_08_each_contact_is_named_once(void **state)
{
    struct bf_error e = check(state, TEN ",\"contacts\":[\"01940000-0000-7000-8000-000000000001\",\"01940000-0000-7000-8000-000000000002\","
                                         "\"01940000-0000-7000-8000-000000000001\"]");
    assert_true(has_fault(&e, "/contacts/2", "duplicate"));
    assert_int_equal(e.n_fields, 1);
}

static void G_04_a_recording_needs_a_consent_time(void **state)
{
    struct bf_error e =
        check(state, TEN ",\"media\":[" MEDIUM("1", "photo", "image/jpeg", "") "," MEDIUM("2", "voice", "audio/ogg", "") "]");
    assert_true(has_fault(&e, "/media/1/consent_at", "consent_required"));
    assert_int_equal(e.n_fields, 1);
    assert_int_equal(check(state, TEN ",\"media\":[" MEDIUM("2", "voice", "audio/ogg", CONSENT) "]").status, BF_OK);
}

static void G_04_the_policy_may_ask_for_no_consent(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    bf_set_bool(policy, BF_POLICY_CONSENT_REQUIRED, false);
    assert_int_equal(check_with(state, policy, TEN ",\"media\":[" MEDIUM("2", "voice", "audio/ogg", "") "]").status, BF_OK);
}

static void media_ids_of_a_visit_are_distinct(void **state)
{
    struct bf_error e =
        check(state, TEN ",\"media\":[" MEDIUM("1", "photo", "image/jpeg", "") "," MEDIUM("1", "photo", "image/png", "") "]");
    assert_true(has_fault(&e, "/media/1/id", "duplicate"));
    assert_int_equal(e.n_fields, 1);
}

static void G_04_a_medium_has_a_type_of_its_kind(void **state)
{
    struct bf_error e =
        check(state, TEN ",\"media\":[" MEDIUM("1", "photo", "audio/ogg", "") "," MEDIUM("2", "voice", "image/jpeg", CONSENT) "]");
    assert_true(has_fault(&e, "/media/0/type", "unsupported_type"));
    assert_true(has_fault(&e, "/media/1/type", "unsupported_type"));
}

static void G_04_the_formats_of_the_decision_are_taken(void **state)
{
    static const char *const photos[] = {"image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "IMAGE/JPEG"};
    static const char *const voices[] = {"audio/ogg",
                                         "audio/ogg; codecs=opus",
                                         "audio/webm;codecs=opus",
                                         "video/webm",
                                         "audio/mp4",
                                         "audio/x-m4a",
                                         "audio/aac",
                                         "audio/wav",
                                         "audio/x-wav"};
    static const char *const neither[] = {"",          "image/gif",       "image/svg+xml", "image/jpeg2", "image",
                                          "text/html", "application/pdf", "video/mp4",     ";image/jpeg"};
    (void)state;
    for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
        assert_true(bf_media_type_is_allowed(BF_MEDIA_KIND_IS_PHOTO, bf_strz(photos[i])));
        assert_false(bf_media_type_is_allowed(BF_MEDIA_KIND_IS_VOICE, bf_strz(photos[i])));
    }
    for (size_t i = 0; i < sizeof voices / sizeof *voices; i++) {
        assert_true(bf_media_type_is_allowed(BF_MEDIA_KIND_IS_VOICE, bf_strz(voices[i])));
        assert_false(bf_media_type_is_allowed(BF_MEDIA_KIND_IS_PHOTO, bf_strz(voices[i])));
    }
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++)
        for (int kind = 0; kind < BF_MEDIA_KIND_WORDS_N; kind++)
            assert_false(bf_media_type_is_allowed(kind, bf_strz(neither[i])));
}

static void G_04_a_type_has_one_name_for_the_decoders(void **state)
{
    (void)state;
    assert_true(bf_str_eqz(bf_media_type_canonical(BF_MEDIA_KIND_IS_PHOTO, BF_STR("IMAGE/HEIF")), "image/heic"));
    assert_true(bf_str_eqz(bf_media_type_canonical(BF_MEDIA_KIND_IS_VOICE, BF_STR("audio/webm;codecs=opus")), "audio/webm"));
    assert_true(bf_str_eqz(bf_media_type_canonical(BF_MEDIA_KIND_IS_VOICE, BF_STR("audio/x-m4a ; a=b")), "audio/mp4"));
    assert_true(bf_str_eqz(bf_media_type_canonical(BF_MEDIA_KIND_IS_VOICE, BF_STR("audio/aac")), "audio/mp4"));
    assert_null(bf_media_type_canonical(BF_MEDIA_KIND_IS_PHOTO, BF_STR("audio/ogg")).p);
}

static void G_01_a_device_and_its_sequence_number_come_together(void **state)
{
    struct bf_error e = check(state, TEN ",\"device\":\"01940000-0000-7000-8000-0000000000dd\"");
    assert_true(has_fault(&e, "/capture_seq", "required"));
    e = check(state, TEN ",\"capture_seq\":1");
    assert_true(has_fault(&e, "/device", "required"));
    assert_int_equal(check(state, TEN ",\"device\":\"01940000-0000-7000-8000-0000000000dd\",\"capture_seq\":1").status, BF_OK);
}

/* A completed visit with a photo, a voice note and a next step. */
static struct bf_doc *completed(struct bf_arena *arena, const char *step)
{
    struct bf_doc *visit =
        make_doc(arena, &bf_visit_schema,
                 bf_arena_printf(arena,
                                 "{" TEN ",\"device\":\"01940000-0000-7000-8000-0000000000dd\",\"capture_seq\":1,"
                                 "\"media\":[" MEDIUM("1", "photo", "image/jpeg", "") "," MEDIUM("2", "voice", "audio/ogg", CONSENT) "]%s}",
                                 step));
    struct bf_object *customer = bf_object_create(arena, &bf_customer_schema);
    bf_set_uuid(customer, BF_CUSTOMER_OWNER, (struct bf_uuid){{4}});
    bf_set_uuid(customer, BF_CUSTOMER_TEAM, (struct bf_uuid){{5}});
    struct bf_visit_receipt receipt = {.rep = {{6}}, .received_at = 1700000000000, .skew_known = true, .skew_ms = -12};
    bf_visit_complete(visit, customer, &receipt);
    return visit;
}

#define STEP ",\"next_step\":{\"text\":\"发送合同草案\",\"due\":\"2026-11-25T22:00\",\"tz\":\"Asia/Shanghai\"}"

static void G_01_the_server_adds_whose_when_and_the_skew(void **state)
{
    const struct bf_doc *visit = completed(*state, STEP);
    const struct bf_object *o = &visit->object;
    struct bf_uuid reminder = bf_get_uuid(bf_get_object(o, BF_VISIT_NEXT_STEP), BF_NEXT_STEP_REMINDER);
    struct bf_uuid expected = bf_id_reminder_of_visit(visit->tenant, visit->id);
    assert_int_equal(bf_get_uuid(o, BF_VISIT_OWNER).b[0], 4);
    assert_int_equal(bf_get_uuid(o, BF_VISIT_TEAM).b[0], 5);
    assert_int_equal(bf_get_uuid(o, BF_VISIT_REP).b[0], 6);
    assert_int_equal(bf_get_int(o, BF_VISIT_RECEIVED_AT), 1700000000000);
    assert_int_equal(bf_get_int(o, BF_VISIT_CLOCK_SKEW_MS), -12);
    assert_true(bf_uuid_eq(&reminder, &expected));
}

static void G_01_an_unmeasured_skew_stays_absent(void **state)
{
    struct bf_doc *visit = make_doc(*state, &bf_visit_schema, "{" TEN "}");
    struct bf_visit_receipt receipt = {.rep = {{6}}, .received_at = 5};
    bf_visit_complete(visit, bf_object_create(*state, &bf_customer_schema), &receipt);
    assert_false(bf_has(&visit->object, BF_VISIT_CLOCK_SKEW_MS));
}

static void each_medium_of_a_visit_is_awaited(void **state)
{
    const struct bf_doc *visit = completed(*state, "");
    const struct bf_doc *photo = bf_visit_media(*state, visit, 0), *voice = bf_visit_media(*state, visit, 1);
    const struct bf_object *o = &voice->object;
    assert_int_equal(photo->id.b[15], 1);
    assert_int_equal(voice->id.b[15], 2);
    assert_int_equal(bf_get_enum(&photo->object, BF_MEDIA_KIND), BF_MEDIA_KIND_IS_PHOTO);
    assert_int_equal(bf_get_enum(o, BF_MEDIA_KIND), BF_MEDIA_KIND_IS_VOICE);
    assert_int_equal(bf_get_enum(o, BF_MEDIA_STATE), BF_MEDIA_STATE_IS_AWAITED);
    assert_int_equal(bf_get_sha256(o, BF_MEDIA_SHA256)[0], 0xba);
    assert_true(bf_str_eqz(bf_get_str(o, BF_MEDIA_TYPE), "audio/ogg"));
    assert_int_equal(bf_get_uuid(o, BF_MEDIA_VISIT).b[0], visit->id.b[0]);
    assert_int_equal(bf_get_uuid(o, BF_MEDIA_CUSTOMER).b[15], 0xaa);
    assert_int_equal(bf_get_uuid(o, BF_MEDIA_OWNER).b[0], 4);
    assert_int_equal(bf_get_uuid(o, BF_MEDIA_TEAM).b[0], 5);
    assert_int_equal(bf_get_uuid(o, BF_MEDIA_UPLOADER).b[0], 6);
    assert_int_equal(bf_get_uuid(o, BF_MEDIA_DEVICE).b[15], 0xdd);
    assert_int_equal(bf_get_int(o, BF_MEDIA_CREATED_AT), 1700000000000);
}

static void G_03_a_voice_note_awaits_its_transcript(void **state)
{
    const struct bf_doc *visit = completed(*state, "");
    assert_null(bf_visit_transcript(*state, visit, 0));
    const struct bf_doc *transcript = bf_visit_transcript(*state, visit, 1);
    struct bf_uuid voice = bf_visit_media(*state, visit, 1)->id, expected = bf_id_transcript(visit->tenant, voice);
    struct bf_uuid media = bf_get_uuid(&transcript->object, BF_TRANSCRIPT_MEDIA);
    assert_true(bf_uuid_eq(&transcript->id, &expected));
    assert_true(bf_uuid_eq(&media, &voice));
    assert_int_equal(bf_get_enum(&transcript->object, BF_TRANSCRIPT_STATE), BF_TRANSCRIPT_STATE_IS_WAITING);
    assert_int_equal(bf_get_int(&transcript->object, BF_TRANSCRIPT_ROUND), 1);
    assert_int_equal(bf_get_uuid(&transcript->object, BF_TRANSCRIPT_OWNER).b[0], 4);
    assert_int_equal(bf_visit_voices(&visit->object), 1);
}

static struct bf_reminder_clock clock_of(struct bf_arena *arena)
{
    return (struct bf_reminder_clock){.policy = bf_policy_create(arena), .zone = BF_STR("Asia/Urumqi"), .now_ms = 1700000000000};
}

static void FUP_04_the_next_step_becomes_a_reminder_of_the_rep(void **state)
{
    const struct bf_doc *visit = completed(*state, STEP);
    struct bf_reminder_clock clock = clock_of(*state);
    struct bf_error e = {0};
    struct bf_doc *reminder;
    assert_int_equal(bf_visit_reminder(*state, visit, &clock, &reminder, &e), BF_OK);
    const struct bf_object *o = &reminder->object;
    assert_int_equal(bf_get_uuid(o, BF_REMINDER_USER).b[0], 6);
    assert_int_equal(bf_get_uuid(o, BF_REMINDER_VISIT).b[0], visit->id.b[0]);
    assert_int_equal(bf_get_uuid(o, BF_REMINDER_CUSTOMER).b[15], 0xaa);
    assert_true(bf_str_eqz(bf_get_str(o, BF_REMINDER_TEXT), "发送合同草案"));
    assert_int_equal(bf_get_int(o, BF_REMINDER_DUE_AT), instant("2026-11-25T14:00:00.000Z"));
    assert_int_equal(bf_get_enum(o, BF_REMINDER_STATE), BF_REMINDER_STATE_IS_PLANNED);
    struct bf_uuid expected = bf_id_reminder_of_visit(visit->tenant, visit->id);
    assert_true(bf_uuid_eq(&reminder->id, &expected));
}

static void FUP_04_a_visit_without_next_step_brings_no_reminder(void **state)
{
    struct bf_reminder_clock clock = clock_of(*state);
    struct bf_error e = {0};
    struct bf_doc *reminder = (void *)*state;
    assert_int_equal(bf_visit_reminder(*state, completed(*state, ""), &clock, &reminder, &e), BF_OK);
    assert_null(reminder);
}

static void FUP_04_a_next_step_without_zone_is_in_the_reps(void **state)
{
    struct bf_reminder_clock clock = clock_of(*state);
    struct bf_error e = {0};
    struct bf_doc *reminder;
    const struct bf_doc *visit = completed(*state, ",\"next_step\":{\"text\":\"回访\",\"due\":\"2026-11-25T22:00\",\"wake\":true}");
    assert_int_equal(bf_visit_reminder(*state, visit, &clock, &reminder, &e), BF_OK);
    assert_int_equal(bf_get_int(&reminder->object, BF_REMINDER_DUE_AT), instant("2026-11-25T16:00:00.000Z"));
    assert_int_equal(bf_get_int(&reminder->object, BF_REMINDER_SEND_AT), instant("2026-11-25T16:00:00.000Z"));
    assert_true(bf_str_eqz(bf_get_str(&reminder->object, BF_REMINDER_TZ), "Asia/Urumqi"));
}

int test_visit(void)
{
    const struct CMUnitTest visit[] = {
        cmocka_unit_test(ENT_02_a_visit_is_logged_after_it_happened),
        cmocka_unit_test(FUP_01_a_visit_without_a_word_is_saved_and_judged),
        cmocka_unit_test(CUS_08_each_contact_is_named_once),
        cmocka_unit_test(G_04_a_recording_needs_a_consent_time),
        cmocka_unit_test(G_04_the_policy_may_ask_for_no_consent),
        cmocka_unit_test(media_ids_of_a_visit_are_distinct),
        cmocka_unit_test(G_04_a_medium_has_a_type_of_its_kind),
        cmocka_unit_test(G_04_the_formats_of_the_decision_are_taken),
        cmocka_unit_test(G_04_a_type_has_one_name_for_the_decoders),
        cmocka_unit_test(G_01_a_device_and_its_sequence_number_come_together),
        cmocka_unit_test(G_01_the_server_adds_whose_when_and_the_skew),
        cmocka_unit_test(G_01_an_unmeasured_skew_stays_absent),
        cmocka_unit_test(each_medium_of_a_visit_is_awaited),
        cmocka_unit_test(G_03_a_voice_note_awaits_its_transcript),
        cmocka_unit_test(FUP_04_the_next_step_becomes_a_reminder_of_the_rep),
        cmocka_unit_test(FUP_04_a_visit_without_next_step_brings_no_reminder),
        cmocka_unit_test(FUP_04_a_next_step_without_zone_is_in_the_reps),
    };
    return cmocka_run_group_tests(visit, with_arena, without_arena);
}
