/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/visit.h"
#include "core/arena.h"
#include "crm/entities.h"
#include "crm/ids.h"
#include "crm/media_type.h"
#include "crm/reminder.h"
#include <stdio.h>

/* ENT-02, ENT-12: both are readings of the phone's clock, so what is logged has happened, by that clock; people round up to the next minutes.
 * Whether that clock was right at the capture nobody knows: a record from a wrong one is judged (crm/timeliness.h), not refused (G-01). */
static void check_times(const struct bf_object *policy, const struct bf_object *visit, struct bf_error *e)
{
    if (bf_get_int(visit, BF_VISIT_HAPPENED_AT) - bf_get_int(visit, BF_VISIT_CAPTURED_AT) > bf_get_int(policy, BF_POLICY_SKEW_MS_MAX))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/happened_at", "after_capture", "a visit is logged after it happened");
}

static void check_contacts(const struct bf_object *visit, struct bf_error *e)
{
    struct bf_array contacts = bf_get_array(visit, BF_VISIT_CONTACTS);
    for (unsigned i = 1; i < contacts.n; i++)
        for (unsigned j = 0; j < i; j++)
            if (bf_value_eq(&contacts.items[i], &contacts.items[j])) {
                char pointer[32];
                snprintf(pointer, sizeof pointer, "/contacts/%u", i);
                bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, "duplicate", "this contact is named twice");
                break;
            }
}

static const struct bf_object *medium(const struct bf_object *visit, unsigned i)
{
    return bf_get_array(visit, BF_VISIT_MEDIA).items[i].object;
}

static void medium_fault(struct bf_error *e, unsigned i, const char *field, const char *code, const char *detail)
{
    char pointer[48];
    snprintf(pointer, sizeof pointer, "/media/%u/%s", i, field);
    bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, code, "%s", detail);
}

static bool id_came_before(const struct bf_object *visit, unsigned i)
{
    struct bf_uuid id = bf_get_uuid(medium(visit, i), BF_VISIT_MEDIA_ID);
    for (unsigned j = 0; j < i; j++) {
        struct bf_uuid other = bf_get_uuid(medium(visit, j), BF_VISIT_MEDIA_ID);
        if (bf_uuid_eq(&id, &other))
            return true;
    }
    return false;
}

static void check_medium(const struct bf_object *policy, const struct bf_object *visit, unsigned i, struct bf_error *e)
{
    const struct bf_object *m = medium(visit, i);
    int kind = bf_get_enum(m, BF_VISIT_MEDIA_KIND);
    if (id_came_before(visit, i))
        medium_fault(e, i, "id", "duplicate", "another medium of this visit has this id");
    if (!bf_media_type_is_allowed(kind, bf_get_str(m, BF_VISIT_MEDIA_TYPE)))
        medium_fault(e, i, "type", "unsupported_type", "not a type of this kind");
    bool consent = kind != BF_MEDIA_KIND_IS_VOICE || bf_has(m, BF_VISIT_MEDIA_CONSENT_AT);
    if (!consent && bf_get_bool(policy, BF_POLICY_CONSENT_REQUIRED))
        medium_fault(e, i, "consent_at", "consent_required", "a recording needs the time of consent");
}

static void check_sequence(const struct bf_object *visit, struct bf_error *e)
{
    bool device = bf_has(visit, BF_VISIT_DEVICE), seq = bf_has(visit, BF_VISIT_CAPTURE_SEQ);
    if (device && !seq)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/capture_seq", "required", "a device numbers its captures");
    if (seq && !device)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/device", "required", "whose capture_seq is this");
}

enum bf_status bf_visit_check(const struct bf_object *policy, const struct bf_object *visit, struct bf_error *e)
{
    struct bf_error faults = {0};
    check_times(policy, visit, &faults);
    check_contacts(visit, &faults);
    for (unsigned i = 0; i < bf_get_array(visit, BF_VISIT_MEDIA).n; i++)
        check_medium(policy, visit, i, &faults);
    check_sequence(visit, &faults);
    if (faults.status != BF_OK)
        *e = faults;
    return faults.status;
}

unsigned bf_visit_voices(const struct bf_object *visit)
{
    unsigned voices = 0;
    for (unsigned i = 0; i < bf_get_array(visit, BF_VISIT_MEDIA).n; i++)
        voices += bf_get_enum(medium(visit, i), BF_VISIT_MEDIA_KIND) == BF_MEDIA_KIND_IS_VOICE;
    return voices;
}

void bf_visit_complete(struct bf_doc *visit, const struct bf_object *customer, const struct bf_visit_receipt *receipt)
{
    struct bf_object *o = &visit->object;
    bf_set_uuid(o, BF_VISIT_OWNER, bf_get_uuid(customer, BF_CUSTOMER_OWNER));
    bf_set_uuid(o, BF_VISIT_TEAM, bf_get_uuid(customer, BF_CUSTOMER_TEAM));
    bf_set_uuid(o, BF_VISIT_REP, receipt->rep);
    bf_set_int(o, BF_VISIT_RECEIVED_AT, receipt->received_at);
    if (receipt->skew_known)
        bf_set_int(o, BF_VISIT_CLOCK_SKEW_MS, receipt->skew_ms);
    if (bf_has(o, BF_VISIT_NEXT_STEP))
        bf_set_uuid(o->v[BF_VISIT_NEXT_STEP].object, BF_NEXT_STEP_REMINDER, bf_id_reminder_of_visit(visit->tenant, visit->id));
}

