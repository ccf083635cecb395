/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told of a contract's review (G-05): the rep that it was sent back, with page, reason, words and mark; the rep and the supervisors that
 * it was approved. In the language of whom it tells. Pure. Any thread. */
#pragma once
#include "core/doc.h"

struct bf_arena;

/* `kind`: BF_NOTIFICATION_KIND_IS_RETAKE or _APPROVED. `contract` is as the verdict left it; `customer` and `user` (whom it tells) are whole records. */
struct bf_doc *bf_contract_notice(struct bf_arena *arena, struct bf_uuid id, const struct bf_doc *contract, const struct bf_doc *customer,
                                  const struct bf_doc *user, int kind, int64_t now_ms);
