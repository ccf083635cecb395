/* SPDX-License-Identifier: Apache-2.0 */
/* All collections of Baifang with their indexes, in one place: handed to bf_store_open. Order of a list is the order of an index. */
#pragma once
#include "crm/entities.h"
#include "storage/storage.h"

/* Logged (change only through bf_submit). */
extern const struct bf_collection bf_tenants, bf_teams, bf_users, bf_customers, bf_contacts, bf_visits, bf_verdicts, bf_supplements, bf_media,
    bf_transcripts, bf_devices, bf_reminders, bf_notifications, bf_preferences, bf_channel_targets, bf_tasks, bf_cadences, bf_contracts, bf_reviews, bf_policies, bf_calendars, bf_keys, bf_counters, bf_captures;
/* Not logged: sign-in, the view log, and until when a claim was renewed. */
extern const struct bf_collection bf_credentials, bf_sessions, bf_views, bf_leases;

/* Indexes that queries name. */
extern const struct bf_index bf_customers_by_owner, bf_customers_by_team, bf_customers_by_sort; /* (owner, sort), (team, sort), (sort) */
extern const struct bf_index bf_customers_by_team_owner;                                       /* (team, owner, sort) */
extern const struct bf_index bf_contacts_by_customer;                                          /* (customer) */
extern const struct bf_index bf_contacts_by_owner, bf_contacts_by_team;
extern const struct bf_index bf_visits_by_owner, bf_visits_by_team, bf_visits_by_time, bf_visits_by_customer, bf_visits_by_rep; /* (.., happened_at) */
extern const struct bf_index bf_visits_by_team_rep;                                            /* (team, rep, happened_at) */
extern const struct bf_index bf_verdicts_by_visit, bf_verdicts_by_owner, bf_verdicts_by_team; /* the second: (owner, validity, judged_at) */
extern const struct bf_index bf_supplements_by_visit, bf_supplements_by_owner, bf_supplements_by_team;
extern const struct bf_index bf_media_by_visit, bf_media_by_owner, bf_media_by_team, bf_media_by_sha256, bf_media_by_device; /* (sha256, uploader, state), (device, state) */
extern const struct bf_index bf_transcripts_by_visit, bf_transcripts_by_owner, bf_transcripts_by_team;
extern const struct bf_index bf_media_by_contract;                                             /* (contract) */
extern const struct bf_index bf_contracts_by_owner, bf_contracts_by_team, bf_contracts_by_time, bf_contracts_by_customer; /* (.., created_at) */
extern const struct bf_index bf_contracts_by_state, bf_contracts_by_team_state;                /* ([team,] state, complete_at): the queue */
extern const struct bf_index bf_tasks_by_assignee, bf_tasks_by_team, bf_tasks_by_due;               /* ([assignee | team,] due_at) */
extern const struct bf_index bf_cadences_by_owner, bf_cadences_by_team;                         /* (owner | team, due_at) */
extern const struct bf_index bf_tasks_by_assignee_state, bf_contracts_by_owner_state;          /* (assignee, state, due_at), (owner, state, updated_at) */
extern const struct bf_index bf_reviews_by_contract, bf_reviews_by_reviewer;                   /* (contract, at), (reviewer, at) */
extern const struct bf_index bf_devices_by_user;
extern const struct bf_index bf_reminders_by_user;                       /* (user, send_at) */
extern const struct bf_index bf_notifications_by_user;                   /* (user, created_at) */
extern const struct bf_index bf_channel_targets_by_state;                /* (state, created_at) */
extern const struct bf_index bf_users_by_team, bf_users_by_login, bf_teams_by_path, bf_sessions_by_user, bf_views_by_user;

/* Every collection, for bf_store_open. */
enum { BF_COLLECTIONS = 28 };
extern const struct bf_collection *const bf_collections[BF_COLLECTIONS];

/* ---- schemas of the collections outside the log ---- */

/* A password's hash; id = the user's. */
#define BF_CREDENTIAL_FIELDS(F)                                                                                                          \
    F(HASH, "hash", STRING, BF_F_HIDDEN | BF_F_SECRET, 0, 200, PERSONAL, "密码散列", "Password hash")                                    \
    F(MUST_CHANGE, "must_change", BOOL, BF_F_HIDDEN, 0, 0, NORMAL, "须修改", "Must be changed")                                          \
    F(CHANGED_AT, "changed_at", TIME, BF_F_HIDDEN, 0, 0, NORMAL, "修改时间", "Changed")                                                  \
    /* a demo's account (G-24): neither the first password nor an old one must be changed */                                           \
    F(EXEMPT, "exempt", BOOL, BF_F_HIDDEN, 0, 0, NORMAL, "免改密码", "Exempt")

