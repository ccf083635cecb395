/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a company's channels, and of what a person wants to be told by which way; a part of crm/entities.h, which includes it. */
#pragma once

/* Where a person's notifications of some kinds go beside phones and mail: an administrator sets it up. */
#define BF_CHANNEL_TARGET_FIELDS(F)                                                                                                      \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "接收人", "Whose notifications it carries")                                         \
    F(KIND, "kind", ENUM, BF_F_SERVER, 0, 0, NORMAL, "渠道", "Channel", .words = &bf_enum_channel_kind)                                  \
    F(NAME, "name", STRING, BF_F_SERVER, 1, 80, NORMAL, "名称", "Name")                                                                  \
    F(ADDRESS, "address", STRING, BF_F_SERVER | BF_F_HIDDEN | BF_F_SECRET, 1, 1000, NORMAL, "地址", "URL, or the robot's key")           \
    F(SECRET, "secret", BYTES, BF_F_SERVER | BF_F_HIDDEN | BF_F_SECRET, 32, 32, NORMAL, "签名密钥", "What a webhook is signed with")     \
    F(KINDS, "kinds", ARRAY, BF_F_SERVER, 1, 50, NORMAL, "通知类型", "Kinds of notifications", .elem = BF_T_ENUM,                        \
      .words = &bf_enum_notification_kind)                                                                                              \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf_enum_push_state)                                    \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")

/* Of one kind of notification. */
#define BF_WAYS_FIELDS(F)                                                                                                                \
    F(PUSH, "push", BOOL, 0, 0, 0, NORMAL, "手机推送", "By push")                                                                        \
    F(MAIL, "mail", BOOL, 0, 0, 0, NORMAL, "邮件", "By mail")

#define BF_CHANNEL_KIND_WORDS(X)                                                                                                         \
    X(WEBHOOK, "webhook", "签名回调", "Signed webhook")                                                                                  \
    X(WECOM, "wecom", "企业微信群机器人", "WeCom group robot")