/* ---- the records that it brings ---- */

struct bf_doc *bf_visit_media(struct bf_arena *arena, const struct bf_doc *visit, unsigned i)
{
    const struct bf_object *from = medium(&visit->object, i);
    struct bf_doc *doc = bf_doc_create(arena, &bf_media_schema, visit->tenant, bf_get_uuid(from, BF_VISIT_MEDIA_ID));
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_MEDIA_VISIT, visit->id);
    bf_set_uuid(o, BF_MEDIA_CUSTOMER, bf_get_uuid(&visit->object, BF_VISIT_CUSTOMER));
    bf_set_uuid(o, BF_MEDIA_OWNER, bf_get_uuid(&visit->object, BF_VISIT_OWNER));
    bf_set_uuid(o, BF_MEDIA_TEAM, bf_get_uuid(&visit->object, BF_VISIT_TEAM));
    bf_set_uuid(o, BF_MEDIA_UPLOADER, bf_get_uuid(&visit->object, BF_VISIT_REP));
    if (bf_has(&visit->object, BF_VISIT_DEVICE))
        bf_set_uuid(o, BF_MEDIA_DEVICE, bf_get_uuid(&visit->object, BF_VISIT_DEVICE));
    bf_set_enum(o, BF_MEDIA_KIND, bf_get_enum(from, BF_VISIT_MEDIA_KIND));
    bf_set_sha256(o, BF_MEDIA_SHA256, bf_get_sha256(from, BF_VISIT_MEDIA_SHA256));
    bf_set_str(o, BF_MEDIA_TYPE, bf_get_str(from, BF_VISIT_MEDIA_TYPE));
    bf_set_enum(o, BF_MEDIA_STATE, BF_MEDIA_STATE_IS_AWAITED);
    bf_set_int(o, BF_MEDIA_CREATED_AT, bf_get_int(&visit->object, BF_VISIT_RECEIVED_AT));
    return doc;
}

struct bf_doc *bf_visit_transcript(struct bf_arena *arena, const struct bf_doc *visit, unsigned i)
{
    const struct bf_object *from = medium(&visit->object, i);
    struct bf_uuid media = bf_get_uuid(from, BF_VISIT_MEDIA_ID);
    if (bf_get_enum(from, BF_VISIT_MEDIA_KIND) != BF_MEDIA_KIND_IS_VOICE)
        return NULL;
    struct bf_doc *doc = bf_doc_create(arena, &bf_transcript_schema, visit->tenant, bf_id_transcript(visit->tenant, media));
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_TRANSCRIPT_VISIT, visit->id);
    bf_set_uuid(o, BF_TRANSCRIPT_MEDIA, media);
    bf_set_uuid(o, BF_TRANSCRIPT_CUSTOMER, bf_get_uuid(&visit->object, BF_VISIT_CUSTOMER));
    bf_set_uuid(o, BF_TRANSCRIPT_OWNER, bf_get_uuid(&visit->object, BF_VISIT_OWNER));
    bf_set_uuid(o, BF_TRANSCRIPT_TEAM, bf_get_uuid(&visit->object, BF_VISIT_TEAM));
    bf_set_enum(o, BF_TRANSCRIPT_STATE, BF_TRANSCRIPT_STATE_IS_WAITING);
    bf_set_int(o, BF_TRANSCRIPT_ROUND, 1);
    bf_set_int(o, BF_TRANSCRIPT_UPDATED_AT, bf_get_int(&visit->object, BF_VISIT_RECEIVED_AT));
    return doc;
}

enum bf_status bf_visit_reminder(struct bf_arena *arena, const struct bf_doc *visit, const struct bf_reminder_clock *clock,
                                 struct bf_doc **ret, struct bf_error *e)
{
    const struct bf_object *step = bf_get_object(&visit->object, BF_VISIT_NEXT_STEP);
    *ret = NULL;
    if (step == NULL)
        return BF_OK;
    struct bf_doc *doc = bf_doc_create(arena, &bf_reminder_schema, visit->tenant, bf_id_reminder_of_visit(visit->tenant, visit->id));
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_REMINDER_USER, bf_get_uuid(&visit->object, BF_VISIT_REP));
    bf_set_uuid(o, BF_REMINDER_CUSTOMER, bf_get_uuid(&visit->object, BF_VISIT_CUSTOMER));
    bf_set_uuid(o, BF_REMINDER_VISIT, visit->id);
    bf_set_str(o, BF_REMINDER_TEXT, bf_get_str(step, BF_NEXT_STEP_TEXT));
    bf_set_str(o, BF_REMINDER_DUE, bf_get_str(step, BF_NEXT_STEP_DUE));
    bf_set_str(o, BF_REMINDER_TZ, bf_get_str(step, BF_NEXT_STEP_TZ));
    if (bf_has(step, BF_NEXT_STEP_WAKE))
        bf_set_bool(o, BF_REMINDER_WAKE, bf_get_bool(step, BF_NEXT_STEP_WAKE));
    struct bf_error fault = {0};
    if (bf_reminder_plan(o, clock, &fault) != BF_OK)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/next_step/due", "bad_wall_time", "no such time in this zone");
    *ret = doc;
    return BF_OK;
}
