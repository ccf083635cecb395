/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about contracts share: gateway/contracts.c (the rep's side), contract_reviews.c (the reviewer's), review_queue.c, contract_jobs.c. Not for
 * other modules. docs/CONTRACTS.md has the picture. */
#pragma once
#include "crm/calendar.h"
#include "crm/contract.h"
#include "gateway/names.h"

/* ---- time ---- */

/* What a contract's dates are reckoned by (G-02, G-05): the company's zone, numbers and calendar. */
void bf__review_clock_reads(struct bf_uuid tenant, int64_t now_ms, struct bf_reads *reads);
struct bf__review_clock {
    struct bf_company company;
    int64_t lease_ms, due_at, reserved_until; /* from now_ms on */
};
struct bf__review_clock bf__review_clock_in(const struct bf_view *view, struct bf_arena *arena, int64_t now_ms);

/* The step of `who` in a decision, whose read set holds the contract's lease. */
void bf__lease_reads(struct bf_uuid contract, struct bf_reads *reads);
struct bf_contract_step bf__step_in(const struct bf_view *view, const struct bf_doc *contract, struct bf_uuid who, int64_t now_ms);
/* The same outside a decision. `lease` NULL: there is none. */
struct bf_contract_step bf__step_of(const struct bf_doc *contract, const struct bf_doc *lease, struct bf_uuid who, int64_t now_ms);

/* In a decision: awaits no page any more, its media being in the read set? Then goes into the queue. */
void bf__complete_if_ready(const struct bf_view *view, struct bf_doc *contract, const struct bf_contract_step *step, const struct bf__review_clock *clock);

/* ---- names ---- */

void bf__names_add_contract(struct bf__names *names, const struct bf_object *contract);

/* ---- what happens by itself ---- */
struct bf_job_runner *bf__contract_jobs_create(struct bf_gateway *gateway);
struct bf_consumer bf__contract_jobs_consumer(struct bf_gateway *gateway);
