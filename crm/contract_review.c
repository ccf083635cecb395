/* SPDX-License-Identifier: Apache-2.0 */
/* The reviewer's side of a contract (G-05). */
#include "core/arena.h"
#include "core/text.h"
#include "crm/contract_internal.h"
#include "crm/reason.h"

/* ---- the claim ---- */

static bool is_held_by(const struct bf_object *contract, const struct bf_contract_step *step)
{
    struct bf_uuid holder = bf_get_uuid(contract, BF_CONTRACT_REVIEWER);
    return bf_contract_state(contract, step) == BF_CONTRACT_STATE_IS_IN_REVIEW && bf_uuid_eq(&holder, &step->who);
}

static bool is_reserved_for_another(const struct bf_object *contract, const struct bf_contract_step *step)
{
    struct bf_uuid whom = bf_get_uuid(contract, BF_CONTRACT_RESERVED_FOR);
    return bf_get_int(contract, BF_CONTRACT_RESERVED_UNTIL) > step->now_ms && !bf_uuid_eq(&whom, &step->who);
}

static enum bf_status check_own_pages(const struct bf_object *contract, const struct bf_contract_step *step, struct bf_error *e)
{
    if (!bf__contract_has_uploader(contract, step->who))
        return BF_OK;
    return bf_fail_field(e, BF_E_FORBIDDEN, "/uploader", "own_page", "who gave a page of a contract does not review it (G-05)");
}

enum bf_status bf_contract_claim(struct bf_object *contract, const struct bf_contract_step *step, int64_t lease_ms, struct bf_error *e)
{
    enum bf_status status = check_own_pages(contract, step, e);
    if (status != BF_OK)
        return status;
    bool mine = is_held_by(contract, step);
    if (!mine && bf_contract_state(contract, step) == BF_CONTRACT_STATE_IS_IN_REVIEW)
        return bf_fail_field(e, BF_E_CONFLICT, "/reviewer", "held", "another reviewer holds this contract");
    if (!mine && is_reserved_for_another(contract, step))
        return bf_fail_field(e, BF_E_CONFLICT, "/reserved_for", "reserved", "it is kept for the reviewer who sent it back");
    status = bf__contract_may(contract, BF_CV_CLAIM, step, e);
    if (status != BF_OK)
        return status;
    bf__contract_go(contract, BF_CV_CLAIM, step);
    bf_set_int(contract, BF_CONTRACT_CLAIM, bf_get_int(contract, BF_CONTRACT_CLAIM) + !mine);
    bf_set_uuid(contract, BF_CONTRACT_REVIEWER, step->who);
    bf_set_int(contract, BF_CONTRACT_CLAIMED_UNTIL, step->now_ms + lease_ms);
    bf_unset(contract, BF_CONTRACT_RESERVED_FOR);
    bf_unset(contract, BF_CONTRACT_RESERVED_UNTIL);
    return BF_OK;
}

enum bf_status bf_contract_hold(const struct bf_object *contract, const struct bf_contract_step *step, struct bf_error *e)
{
    if (is_held_by(contract, step))
        return BF_OK;
    if (bf_contract_state(contract, step) == BF_CONTRACT_STATE_IS_IN_REVIEW)
        return bf_fail_field(e, BF_E_CONFLICT, "/reviewer", "held", "another reviewer holds this contract");
    return bf_fail_field(e, BF_E_CONFLICT, "/reviewer", "not_held", "claim it first: nobody holds it, or the time was over");
}

/* The state first: who is too late is told that it is approved, not that somebody else holds it. */
static enum bf_status may_held(const struct bf_object *contract, enum bf_contract_verb verb, const struct bf_contract_step *step, struct bf_error *e)
{
    int state = bf_contract_state(contract, step);
    if (state == BF_CONTRACT_STATE_IS_IN_REVIEW || state == BF_CONTRACT_STATE_IS_UPLOADED) {
        enum bf_status status = bf_contract_hold(contract, step, e);
        if (status != BF_OK)
            return status;
    }
    return bf__contract_may(contract, verb, step, e);
}

enum bf_status bf_contract_release(struct bf_object *contract, const struct bf_contract_step *step, struct bf_error *e)
{
    enum bf_status status = may_held(contract, BF_CV_RELEASE, step, e);
    if (status != BF_OK)
        return status;
    bf__contract_go(contract, BF_CV_RELEASE, step);
    bf__contract_let_go(contract);
    return BF_OK;
}

