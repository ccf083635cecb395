/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a contract, and the rep's side of it. */
#include "crm/contract_internal.h"
#include "core/arena.h"
#include "core/text.h"
#include "crm/media_type.h"
#include "crm/reason.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    AWAITING = BF_CONTRACT_STATE_IS_AWAITING_PAGES,
    UPLOADED = BF_CONTRACT_STATE_IS_UPLOADED,
    IN_REVIEW = BF_CONTRACT_STATE_IS_IN_REVIEW,
    APPROVED = BF_CONTRACT_STATE_IS_APPROVED,
    REJECTED = BF_CONTRACT_STATE_IS_REJECTED,
    SUPERSEDED = BF_CONTRACT_STATE_IS_SUPERSEDED,
    UPLOADERS_MAX = 50,
};

/* ---- states ---- */

struct transition {
    int from;
    enum bf_contract_verb verb;
    int to;
};

static const struct transition transitions[] = {
    {AWAITING, BF_CV_CHANGE, AWAITING},      {UPLOADED, BF_CV_CHANGE, AWAITING},   {REJECTED, BF_CV_CHANGE, AWAITING},
    {AWAITING, BF_CV_COMPLETE, UPLOADED},    {UPLOADED, BF_CV_CLAIM, IN_REVIEW},   {IN_REVIEW, BF_CV_CLAIM, IN_REVIEW},
    {IN_REVIEW, BF_CV_RELEASE, UPLOADED},    {IN_REVIEW, BF_CV_NOTE, IN_REVIEW},   {IN_REVIEW, BF_CV_APPROVE, APPROVED},
    {IN_REVIEW, BF_CV_REJECT, REJECTED},     {APPROVED, BF_CV_REOPEN, UPLOADED},   {AWAITING, BF_CV_SUPERSEDE, SUPERSEDED},
    {UPLOADED, BF_CV_SUPERSEDE, SUPERSEDED}, {REJECTED, BF_CV_SUPERSEDE, SUPERSEDED}, {APPROVED, BF_CV_SUPERSEDE, SUPERSEDED},
};
static const char *const verb_names[BF_CV_COUNT] = {
    [BF_CV_CHANGE] = "change",      [BF_CV_COMPLETE] = NULL,      [BF_CV_CLAIM] = "claim",   [BF_CV_RELEASE] = "release",
    [BF_CV_NOTE] = "draft, mark",   [BF_CV_APPROVE] = "approve",  [BF_CV_REJECT] = "reject", [BF_CV_REOPEN] = "reopen",
    [BF_CV_SUPERSEDE] = "replace",
};

int bf_contract_next(int state, enum bf_contract_verb verb)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++)
        if (transitions[i].from == state && transitions[i].verb == verb)
            return transitions[i].to;
    return -1;
}

static void name_allowed(int state, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    for (int verb = 0; verb < BF_CV_COUNT; verb++)
        if (verb_names[verb] != NULL && bf_contract_next(state, (enum bf_contract_verb)verb) >= 0 && n < room)
            n += (size_t)snprintf(out + n, room - n, "%s%s", n == 0 ? "" : ", ", verb_names[verb]);
}

int64_t bf_contract_held_until(const struct bf_object *contract, const struct bf_contract_step *step)
{
    int64_t own = bf_get_int(contract, BF_CONTRACT_CLAIMED_UNTIL);
    return own > step->renewed_until ? own : step->renewed_until;
}

int bf_contract_state(const struct bf_object *contract, const struct bf_contract_step *step)
{
    int state = bf_get_enum(contract, BF_CONTRACT_STATE);
    return state == IN_REVIEW && bf_contract_held_until(contract, step) <= step->now_ms ? UPLOADED : state;
}

