/* SPDX-License-Identifier: Apache-2.0 */
#include "access/collections.h"
#include "crm/preference.h"

#define INDEX(name_, label, ...)                                                                                                         \
    const struct bf_index name_ = {.name = label, .fields = {__VA_ARGS__}, .n_fields = sizeof((int[]){__VA_ARGS__}) / sizeof(int)}

INDEX(bf_customers_by_owner, "owner", BF_CUSTOMER_OWNER, BF_CUSTOMER_SORT);
INDEX(bf_customers_by_team, "team", BF_CUSTOMER_TEAM, BF_CUSTOMER_SORT);
INDEX(bf_customers_by_sort, "sort", BF_CUSTOMER_SORT);
INDEX(bf_customers_by_team_owner, "team_owner", BF_CUSTOMER_TEAM, BF_CUSTOMER_OWNER, BF_CUSTOMER_SORT);
INDEX(bf_contacts_by_customer, "customer", BF_CONTACT_CUSTOMER);
INDEX(bf_contacts_by_owner, "owner", BF_CONTACT_OWNER);
INDEX(bf_contacts_by_team, "team", BF_CONTACT_TEAM);
INDEX(bf_visits_by_owner, "owner", BF_VISIT_OWNER, BF_VISIT_HAPPENED_AT);
INDEX(bf_visits_by_team, "team", BF_VISIT_TEAM, BF_VISIT_HAPPENED_AT);
INDEX(bf_visits_by_time, "time", BF_VISIT_HAPPENED_AT);
INDEX(bf_visits_by_customer, "customer", BF_VISIT_CUSTOMER, BF_VISIT_HAPPENED_AT);
INDEX(bf_visits_by_rep, "rep", BF_VISIT_REP, BF_VISIT_HAPPENED_AT);
INDEX(bf_visits_by_team_rep, "team_rep", BF_VISIT_TEAM, BF_VISIT_REP, BF_VISIT_HAPPENED_AT);
INDEX(bf_verdicts_by_visit, "visit", BF_VERDICT_VISIT);
INDEX(bf_verdicts_by_owner, "owner", BF_VERDICT_OWNER, BF_VERDICT_VALIDITY, BF_VERDICT_JUDGED_AT);
INDEX(bf_verdicts_by_team, "team", BF_VERDICT_TEAM);
INDEX(bf_supplements_by_visit, "visit", BF_SUPPLEMENT_VISIT, BF_SUPPLEMENT_RECEIVED_AT);
INDEX(bf_supplements_by_owner, "owner", BF_SUPPLEMENT_OWNER, BF_SUPPLEMENT_RECEIVED_AT);
INDEX(bf_supplements_by_team, "team", BF_SUPPLEMENT_TEAM, BF_SUPPLEMENT_RECEIVED_AT);
INDEX(bf_media_by_visit, "visit", BF_MEDIA_VISIT);
INDEX(bf_media_by_owner, "owner", BF_MEDIA_OWNER);
INDEX(bf_media_by_team, "team", BF_MEDIA_TEAM);
INDEX(bf_media_by_sha256, "sha256_uploader", BF_MEDIA_SHA256, BF_MEDIA_UPLOADER, BF_MEDIA_STATE);
INDEX(bf_media_by_device, "device", BF_MEDIA_DEVICE, BF_MEDIA_STATE);
INDEX(bf_media_by_contract, "contract", BF_MEDIA_CONTRACT);
INDEX(bf_transcripts_by_visit, "visit", BF_TRANSCRIPT_VISIT);
INDEX(bf_transcripts_by_owner, "owner", BF_TRANSCRIPT_OWNER);
INDEX(bf_transcripts_by_team, "team", BF_TRANSCRIPT_TEAM);
INDEX(bf_devices_by_user, "user", BF_DEVICE_USER);
INDEX(bf_reminders_by_user, "user", BF_REMINDER_USER, BF_REMINDER_SEND_AT);
INDEX(bf_notifications_by_user, "user", BF_NOTIFICATION_USER, BF_NOTIFICATION_CREATED_AT);
INDEX(bf_channel_targets_by_state, "state", BF_CHANNEL_TARGET_STATE, BF_CHANNEL_TARGET_CREATED_AT);
INDEX(bf_contracts_by_owner, "owner", BF_CONTRACT_OWNER, BF_CONTRACT_CREATED_AT);
INDEX(bf_contracts_by_team, "team", BF_CONTRACT_TEAM, BF_CONTRACT_CREATED_AT);
INDEX(bf_contracts_by_time, "time", BF_CONTRACT_CREATED_AT);
INDEX(bf_contracts_by_customer, "customer", BF_CONTRACT_CUSTOMER, BF_CONTRACT_CREATED_AT);
INDEX(bf_contracts_by_state, "state", BF_CONTRACT_STATE, BF_CONTRACT_COMPLETE_AT);
INDEX(bf_contracts_by_team_state, "team_state", BF_CONTRACT_TEAM, BF_CONTRACT_STATE, BF_CONTRACT_COMPLETE_AT);
INDEX(bf_contracts_by_owner_state, "owner_state", BF_CONTRACT_OWNER, BF_CONTRACT_STATE, BF_CONTRACT_UPDATED_AT);
INDEX(bf_cadences_by_owner, "owner", BF_CADENCE_OWNER, BF_CADENCE_DUE_AT);
INDEX(bf_cadences_by_team, "team", BF_CADENCE_TEAM, BF_CADENCE_DUE_AT);
INDEX(bf_tasks_by_assignee, "assignee", BF_TASK_ASSIGNEE, BF_TASK_DUE_AT);
INDEX(bf_tasks_by_team, "team", BF_TASK_TEAM, BF_TASK_DUE_AT);
INDEX(bf_tasks_by_due, "due", BF_TASK_DUE_AT);
INDEX(bf_tasks_by_assignee_state, "assignee_state", BF_TASK_ASSIGNEE, BF_TASK_STATE, BF_TASK_DUE_AT);
INDEX(bf_reviews_by_contract, "contract", BF_REVIEW_CONTRACT, BF_REVIEW_AT);
INDEX(bf_reviews_by_reviewer, "reviewer", BF_REVIEW_REVIEWER, BF_REVIEW_AT);
INDEX(bf_users_by_team, "team", BF_USER_TEAM);
INDEX(bf_users_by_login, "login", BF_USER_LOGIN);
INDEX(bf_sessions_by_user, "user", BF_SESSION_USER);
INDEX(bf_views_by_user, "user", BF_VIEW_USER, BF_VIEW_AT);
const struct bf_index bf_teams_by_path = {.name = "path", .fields = {BF_TEAM_PATH}, .n_fields = 1, .multikey = true};