/* A signed-in installation. Tokens are stored as SHA-256 only. */
#define BF_SESSION_FIELDS(F)                                                                                                             \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "用户", "User")                                                                     \
    F(DEVICE, "device", UUID, BF_F_SERVER, 0, 0, NORMAL, "设备", "Device")                                                               \
    F(DEVICE_NAME, "device_name", STRING, BF_F_SERVER, 0, 80, NORMAL, "设备名称", "Device name")                                         \
    F(PLATFORM, "platform", ENUM, BF_F_SERVER, 0, 0, NORMAL, "平台", "Platform", .words = &bf_enum_platform)                             \
    F(PEER, "peer", STRING, BF_F_SERVER, 0, 64, PERSONAL, "登录地址", "Address at sign-in")                                              \
    F(EPOCH, "epoch", INT, BF_F_HIDDEN, 0, INT64_MAX, NORMAL, "会话代", "User's epoch at sign-in")                                       \
    F(FAMILY, "family", SHA256, BF_F_HIDDEN | BF_F_SECRET, 0, 0, NORMAL, "令牌族", "Hash of the family's tag")                           \
    F(REFRESH, "refresh", SHA256, BF_F_HIDDEN | BF_F_SECRET, 0, 0, NORMAL, "刷新令牌", "Hash of the current refresh token")              \
    F(REFRESH_BEFORE, "refresh_before", SHA256, BF_F_HIDDEN | BF_F_SECRET, 0, 0, NORMAL, "前一刷新令牌", "Hash of its predecessor")      \
    F(ACCESS, "access", SHA256, BF_F_HIDDEN | BF_F_SECRET, 0, 0, NORMAL, "访问令牌", "Hash of the current access token")                 \
    F(ACCESS_UNTIL, "access_until", TIME, BF_F_HIDDEN, 0, 0, NORMAL, "访问令牌期限", "Until")                                            \
    F(ACCESS_BEFORE, "access_before", SHA256, BF_F_HIDDEN | BF_F_SECRET, 0, 0, NORMAL, "前一访问令牌", "Hash of the one before")         \
    F(ACCESS_BEFORE_UNTIL, "access_before_until", TIME, BF_F_HIDDEN, 0, 0, NORMAL, "期限", "Until")                                      \
    F(MUST_CHANGE, "must_change", BOOL, BF_F_HIDDEN, 0, 0, NORMAL, "须修改密码", "Password must be changed first")                        \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "登录时间", "Signed in")                                                \
    F(USED_AT, "used_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "最近刷新", "Last refreshed")                                                 \
    /* by the policy at that time; a session of an older build has none until it is refreshed */                                        \
    F(IDLE_ENDS_AT, "idle_ends_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "闲置结束", "Ends when it stays unused")                            \
    F(ENDS_AT, "ends_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "最晚结束", "Ends at the latest")

/* Who saw what (AUD-01, AUD-02): append-only. A document is one view, and in `more` those that the session had in the second after it. */
#define BF_LATER_VIEW_FIELDS(F)                                                                                                          \
    F(AT, "at", TIME, BF_F_SERVER, 0, 0, NORMAL, "时间", "When")                                                                         \
    F(ENTITY, "entity", STRING, BF_F_SERVER, 0, 40, NORMAL, "类型", "What kind of record")                                               \
    F(ACTION, "action", STRING, BF_F_SERVER, 0, 40, NORMAL, "方式", "How: read, list, changes, events, or the media variant")            \
    F(RECORDS, "records", ARRAY, BF_F_SERVER, 0, 200, NORMAL, "记录", "Records", .elem = BF_T_UUID)                                      \
    F(TRACE, "trace", STRING, BF_F_SERVER, 0, 32, NORMAL, "追踪号", "Trace id")
#define BF_VIEW_FIELDS(F)                                                                                                                \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "查看人", "Who")                                                                    \
    F(SESSION, "session", UUID, BF_F_SERVER, 0, 0, NORMAL, "会话", "Session")                                                            \
    BF_LATER_VIEW_FIELDS(F)                                                                                                              \
    F(MORE, "more", ARRAY, BF_F_SERVER, 0, 255, NORMAL, "随后查看", "Later views", .elem = BF_T_OBJECT, .sub = &bf_later_view_schema)

/* A claim of a contract, renewed by use (G-05): no business of the log's. Its id is the contract's. */
#define BF_LEASE_FIELDS(F)                                                                                                               \
    F(CLAIM, "claim", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "领取次数", "Which claim of the contract")                                 \
    F(UNTIL, "until", TIME, BF_F_SERVER, 0, 0, NORMAL, "有效期", "Held until")

#define F(row, ...) BF_CREDENTIAL_##row,
enum bf_credential_row { BF_CREDENTIAL_FIELDS(F) BF_CREDENTIAL_ROWS };
#undef F
#define F(row, ...) BF_SESSION_##row,
enum bf_session_row { BF_SESSION_FIELDS(F) BF_SESSION_ROWS };
#undef F
#define F(row, ...) BF_LATER_VIEW_##row,
enum bf_later_view_row { BF_LATER_VIEW_FIELDS(F) BF_LATER_VIEW_ROWS };
#undef F
#define F(row, ...) BF_VIEW_##row,
enum bf_view_row { BF_VIEW_FIELDS(F) BF_VIEW_ROWS };
#undef F
#define F(row, ...) BF_LEASE_##row,
enum bf_lease_row { BF_LEASE_FIELDS(F) BF_LEASE_ROWS };
#undef F
extern const struct bf_schema bf_credential_schema, bf_session_schema, bf_view_schema, bf_later_view_schema, bf_lease_schema;