bool bf_contract_expire(struct bf_object *contract, const struct bf_contract_step *step)
{
    if (bf_get_enum(contract, BF_CONTRACT_STATE) != BF_CONTRACT_STATE_IS_IN_REVIEW || bf_contract_state(contract, step) == BF_CONTRACT_STATE_IS_IN_REVIEW)
        return false;
    bf_set_enum(contract, BF_CONTRACT_STATE, BF_CONTRACT_STATE_IS_UPLOADED);
    bf_set_int(contract, BF_CONTRACT_UPDATED_AT, step->now_ms);
    bf__contract_let_go(contract);
    return true;
}

/* ---- drafts ---- */

static const struct bf__facts_rows draft_facts = BF__DRAFT_FACTS;

/* The rows of a fact in the contract, in a draft, and in a correction. */
struct fact {
    unsigned contract, draft, before;
};
static const struct fact facts[] = {{BF_CONTRACT_NUMBER, BF_DRAFT_NUMBER, BF_FACTS_NUMBER},
                                    {BF_CONTRACT_AMOUNT, BF_DRAFT_AMOUNT, BF_FACTS_AMOUNT},
                                    {BF_CONTRACT_SIGNED_ON, BF_DRAFT_SIGNED_ON, BF_FACTS_SIGNED_ON},
                                    {BF_CONTRACT_PARTIES, BF_DRAFT_PARTIES, BF_FACTS_PARTIES}};
enum { FACTS = sizeof facts / sizeof *facts };

static bool corrects(const struct bf_object *contract, const struct bf_object *draft, const struct fact *fact)
{
    return bf_has(draft, fact->draft) && !bf_value_eq(&contract->v[fact->contract], &draft->v[fact->draft]);
}

static bool corrects_any(const struct bf_object *contract, const struct bf_object *draft)
{
    bool any = false;
    for (unsigned i = 0; i < FACTS; i++)
        any = any || corrects(contract, draft, &facts[i]);
    return any;
}

enum bf_status bf_contract_draft(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *draft, const struct bf_contract_step *step,
                                 struct bf_error *e)
{
    struct bf_error faults = {0};
    bf__contract_check_facts(draft, &draft_facts, &faults);
    if (faults.status == BF_OK && corrects_any(contract, draft))
        bf_reason_check(draft, BF_DRAFT_REASON, &faults);
    if (faults.status != BF_OK) {
        *e = faults;
        return faults.status;
    }
    enum bf_status status = may_held(contract, BF_CV_NOTE, step, e);
    if (status != BF_OK)
        return status;
    bf__contract_go(contract, BF_CV_NOTE, step);
    if (!corrects_any(contract, draft)) {
        bf_unset(contract, BF_CONTRACT_DRAFT);
        return BF_OK;
    }
    struct bf_object *kept = bf_object_copy(arena, draft);
    bf_set_uuid(kept, BF_DRAFT_BY, step->who);
    bf_set_int(kept, BF_DRAFT_AT, step->now_ms);
    bf_set_object(contract, BF_CONTRACT_DRAFT, kept);
    return BF_OK;
}

/* ---- marks ---- */

static int find_mark(const struct bf_object *contract, struct bf_uuid id)
{
    struct bf_array marks = bf_get_array(contract, BF_CONTRACT_MARKS);
    for (unsigned i = 0; i < marks.n; i++) {
        struct bf_uuid of = bf_get_uuid(marks.items[i].object, BF_MARK_ID);
        if (bf_uuid_eq(&of, &id))
            return (int)i;
    }
    return -1;
}

const struct bf_object *bf_contract_find_mark(const struct bf_object *contract, struct bf_uuid mark)
{
    int at = find_mark(contract, mark);
    return at < 0 ? NULL : bf_get_array(contract, BF_CONTRACT_MARKS).items[at].object;
}

static void check_mark(const struct bf_object *contract, const struct bf_object *mark, struct bf_error *e)
{
    if (bf__contract_page_of(contract, bf_get_uuid(mark, BF_MARK_MEDIA)) < 0)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/media", "unknown", "not the present medium of a page");
    if (bf_get_int(mark, BF_MARK_X) + bf_get_int(mark, BF_MARK_W) > BF_MARK_SIDE)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/w", "too_large", "it ends beyond the right edge");
    if (bf_get_int(mark, BF_MARK_Y) + bf_get_int(mark, BF_MARK_H) > BF_MARK_SIDE)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/h", "too_large", "it ends beyond the lower edge");
}

