/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/policy.h"
#include "core/arena.h"
#include "core/text.h"
#include "crm/entities.h"
#include "crm/reason.h"
#include <stdio.h>

/* ---- the numbers, each with the rule that states it ---- */

struct number {
    unsigned row;
    int64_t value;
};

static const struct number numbers[] = {
    {BF_POLICY_MIN_UNITS, 8},             /* FUP-09, G-19 */
    {BF_POLICY_WEEK_QUOTA, 5},            /* FUP-15 */
    {BF_POLICY_TIMELY_NEXT_DAY_HOUR, 12}, /* ENT-03, G-02 */
    {BF_POLICY_SKEW_MS_MAX, 300000},      /* G-01: 5 minutes */
    {BF_POLICY_LATE_HOURS_MAX, 72},       /* G-01 */
    {BF_POLICY_QUIET_FROM_HOUR, 21},      /* G-12 */
    {BF_POLICY_QUIET_TO_HOUR, 8},         /* G-12 */
    {BF_POLICY_WORK_FROM_HOUR, 9},        /* G-02 */
    {BF_POLICY_WORK_TO_HOUR, 18},         /* G-02 */
    {BF_POLICY_CADENCE_DAYS_A, 7},        /* GRD-02 */
    {BF_POLICY_CADENCE_DAYS_B, 14},       /* GRD-03 */
    {BF_POLICY_CADENCE_DAYS_C, 30},       /* GRD-04 */
    {BF_POLICY_PASSWORD_CHARS_MIN, 12},   /* G-10 */
    {BF_POLICY_PASSWORD_DAYS_MAX, 90},    /* G-10 */
    {BF_POLICY_DEVICES_MAX, 3},           /* G-10 */
    {BF_POLICY_REVIEW_LEASE_MINUTES, 30}, /* G-05 */
    {BF_POLICY_REVIEW_DUE_DAYS, 1},       /* G-05 */
    {BF_POLICY_REVIEW_RESERVED_HOURS, 4}, /* G-05 */
    {BF_POLICY_IDLE_DAYS_MAX, 15},        /* G-10 */
    {BF_POLICY_IDLE_WEB_MINUTES_MAX, 30}, /* G-10 */
    {BF_POLICY_IDLE_REP_DAYS, 14},        /* D-02 */
};

static const bool consent_required = true; /* G-04 */

/* FUP-11 names these three. */
static const char *const banned_phrases[] = {"没找到人", "外出", "沟通"};

/* FUP-10: need, channel, budget, progress of the pursuit, in the words that such records use. */
static const char *const topic_words[] = {
    "需求",     "需要",     "想要", "要求",    "痛点",                    /* need */
    "渠道",     "来源",     "介绍", "代理",    "经销",                    /* channel */
    "预算",     "价格",     "报价", "费用",    "成本",   "折扣",  "金额", /* budget */
    "进展",     "进度",     "跟单", "方案",    "合同",   "签约",  "样品",   "试用",    "演示", "招标",  "交付",     "付款",
    "订单",     "采购", /* progress */
    "need",     "require",  "want", "channel", "referr", "agent", "budget", "price",   "quot", "cost",  "discount", "progress",
    "proposal", "contract", "sign", "sample",  "trial",  "demo",  "tender", "deliver", "pay",  "order", "purchas",
};

static void fill_words(struct bf_arena *arena, struct bf_object *policy, unsigned row, const char *const *words, unsigned n)
{
    if (bf_has(policy, row))
        return;
    struct bf_value *items = bf_arena_calloc(arena, n, sizeof *items);
    for (unsigned i = 0; i < n; i++)
        items[i] = (struct bf_value){.type = BF_T_STRING, .s = bf_strz(words[i])};
    bf_set_array(policy, row, items, n);
}

void bf_policy_fill(struct bf_arena *arena, struct bf_object *policy)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!bf_has(policy, numbers[i].row))
            bf_set_int(policy, numbers[i].row, numbers[i].value);
    if (!bf_has(policy, BF_POLICY_CONSENT_REQUIRED))
        bf_set_bool(policy, BF_POLICY_CONSENT_REQUIRED, consent_required);
    if (!bf_has(policy, BF_POLICY_VERSION))
        bf_set_int(policy, BF_POLICY_VERSION, 1);
    fill_words(arena, policy, BF_POLICY_BANNED_PHRASES, banned_phrases, sizeof banned_phrases / sizeof *banned_phrases);
    fill_words(arena, policy, BF_POLICY_TOPIC_WORDS, topic_words, sizeof topic_words / sizeof *topic_words);
}

struct bf_object *bf_policy_create(struct bf_arena *arena)
{
    struct bf_object *policy = bf_object_create(arena, &bf_policy_schema);
    bf_policy_fill(arena, policy);
    return policy;
}

/* A blank phrase would equal every empty text, and a blank topic word be found in every text. */
static void check_words(const struct bf_object *policy, unsigned row, struct bf_error *e)
{
    struct bf_array words = bf_get_array(policy, row);
    for (unsigned i = 0; i < words.n; i++) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/%s/%u", policy->schema->fields[row].name, i);
        if (bf_text_units(words.items[i].s) == 0)
            bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, "blank", "a word or phrase of the policy says something");
    }
}

/* What a patch takes away is the default again. */
static int64_t number_of(const struct bf_object *policy, unsigned row)
{
    size_t i = 0;
    while (numbers[i].row != row)
        i++;
    return bf_has(policy, row) ? bf_get_int(policy, row) : numbers[i].value;
}

static void check_hours(const struct bf_object *policy, struct bf_error *e)
{
    if (number_of(policy, BF_POLICY_WORK_FROM_HOUR) >= number_of(policy, BF_POLICY_WORK_TO_HOUR))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/work_to_hour", "too_small", "a working day ends after it begins");
}

enum bf_status bf_policy_change(const struct bf_object *before, const struct bf_object *patch, struct bf_object *after, int64_t now_ms,
                                struct bf_error *e)
{
    struct bf_error faults = {0};
    bf_reason_check(patch, BF_POLICY_REASON, &faults);
    bf_reason_check_effect(before, after, BF_POLICY_REASON, &faults);
    check_words(after, BF_POLICY_BANNED_PHRASES, &faults);
    check_words(after, BF_POLICY_TOPIC_WORDS, &faults);
    check_hours(after, &faults);
    if (faults.status != BF_OK) {
        *e = faults;
        return e->status;
    }
    bf_set_int(after, BF_POLICY_VERSION, bf_get_int(before, BF_POLICY_VERSION) + 1);
    bf_set_int(after, BF_POLICY_CHANGED_AT, now_ms);
    return BF_OK;
}
