/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/account.h"
#include "crm/entities.h"

static const int64_t minute_ms = 60 * 1000, day_ms = 24 * 60 * 60 * 1000;

bool bf_password_is_due(const struct bf_object *policy, int64_t changed_at, int64_t now_ms)
{
    int64_t days = bf_get_int(policy, BF_POLICY_PASSWORD_DAYS_MAX);
    return days > 0 && now_ms >= changed_at + days * day_ms;
}

int64_t bf_session_idle_ms(const struct bf_object *policy, int platform)
{
    bool is_phone = platform == BF_PLATFORM_IS_ANDROID || platform == BF_PLATFORM_IS_IOS;
    return is_phone ? bf_get_int(policy, BF_POLICY_IDLE_DAYS_MAX) * day_ms : bf_get_int(policy, BF_POLICY_IDLE_WEB_MINUTES_MAX) * minute_ms;
}