enum bf_status bf__contract_may(const struct bf_object *contract, enum bf_contract_verb verb, const struct bf_contract_step *step, struct bf_error *e)
{
    char allowed[100];
    int state = bf_contract_state(contract, step);
    assert(state >= 0);
    if (bf_contract_next(state, verb) >= 0)
        return BF_OK;
    name_allowed(state, allowed, sizeof allowed);
    return bf_fail_field(e, BF_E_CONFLICT, "/state", "wrong_state", "%s; allowed: %s", bf_enum_contract_state.words[state].word,
                         allowed[0] == '\0' ? "nothing" : allowed);
}

void bf__contract_go(struct bf_object *contract, enum bf_contract_verb verb, const struct bf_contract_step *step)
{
    int next = bf_contract_next(bf_contract_state(contract, step), verb);
    assert(next >= 0);
    bf_set_enum(contract, BF_CONTRACT_STATE, next);
    bf_set_int(contract, BF_CONTRACT_UPDATED_AT, step->now_ms);
}

void bf__contract_let_go(struct bf_object *contract)
{
    bf_unset(contract, BF_CONTRACT_REVIEWER);
    bf_unset(contract, BF_CONTRACT_CLAIMED_UNTIL);
}

/* ---- what may be saved ---- */

static struct bf_array pages_of(const struct bf_object *contract) { return bf_get_array(contract, BF_CONTRACT_PAGES); }

int bf_contract_find_page(const struct bf_object *contract, struct bf_uuid page)
{
    struct bf_array pages = pages_of(contract);
    for (unsigned i = 0; i < pages.n; i++) {
        struct bf_uuid id = bf_get_uuid(pages.items[i].object, BF_CONTRACT_PAGE_ID);
        if (bf_uuid_eq(&id, &page))
            return (int)i;
    }
    return -1;
}

static bool is_blank(struct bf_str s) { return bf_text_units(s) == 0; }

void bf__contract_check_facts(const struct bf_object *o, const struct bf__facts_rows *rows, struct bf_error *e)
{
    struct bf_array parties = bf_get_array(o, rows->parties);
    const struct bf_object *amount = bf_get_object(o, rows->amount);
    if (bf_has(o, rows->number) && is_blank(bf_get_str(o, rows->number)))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/number", "blank", "a number has letters or digits");
    if (amount != NULL && !bf_text_is_currency(bf_get_str(amount, BF_MONEY_CURRENCY)))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/amount/currency", "bad_currency", "an ISO 4217 code, as CNY");
    for (unsigned i = 0; i < parties.n; i++) {
        char pointer[24];
        snprintf(pointer, sizeof pointer, "/parties/%u", i);
        if (is_blank(parties.items[i].s))
            bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, "blank", "a party has a name");
    }
}

static void page_fault(struct bf_error *e, unsigned i, const char *field, const char *code, const char *detail)
{
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/pages/%u/%s", i, field);
    bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, code, "%s", detail);
}

static void check_page(struct bf_array pages, unsigned i, struct bf_error *e)
{
    const struct bf_object *page = pages.items[i].object;
    struct bf_uuid id = bf_get_uuid(page, BF_CONTRACT_PAGE_ID), media = bf_get_uuid(page, BF_CONTRACT_PAGE_MEDIA);
    if (!bf_media_type_is_allowed(BF_MEDIA_KIND_IS_PHOTO, bf_get_str(page, BF_CONTRACT_PAGE_TYPE)))
        page_fault(e, i, "type", "unsupported_type", "a page is a photo: JPEG, PNG, WebP or HEIC");
    for (unsigned k = 0; k < i; k++) {
        struct bf_uuid other = bf_get_uuid(pages.items[k].object, BF_CONTRACT_PAGE_ID);
        struct bf_uuid other_media = bf_get_uuid(pages.items[k].object, BF_CONTRACT_PAGE_MEDIA);
        if (bf_uuid_eq(&id, &other))
            page_fault(e, i, "id", "duplicate", "each page has an id of its own");
        if (bf_uuid_eq(&media, &other_media))
            page_fault(e, i, "media", "duplicate", "each page has a medium of its own");
    }
}

