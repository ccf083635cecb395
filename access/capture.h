/* SPDX-License-Identifier: Apache-2.0 */
/* In a decision: notes the capture number of an installation (crm/capture.h), for visits, supplements and uploads. */
#pragma once
#include "access/caller.h"
#include "storage/commit.h"

/* The read set holds (bf_captures, bf_id_capture(tenant, device)). BF_E_UNPROCESSABLE at /device when the installation is another person's. */
enum bf_status bf_decide_capture(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_caller *caller,
                                 struct bf_uuid device, int64_t seq, struct bf_error *e);
