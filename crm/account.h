/* SPDX-License-Identifier: Apache-2.0 */
/* How long a password and an unused session hold (G-10). `policy` is full (crm/policy.h). Pure. Any thread. */
#pragma once
#include "core/doc.h"

/* The password is as old as the policy lets it become (0 days: for good): it must be changed before anything else. */
bool bf_password_is_due(const struct bf_object *policy, int64_t changed_at, int64_t now_ms);

/* How long a session may stay unused. `platform`: BF_PLATFORM_IS_..., or -1 of a session that names no device, which is trusted like a browser. */
int64_t bf_session_idle_ms(const struct bf_object *policy, int platform);