enum bf_status bf_contract_check(const struct bf_object *contract, struct bf_error *e)
{
    static const struct bf__facts_rows rows = BF__CONTRACT_FACTS;
    struct bf_array pages = pages_of(contract);
    struct bf_error faults = {0};
    bf__contract_check_facts(contract, &rows, &faults);
    for (unsigned i = 0; i < pages.n; i++)
        check_page(pages, i, &faults);
    if (bf_has(contract, BF_CONTRACT_DEVICE) != bf_has(contract, BF_CONTRACT_CAPTURE_SEQ))
        bf_fail_field(&faults, BF_E_UNPROCESSABLE, bf_has(contract, BF_CONTRACT_DEVICE) ? "/capture_seq" : "/device", "required",
                      "device and capture_seq go together (G-01)");
    if (faults.status != BF_OK)
        *e = faults;
    return faults.status;
}

/* ---- a new one ---- */

/* False when there are as many as there may be: then the change is refused, so that nobody is forgotten. */
static bool add_uploader(struct bf_arena *arena, struct bf_object *contract, struct bf_uuid who)
{
    struct bf_array before = bf_get_array(contract, BF_CONTRACT_UPLOADERS);
    if (bf__contract_has_uploader(contract, who))
        return true;
    if (before.n == UPLOADERS_MAX)
        return false;
    struct bf_value *after = bf_arena_calloc(arena, before.n + 1, sizeof *after);
    for (unsigned i = 0; i < before.n; i++)
        after[i] = before.items[i];
    after[before.n] = (struct bf_value){.type = BF_T_UUID, .uuid = who};
    bf_set_array(contract, BF_CONTRACT_UPLOADERS, after, before.n + 1);
    return true;
}

bool bf__contract_has_uploader(const struct bf_object *contract, struct bf_uuid who)
{
    struct bf_array uploaders = bf_get_array(contract, BF_CONTRACT_UPLOADERS);
    for (unsigned i = 0; i < uploaders.n; i++)
        if (bf_uuid_eq(&uploaders.items[i].uuid, &who))
            return true;
    return false;
}

void bf_contract_begin(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *customer, const struct bf_contract_step *step)
{
    struct bf_array pages = pages_of(contract);
    bf_set_uuid(contract, BF_CONTRACT_OWNER, bf_get_uuid(customer, BF_CUSTOMER_OWNER));
    bf_set_uuid(contract, BF_CONTRACT_TEAM, bf_get_uuid(customer, BF_CUSTOMER_TEAM));
    bf_set_uuid(contract, BF_CONTRACT_UPLOADER, step->who);
    (void)add_uploader(arena, contract, step->who); /* the first */
    for (unsigned i = 0; i < pages.n; i++)
        bf_set_int(pages.items[i].object, BF_CONTRACT_PAGE_VERSION, 1);
    bf_set_enum(contract, BF_CONTRACT_STATE, AWAITING);
    bf_set_int(contract, BF_CONTRACT_CLAIM, 0);
    bf_set_int(contract, BF_CONTRACT_REJECTIONS, 0);
    bf_set_int(contract, BF_CONTRACT_CREATED_AT, step->now_ms);
    bf_set_int(contract, BF_CONTRACT_UPDATED_AT, step->now_ms);
}