#define LOGGED(name_, label, schema_, subject_, owner_, team_, ...)                                                                      \
    static const struct bf_index *const name_##_indexes[] = {__VA_ARGS__ __VA_OPT__(, ) NULL};                                           \
    const struct bf_collection name_ = {.name = label, .schema = &schema_, .cls = BF_TENANT_COLLECTION, .logged = true,                  \
                                        .subject = (subject_), .owner = (owner_), .team = (team_), .indexes = name_##_indexes,           \
                                        .n_indexes = sizeof name_##_indexes / sizeof *name_##_indexes - 1}
#define UNLOGGED(name_, label, schema_, ...)                                                                                             \
    static const struct bf_index *const name_##_indexes[] = {__VA_ARGS__ __VA_OPT__(, ) NULL};                                           \
    const struct bf_collection name_ = {.name = label, .schema = &schema_, .cls = BF_TENANT_COLLECTION, .subject = BF_ROW_NONE,          \
                                        .owner = BF_ROW_NONE, .team = BF_ROW_NONE, .indexes = name_##_indexes,                           \
                                        .n_indexes = sizeof name_##_indexes / sizeof *name_##_indexes - 1}

LOGGED(bf_tenants, "tenants", bf_tenant_schema, BF_ROW_NONE, BF_ROW_NONE, BF_ROW_NONE);
LOGGED(bf_teams, "teams", bf_team_schema, BF_ROW_NONE, BF_ROW_NONE, BF_ROW_NONE, &bf_teams_by_path);
LOGGED(bf_users, "users", bf_user_schema, BF_ROW_ID, BF_ROW_ID, BF_USER_TEAM, &bf_users_by_team, &bf_users_by_login);
LOGGED(bf_customers, "customers", bf_customer_schema, BF_ROW_ID, BF_CUSTOMER_OWNER, BF_CUSTOMER_TEAM, &bf_customers_by_owner,
       &bf_customers_by_team, &bf_customers_by_sort, &bf_customers_by_team_owner);
LOGGED(bf_contacts, "contacts", bf_contact_schema, BF_CONTACT_CUSTOMER, BF_CONTACT_OWNER, BF_CONTACT_TEAM, &bf_contacts_by_customer,
       &bf_contacts_by_owner, &bf_contacts_by_team);
LOGGED(bf_visits, "visits", bf_visit_schema, BF_VISIT_CUSTOMER, BF_VISIT_OWNER, BF_VISIT_TEAM, &bf_visits_by_owner, &bf_visits_by_team,
       &bf_visits_by_time, &bf_visits_by_customer, &bf_visits_by_rep, &bf_visits_by_team_rep);
LOGGED(bf_verdicts, "verdicts", bf_verdict_schema, BF_VERDICT_CUSTOMER, BF_VERDICT_OWNER, BF_VERDICT_TEAM, &bf_verdicts_by_visit,
       &bf_verdicts_by_owner, &bf_verdicts_by_team);
LOGGED(bf_supplements, "supplements", bf_supplement_schema, BF_SUPPLEMENT_CUSTOMER, BF_SUPPLEMENT_OWNER, BF_SUPPLEMENT_TEAM,
       &bf_supplements_by_visit, &bf_supplements_by_owner, &bf_supplements_by_team);
LOGGED(bf_media, "media", bf_media_schema, BF_MEDIA_CUSTOMER, BF_MEDIA_OWNER, BF_MEDIA_TEAM, &bf_media_by_visit, &bf_media_by_owner,
       &bf_media_by_team, &bf_media_by_sha256, &bf_media_by_device, &bf_media_by_contract);
LOGGED(bf_transcripts, "transcripts", bf_transcript_schema, BF_TRANSCRIPT_CUSTOMER, BF_TRANSCRIPT_OWNER, BF_TRANSCRIPT_TEAM,
       &bf_transcripts_by_visit, &bf_transcripts_by_owner, &bf_transcripts_by_team);
LOGGED(bf_devices, "devices", bf_device_schema, BF_DEVICE_USER, BF_DEVICE_USER, BF_ROW_NONE, &bf_devices_by_user);
LOGGED(bf_reminders, "reminders", bf_reminder_schema, BF_REMINDER_USER, BF_REMINDER_USER, BF_ROW_NONE, &bf_reminders_by_user);
LOGGED(bf_notifications, "notifications", bf_notification_schema, BF_NOTIFICATION_USER, BF_NOTIFICATION_USER, BF_ROW_NONE,
       &bf_notifications_by_user);
LOGGED(bf_preferences, "preferences", bf_preference_schema, BF_ROW_ID, BF_ROW_ID, BF_ROW_NONE);
LOGGED(bf_channel_targets, "channel_targets", bf_channel_target_schema, BF_CHANNEL_TARGET_USER, BF_CHANNEL_TARGET_USER, BF_ROW_NONE,
       &bf_channel_targets_by_state);
LOGGED(bf_contracts, "contracts", bf_contract_schema, BF_CONTRACT_CUSTOMER, BF_CONTRACT_OWNER, BF_CONTRACT_TEAM, &bf_contracts_by_owner,
       &bf_contracts_by_team, &bf_contracts_by_time, &bf_contracts_by_customer, &bf_contracts_by_state, &bf_contracts_by_team_state,
       &bf_contracts_by_owner_state);
LOGGED(bf_cadences, "cadences", bf_cadence_schema, BF_CADENCE_CUSTOMER, BF_CADENCE_OWNER, BF_CADENCE_TEAM, &bf_cadences_by_owner, &bf_cadences_by_team);
LOGGED(bf_tasks, "tasks", bf_task_schema, BF_TASK_ASSIGNEE, BF_TASK_ASSIGNEE, BF_TASK_TEAM, &bf_tasks_by_assignee, &bf_tasks_by_team, &bf_tasks_by_due,
       &bf_tasks_by_assignee_state);
LOGGED(bf_reviews, "reviews", bf_review_schema, BF_REVIEW_CUSTOMER, BF_REVIEW_OWNER, BF_REVIEW_TEAM, &bf_reviews_by_contract, &bf_reviews_by_reviewer);
LOGGED(bf_policies, "policies", bf_policy_schema, BF_ROW_NONE, BF_ROW_NONE, BF_ROW_NONE);
LOGGED(bf_calendars, "calendars", bf_calendar_schema, BF_ROW_NONE, BF_ROW_NONE, BF_ROW_NONE);
LOGGED(bf_keys, "keys", bf_key_schema, BF_ROW_NONE, BF_ROW_NONE, BF_ROW_NONE);
LOGGED(bf_counters, "counters", bf_counter_schema, BF_ROW_NONE, BF_ROW_NONE, BF_ROW_NONE);
LOGGED(bf_captures, "captures", bf_capture_schema, BF_CAPTURE_USER, BF_CAPTURE_USER, BF_ROW_NONE);

#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field credential_fields[] = {BF_CREDENTIAL_FIELDS(F)};
static const struct bf_field session_fields[] = {BF_SESSION_FIELDS(F)};
static const struct bf_field later_view_fields[] = {BF_LATER_VIEW_FIELDS(F)};
static const struct bf_field view_fields[] = {BF_VIEW_FIELDS(F)};
static const struct bf_field lease_fields[] = {BF_LEASE_FIELDS(F)};
#undef F
#define SCHEMA(name_, zh_, en_)                                                                                                          \
    const struct bf_schema bf_##name_##_schema = {.name = #name_, .zh = (zh_), .en = (en_), .version = 1, .fields = name_##_fields,      \
                                                  .n_fields = sizeof name_##_fields / sizeof *name_##_fields}
SCHEMA(credential, "凭证", "Credential");
SCHEMA(session, "会话", "Session");
SCHEMA(later_view, "随后查看", "Later view");
SCHEMA(view, "查看记录", "View");
SCHEMA(lease, "领取续期", "Lease");

UNLOGGED(bf_credentials, "credentials", bf_credential_schema);
UNLOGGED(bf_sessions, "sessions", bf_session_schema, &bf_sessions_by_user);
UNLOGGED(bf_leases, "leases", bf_lease_schema);
UNLOGGED(bf_views, "views", bf_view_schema, &bf_views_by_user);

const struct bf_collection *const bf_collections[BF_COLLECTIONS] = {
    &bf_tenants,    &bf_teams,     &bf_users,         &bf_customers, &bf_contacts, &bf_visits,   &bf_verdicts, &bf_supplements, &bf_media,
    &bf_transcripts, &bf_devices,  &bf_reminders,     &bf_notifications, &bf_policies, &bf_keys, &bf_counters, &bf_captures,    &bf_credentials,
    &bf_sessions,   &bf_views,     &bf_calendars,
    &bf_contracts,     &bf_reviews,   &bf_leases,   &bf_tasks,    &bf_cadences,
    &bf_preferences, &bf_channel_targets,
};
