/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of crm/contract.h share. Not for other modules. */
#pragma once
#include "crm/contract.h"
#include "crm/entities.h"

/* Where the facts stand in a contract, and in a draft. */
struct bf__facts_rows {
    unsigned number, amount, signed_on, parties;
};
#define BF__CONTRACT_FACTS {BF_CONTRACT_NUMBER, BF_CONTRACT_AMOUNT, BF_CONTRACT_SIGNED_ON, BF_CONTRACT_PARTIES}
#define BF__DRAFT_FACTS    {BF_DRAFT_NUMBER, BF_DRAFT_AMOUNT, BF_DRAFT_SIGNED_ON, BF_DRAFT_PARTIES}

/* Adds the faults of the facts that are there. */
void bf__contract_check_facts(const struct bf_object *o, const struct bf__facts_rows *rows, struct bf_error *e);
/* Is the step in the table? Else says why not. */
enum bf_status bf__contract_may(const struct bf_object *contract, enum bf_contract_verb verb, const struct bf_contract_step *step, struct bf_error *e);
/* Takes it, after all else was judged: what is refused leaves the contract as it was. */
void bf__contract_go(struct bf_object *contract, enum bf_contract_verb verb, const struct bf_contract_step *step);
void bf__contract_let_go(struct bf_object *contract); /* nobody holds it */
bool bf__contract_has_uploader(const struct bf_object *contract, struct bf_uuid who);
int bf__contract_page_of(const struct bf_object *contract, struct bf_uuid media); /* whose present medium it is; -1: no page's */