/* The marks without the one at `leave` (-1: all), with room for one more. */
static struct bf_value *copy_marks(struct bf_arena *arena, const struct bf_object *contract, int leave, unsigned *ret_n)
{
    struct bf_array marks = bf_get_array(contract, BF_CONTRACT_MARKS);
    struct bf_value *kept = bf_arena_calloc(arena, marks.n + 1, sizeof *kept);
    *ret_n = 0;
    for (unsigned i = 0; i < marks.n; i++)
        if ((int)i != leave)
            kept[(*ret_n)++] = marks.items[i];
    return kept;
}

enum bf_status bf_contract_mark(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *mark, const struct bf_contract_step *step,
                                struct bf_error *e)
{
    struct bf_error faults = {0};
    unsigned n;
    enum bf_status status = may_held(contract, BF_CV_NOTE, step, e);
    if (status != BF_OK)
        return status;
    check_mark(contract, mark, &faults);
    if (faults.status != BF_OK) {
        *e = faults;
        return faults.status;
    }
    struct bf_value *marks = copy_marks(arena, contract, find_mark(contract, bf_get_uuid(mark, BF_MARK_ID)), &n);
    if (n == BF_CONTRACT_MARKS_MAX)
        return bf_fail_field(e, BF_E_CONFLICT, "/marks", "too_many", "a contract has %d marks at most", BF_CONTRACT_MARKS_MAX);
    bf__contract_go(contract, BF_CV_NOTE, step);
    struct bf_object *kept = bf_object_copy(arena, mark);
    bf_set_uuid(kept, BF_MARK_BY, step->who);
    bf_set_int(kept, BF_MARK_AT, step->now_ms);
    marks[n] = (struct bf_value){.type = BF_T_OBJECT, .object = kept};
    bf_set_array(contract, BF_CONTRACT_MARKS, marks, n + 1);
    return BF_OK;
}

enum bf_status bf_contract_unmark(struct bf_arena *arena, struct bf_object *contract, struct bf_uuid mark, const struct bf_contract_step *step,
                                  struct bf_error *e)
{
    unsigned n;
    int at = find_mark(contract, mark);
    enum bf_status status = may_held(contract, BF_CV_NOTE, step, e);
    if (status != BF_OK)
        return status;
    if (at < 0)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/id", "unknown", "there is no such mark");
    bf__contract_go(contract, BF_CV_NOTE, step);
    struct bf_value *marks = copy_marks(arena, contract, at, &n);
    bf_set_array(contract, BF_CONTRACT_MARKS, marks, n);
    return BF_OK;
}

/* ---- verdicts ---- */

/* The contract takes the draft's facts; what stood there is kept. False when as many corrections are kept as there may be. */
static bool take_draft(struct bf_arena *arena, struct bf_object *contract, const struct bf_contract_step *step)
{
    const struct bf_object *draft = bf_get_object(contract, BF_CONTRACT_DRAFT);
    struct bf_array before = bf_get_array(contract, BF_CONTRACT_CORRECTIONS);
    if (draft == NULL || !corrects_any(contract, draft))
        return true;
    if (before.n == BF_CONTRACT_CORRECTIONS_MAX)
        return false;
    struct bf_object *one = bf_object_create(arena, &bf_correction_schema), *old = bf_object_create(arena, &bf_facts_schema);
    for (unsigned i = 0; i < FACTS; i++) {
        if (!corrects(contract, draft, &facts[i]))
            continue;
        old->v[facts[i].before] = contract->v[facts[i].contract];
        contract->v[facts[i].contract] = draft->v[facts[i].draft];
    }
    bf_set_object(one, BF_CORRECTION_BEFORE, old);
    bf_set_str(one, BF_CORRECTION_REASON, bf_get_str(draft, BF_DRAFT_REASON));
    bf_set_uuid(one, BF_CORRECTION_BY, step->who);
    bf_set_int(one, BF_CORRECTION_AT, step->now_ms);
    struct bf_value *after = bf_arena_calloc(arena, before.n + 1, sizeof *after);
    for (unsigned i = 0; i < before.n; i++)
        after[i] = before.items[i];
    after[before.n] = (struct bf_value){.type = BF_T_OBJECT, .object = one};
    bf_set_array(contract, BF_CONTRACT_CORRECTIONS, after, before.n + 1);
    return true;
}