struct bf_doc *bf_contract_medium(struct bf_arena *arena, const struct bf_doc *contract, unsigned i, const struct bf_contract_step *step)
{
    const struct bf_object *c = &contract->object, *page = pages_of(c).items[i].object;
    struct bf_doc *doc = bf_doc_create(arena, &bf_media_schema, contract->tenant, bf_get_uuid(page, BF_CONTRACT_PAGE_MEDIA));
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_MEDIA_CONTRACT, contract->id);
    bf_set_uuid(o, BF_MEDIA_PAGE, bf_get_uuid(page, BF_CONTRACT_PAGE_ID));
    bf_set_int(o, BF_MEDIA_VERSION, bf_get_int(page, BF_CONTRACT_PAGE_VERSION));
    bf_set_uuid(o, BF_MEDIA_CUSTOMER, bf_get_uuid(c, BF_CONTRACT_CUSTOMER));
    bf_set_uuid(o, BF_MEDIA_OWNER, bf_get_uuid(c, BF_CONTRACT_OWNER));
    bf_set_uuid(o, BF_MEDIA_TEAM, bf_get_uuid(c, BF_CONTRACT_TEAM));
    bf_set_uuid(o, BF_MEDIA_UPLOADER, step->who);
    if (bf_has(c, BF_CONTRACT_DEVICE) && contract->rev <= 1)
        bf_set_uuid(o, BF_MEDIA_DEVICE, bf_get_uuid(c, BF_CONTRACT_DEVICE));
    bf_set_enum(o, BF_MEDIA_KIND, BF_MEDIA_KIND_IS_PHOTO);
    bf_set_sha256(o, BF_MEDIA_SHA256, bf_get_sha256(page, BF_CONTRACT_PAGE_SHA256));
    bf_set_str(o, BF_MEDIA_TYPE, bf_get_str(page, BF_CONTRACT_PAGE_TYPE));
    bf_set_enum(o, BF_MEDIA_STATE, BF_MEDIA_STATE_IS_AWAITED);
    bf_set_int(o, BF_MEDIA_CREATED_AT, step->now_ms);
    return doc;
}

/* ---- a change ---- */

static bool is_same_medium(const struct bf_object *a, const struct bf_object *b)
{
    struct bf_uuid x = bf_get_uuid(a, BF_CONTRACT_PAGE_MEDIA), y = bf_get_uuid(b, BF_CONTRACT_PAGE_MEDIA);
    return bf_uuid_eq(&x, &y);
}

/* Gives each page its version; true when one is new, or another than before. */
static bool number_pages(const struct bf_object *before, struct bf_object *after, struct bf_error *e)
{
    struct bf_array was = pages_of(before), is = pages_of(after);
    bool is_new = false;
    for (unsigned i = 0; i < is.n; i++) {
        struct bf_object *page = is.items[i].object;
        int at = bf_contract_find_page(before, bf_get_uuid(page, BF_CONTRACT_PAGE_ID));
        const struct bf_object *old = at < 0 ? NULL : was.items[at].object;
        bool same = old != NULL && is_same_medium(old, page);
        if (same && memcmp(bf_get_sha256(old, BF_CONTRACT_PAGE_SHA256), bf_get_sha256(page, BF_CONTRACT_PAGE_SHA256), 32) != 0)
            page_fault(e, i, "sha256", "immutable", "other bytes are another medium");
        bf_set_int(page, BF_CONTRACT_PAGE_VERSION, old == NULL ? 1 : bf_get_int(old, BF_CONTRACT_PAGE_VERSION) + !same);
        is_new |= !same;
    }
    return is_new;
}

int bf__contract_page_of(const struct bf_object *contract, struct bf_uuid media)
{
    struct bf_array pages = pages_of(contract);
    for (unsigned i = 0; i < pages.n; i++) {
        struct bf_uuid of = bf_get_uuid(pages.items[i].object, BF_CONTRACT_PAGE_MEDIA);
        if (bf_uuid_eq(&of, &media))
            return (int)i;
    }
    return -1;
}

static void drop_marks(struct bf_arena *arena, struct bf_object *contract)
{
    struct bf_array before = bf_get_array(contract, BF_CONTRACT_MARKS);
    struct bf_value *after = bf_arena_calloc(arena, before.n + 1, sizeof *after);
    unsigned n = 0;
    for (unsigned i = 0; i < before.n; i++)
        if (bf__contract_page_of(contract, bf_get_uuid(before.items[i].object, BF_MARK_MEDIA)) >= 0)
            after[n++] = before.items[i];
    bf_set_array(contract, BF_CONTRACT_MARKS, after, n);
}

