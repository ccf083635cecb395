/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contracts and their review (CON-02, CON-03, G-05): what a contract must satisfy to be saved, the table of its states, and one function for each step
 * in it. docs/CONTRACTS.md has the picture. Rights (who may try) are crm/permission.h's; what is here is what the state, the claim and the pages allow.
 * Pure. Any thread.
 *
 * A step that the state does not allow is BF_E_CONFLICT with field "/state", whose detail names the state and what is allowed.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_arena;

enum bf_contract_verb {
    BF_CV_CHANGE,   /* facts or pages, by the rep: the pages are looked at anew */
    BF_CV_COMPLETE, /* all pages have arrived and could be decoded */
    BF_CV_CLAIM,
    BF_CV_RELEASE, /* given back, or the lease is over */
    BF_CV_NOTE,    /* a draft or a mark */
    BF_CV_APPROVE,
    BF_CV_REJECT,
    BF_CV_REOPEN,
    BF_CV_SUPERSEDE,
    BF_CV_COUNT
};

/* The next state (BF_CONTRACT_STATE_IS_...); -1: not allowed. */
int bf_contract_next(int state, enum bf_contract_verb verb);

/* Who acts, and when. `renewed_until`: of the lease record of the contract's present claim; 0: none. The contract's own claimed_until counts beside it. */
struct bf_contract_step {
    struct bf_uuid who;
    int64_t now_ms, renewed_until;
};

/* The state at that time: a claim whose lease is over is none. */
int bf_contract_state(const struct bf_object *contract, const struct bf_contract_step *step);
int64_t bf_contract_held_until(const struct bf_object *contract, const struct bf_contract_step *step);

/* ---- the rep's side ---- */

/* Faults, all reported together as BF_E_UNPROCESSABLE:
 *   /number, /parties/N        blank
 *   /amount/currency           bad_currency      no ISO 4217 code (G-17)
 *   /pages/N/id, /pages/N/media duplicate
 *   /pages/N/type              unsupported_type  no photo (CON-03, G-04)
 *   /device                    required          without capture_seq, or that without it (G-01) */
enum bf_status bf_contract_check(const struct bf_object *contract, struct bf_error *e);

/* What the server adds to a new one, which then awaits its pages: owner and team of the customer, uploader, versions. */
void bf_contract_begin(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *customer, const struct bf_contract_step *step);

/* A change by the rep; `after` is the patch merged into `before`. A page with another medium is its next version, one that is left out is removed; marks
 * on media that are no page's any more go with them. Changed facts need a reason (D-03). Judges `after` as bf_contract_check does; further
 *   /pages/N/sha256            immutable         another hash under the same medium
 *   /pages                     too_many          people gave pages of it
 *   ""                         no_change
 * On success it awaits its pages; call bf_contract_complete when they are there already. */
enum bf_status bf_contract_change(struct bf_arena *arena, const struct bf_object *before, const struct bf_object *patch, struct bf_object *after,
                                  const struct bf_contract_step *step, struct bf_error *e);

/* The medium of page `i`, awaited. */
struct bf_doc *bf_contract_medium(struct bf_arena *arena, const struct bf_doc *contract, unsigned i, const struct bf_contract_step *step);

/* All pages are ready: what awaited them goes into the queue. `due_at` and `reserved_until` count from step->now_ms (G-02): one working day; four working
 * hours for the reviewer who sent it back. False when it did not await pages. */
bool bf_contract_complete(struct bf_object *contract, const struct bf_contract_step *step, int64_t due_at, int64_t reserved_until);

/* Another contract takes its place. */
enum bf_status bf_contract_supersede(struct bf_object *contract, struct bf_uuid by, const struct bf_contract_step *step, struct bf_error *e);

/* ---- the reviewer's side ---- */

/* `lease_ms`: of the policy. BF_E_CONFLICT: claimed by somebody else (field "/reviewer"), reserved for somebody else ("/reserved_for"); BF_E_FORBIDDEN: the
 * reviewer gave a page of it. Whoever holds it already keeps it, with a new lease. */
enum bf_status bf_contract_claim(struct bf_object *contract, const struct bf_contract_step *step, int64_t lease_ms, struct bf_error *e);

/* The following demand the claim: BF_E_CONFLICT, field "/reviewer", for who does not hold it (any more). */
enum bf_status bf_contract_hold(const struct bf_object *contract, const struct bf_contract_step *step, struct bf_error *e);
enum bf_status bf_contract_release(struct bf_object *contract, const struct bf_contract_step *step, struct bf_error *e);
/* The lease is over: the contract is given back. False when it is not. */
bool bf_contract_expire(struct bf_object *contract, const struct bf_contract_step *step);
/* Replaces the draft; an empty one (no fact) takes it away. Judged as facts are; a fact that differs needs /reason. */
enum bf_status bf_contract_draft(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *draft, const struct bf_contract_step *step,
                                 struct bf_error *e);
/* Adds a mark, or replaces the one of that id. BF_E_UNPROCESSABLE: /media unknown (not a page's present medium), /w and /h too_large (beyond the edge);
 * BF_E_CONFLICT, field "/marks": there are as many as there may be. */
enum bf_status bf_contract_mark(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *mark, const struct bf_contract_step *step,
                                struct bf_error *e);
enum bf_status bf_contract_unmark(struct bf_arena *arena, struct bf_object *contract, struct bf_uuid mark, const struct bf_contract_step *step,
                                  struct bf_error *e);
/* The draft becomes the facts; what it replaces is kept in corrections. BF_E_FORBIDDEN: the reviewer gave a page of it (G-05). */
enum bf_status bf_contract_approve(struct bf_arena *arena, struct bf_object *contract, const struct bf_contract_step *step, struct bf_error *e);
/* BF_E_UNPROCESSABLE: /page required (unreadable) or unknown, /note required (other), /mark unknown or not on that page. */
enum bf_status bf_contract_reject(struct bf_arena *arena, struct bf_object *contract, const struct bf_object *rejection, const struct bf_contract_step *step,
                                  struct bf_error *e);
/* An approval is taken back, to be reviewed again in its old place. */
enum bf_status bf_contract_reopen(struct bf_object *contract, struct bf_str reason, const struct bf_contract_step *step, int64_t due_at, struct bf_error *e);

/* ---- what others read of it ---- */

/* The page by id; -1: none. */
int bf_contract_find_page(const struct bf_object *contract, struct bf_uuid page);
/* The mark of that id; NULL: none. */
const struct bf_object *bf_contract_find_mark(const struct bf_object *contract, struct bf_uuid mark);