/* The decision is made: who made it stays, and holds it no longer. */
static void end_review(struct bf_object *contract, const struct bf_contract_step *step)
{
    bf__contract_let_go(contract);
    bf_set_uuid(contract, BF_CONTRACT_REVIEWER, step->who);
}

enum bf_status bf_contract_approve(struct bf_arena *arena, struct bf_object *contract, const struct bf_contract_step *step, struct bf_error *e)
{
    enum bf_status status = may_held(contract, BF_CV_APPROVE, step, e);
    if (status == BF_OK)
        status = check_own_pages(contract, step, e);
    if (status == BF_OK && !take_draft(arena, contract, step))
        status = bf_fail_field(e, BF_E_CONFLICT, "/corrections", "too_many", "a contract keeps %d corrections at most", BF_CONTRACT_CORRECTIONS_MAX);
    if (status != BF_OK)
        return status;
    bf__contract_go(contract, BF_CV_APPROVE, step);
    bf_unset(contract, BF_CONTRACT_DRAFT);
    bf_set_int(contract, BF_CONTRACT_APPROVED_AT, step->now_ms);
    end_review(contract, step);
    return BF_OK;
}

static void check_rejection(const struct bf_object *contract, const struct bf_object *r, struct bf_error *e)
{
    int code = bf_get_enum(r, BF_REJECTION_CODE);
    const struct bf_object *mark = bf_has(r, BF_REJECTION_MARK) ? bf_contract_find_mark(contract, bf_get_uuid(r, BF_REJECTION_MARK)) : NULL;
    int page = bf_has(r, BF_REJECTION_PAGE) ? bf_contract_find_page(contract, bf_get_uuid(r, BF_REJECTION_PAGE)) : -1;
    if (code == BF_REJECTION_CODE_IS_UNREADABLE && !bf_has(r, BF_REJECTION_PAGE))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/page", "required", "say which page is unreadable");
    if (code == BF_REJECTION_CODE_IS_OTHER && bf_text_units(bf_get_str(r, BF_REJECTION_NOTE)) == 0)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/note", "required", "say in words what is wrong");
    if (bf_has(r, BF_REJECTION_PAGE) && page < 0)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/page", "unknown", "there is no such page");
    if (bf_has(r, BF_REJECTION_MARK) && (mark == NULL || page < 0 || bf__contract_page_of(contract, bf_get_uuid(mark, BF_MARK_MEDIA)) != page))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/mark", "unknown", "there is no such mark on that page");
}

enum bf_status bf_contract_reject(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *rejection, const struct bf_contract_step *step,
                                  struct bf_error *e)
{
    struct bf_error faults = {0};
    enum bf_status status = may_held(contract, BF_CV_REJECT, step, e);
    if (status != BF_OK)
        return status;
    check_rejection(contract, rejection, &faults);
    if (faults.status != BF_OK) {
        *e = faults;
        return faults.status;
    }
    bf__contract_go(contract, BF_CV_REJECT, step);
    struct bf_object *kept = bf_object_copy(arena, rejection);
    bf_set_uuid(kept, BF_REJECTION_BY, step->who);
    bf_set_int(kept, BF_REJECTION_AT, step->now_ms);
    bf_set_object(contract, BF_CONTRACT_REJECTION, kept);
    bf_set_int(contract, BF_CONTRACT_REJECTIONS, bf_get_int(contract, BF_CONTRACT_REJECTIONS) + 1);
    end_review(contract, step);
    return BF_OK;
}

enum bf_status bf_contract_reopen(struct bf_object *contract, struct bf_str reason, const struct bf_contract_step *step, int64_t due_at, struct bf_error *e)
{
    if (bf_text_units(reason) == 0)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/reason", "required", "say why it is opened again");
    enum bf_status status = bf__contract_may(contract, BF_CV_REOPEN, step, e);
    if (status != BF_OK)
        return status;
    bf__contract_go(contract, BF_CV_REOPEN, step);
    bf_unset(contract, BF_CONTRACT_APPROVED_AT);
    bf_set_int(contract, BF_CONTRACT_DUE_AT, due_at);
    bf__contract_let_go(contract);
    return BF_OK;
}