static bool facts_differ(const struct bf_object *before, const struct bf_object *after)
{
    static const unsigned rows[] = {BF_CONTRACT_NUMBER, BF_CONTRACT_AMOUNT, BF_CONTRACT_SIGNED_ON, BF_CONTRACT_PARTIES};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!bf_value_eq(&before->v[rows[i]], &after->v[rows[i]]))
            return true;
    return false;
}

/* What a change must satisfy besides its state. */
static void check_change(struct bf_arena *arena, const struct bf_object *before, const struct bf_object *patch, struct bf_object *after,
                         const struct bf_contract_step *step, struct bf_error *e)
{
    bool new_pages = number_pages(before, after, e), new_facts = facts_differ(before, after);
    if (e->status == BF_OK)
        bf_contract_check(after, e);
    if (e->status == BF_OK && new_facts)
        bf_reason_check(patch, BF_CONTRACT_REASON, e);
    if (e->status == BF_OK && !new_facts && bf_value_eq(&before->v[BF_CONTRACT_PAGES], &after->v[BF_CONTRACT_PAGES]))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "", "no_change", "nothing would change");
    if (e->status == BF_OK && new_pages && !add_uploader(arena, after, step->who))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/pages", "too_many", "%d people gave pages of this contract", UPLOADERS_MAX);
}

enum bf_status bf_contract_change(struct bf_arena *arena, const struct bf_object *before, const struct bf_object *patch, struct bf_object *after,
                                  const struct bf_contract_step *step, struct bf_error *e)
{
    struct bf_error faults = {0};
    enum bf_status status = bf__contract_may(after, BF_CV_CHANGE, step, e);
    if (status != BF_OK)
        return status;
    check_change(arena, before, patch, after, step, &faults);
    if (faults.status != BF_OK) {
        *e = faults;
        return faults.status;
    }
    bf__contract_go(after, BF_CV_CHANGE, step);
    drop_marks(arena, after);
    bf__contract_let_go(after);
    if (bf_get_enum(before, BF_CONTRACT_STATE) == REJECTED) /* the answer to a rejection is due anew */
        bf_unset(after, BF_CONTRACT_DUE_AT);
    return BF_OK;
}

bool bf_contract_complete(struct bf_object *contract, const struct bf_contract_step *step, int64_t due_at, int64_t reserved_until)
{
    const struct bf_object *rejection = bf_get_object(contract, BF_CONTRACT_REJECTION);
    if (bf__contract_may(contract, BF_CV_COMPLETE, step, NULL) != BF_OK)
        return false;
    bf__contract_go(contract, BF_CV_COMPLETE, step);
    if (!bf_has(contract, BF_CONTRACT_COMPLETE_AT))
        bf_set_int(contract, BF_CONTRACT_COMPLETE_AT, step->now_ms);
    if (bf_has(contract, BF_CONTRACT_DUE_AT))
        return true;
    bf_set_int(contract, BF_CONTRACT_DUE_AT, due_at);
    if (rejection != NULL && reserved_until > step->now_ms) {
        bf_set_uuid(contract, BF_CONTRACT_RESERVED_FOR, bf_get_uuid(rejection, BF_REJECTION_BY));
        bf_set_int(contract, BF_CONTRACT_RESERVED_UNTIL, reserved_until);
    }
    return true;
}

enum bf_status bf_contract_supersede(struct bf_object *contract, struct bf_uuid by, const struct bf_contract_step *step, struct bf_error *e)
{
    enum bf_status status = bf__contract_may(contract, BF_CV_SUPERSEDE, step, e);
    if (status != BF_OK)
        return status;
    bf__contract_go(contract, BF_CV_SUPERSEDE, step);
    bf_set_uuid(contract, BF_CONTRACT_SUPERSEDED_BY, by);
    return BF_OK;
}
