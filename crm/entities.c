/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/entities.h"

#define X(word_, text, zh_, en_) {.word = text, .zh = zh_, .en = en_},
#define E(NAME, name_)                                                                                                                   \
    static const struct bf_word name_##_words[] = {BF_##NAME##_WORDS(X)};                                                                \
    const struct bf_enum bf_enum_##name_ = {.name = #name_, .words = name_##_words, .n_words = sizeof name_##_words / sizeof *name_##_words};
BF_ENUM_MAP(E)
#undef E
#undef X

#define F(row, ...) BF_FIELD(__VA_ARGS__),
#define E(NAME, name_) static const struct bf_field name_##_fields[] = {BF_##NAME##_FIELDS(F)};
BF_ENTITY_MAP(E)
#undef E
#undef F

#define SCHEMA(name_, zh_, en_)                                                                                                          \
    const struct bf_schema bf_##name_##_schema = {.name = #name_, .zh = (zh_), .en = (en_), .version = 1, .fields = name_##_fields,      \
                                                  .n_fields = sizeof name_##_fields / sizeof *name_##_fields};
SCHEMA(tenant, "公司", "Company")
SCHEMA(team, "团队", "Team")
SCHEMA(user, "用户", "User")
SCHEMA(customer, "客户", "Customer")
SCHEMA(primary_contact, "主要联系人", "Primary contact")
SCHEMA(contact, "联系人", "Contact")
SCHEMA(next_step, "下一步", "Next step")
SCHEMA(visit_media, "附件", "Medium of a visit")
SCHEMA(visit, "跟进记录", "Visit")
SCHEMA(verdict, "判定", "Verdict")
SCHEMA(supplement, "补充说明", "Supplement")
SCHEMA(variant, "衍生版本", "Variant")
SCHEMA(legibility, "可读性", "Legibility")
SCHEMA(media, "媒体", "Medium")
SCHEMA(transcript, "转写", "Transcript")
SCHEMA(subscription, "推送订阅", "Push subscription")
SCHEMA(device, "设备", "Device")
SCHEMA(reminder, "提醒", "Reminder")
SCHEMA(digest_line, "简报明细", "Line of a digest")
SCHEMA(digest, "简报", "Digest")
SCHEMA(notification, "通知", "Notification")
SCHEMA(channel_target, "通知渠道", "Channel of a company")
SCHEMA(ways, "通知方式", "By which ways")
SCHEMA(money, "金额", "Amount of money")
SCHEMA(facts, "合同要素", "What a contract says")
SCHEMA(contract_page, "合同页", "Page of a contract")
SCHEMA(mark, "标注", "Mark on a page")
SCHEMA(rejection, "退回", "Rejection")
SCHEMA(draft, "审核草稿", "Reviewer's draft")
SCHEMA(correction, "更正", "Correction")
SCHEMA(task, "任务", "Task")
SCHEMA(cadence, "跟进周期", "Follow-up cadence")
SCHEMA(contract, "合同", "Contract")
SCHEMA(review, "审核记录", "Review")
SCHEMA(policy, "制度", "Policy")
SCHEMA(calendar, "工作日历", "Year of the working-day calendar")
SCHEMA(key, "唯一键", "Business key")
SCHEMA(counter, "计数", "Counter")
SCHEMA(capture, "采集进度", "Capture state")

bool bf_customer_is_full(const struct bf_object *customer) { return !bf_has(customer, BF_CUSTOMER_CONTACT_REFUSED); }
