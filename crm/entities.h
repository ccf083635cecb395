/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The company's records: one X-macro per entity gives the row numbers (BF_VISIT_CONTENT ...) and the schema table (bf_visit_schema); the
 * collections with their indexes and the tenant's deterministic ids are declared below them. No I/O here.
 *
 *   F(ROW, "name", TYPE, flags, min, max, CLASS, "zh", "en", ...)
 *
 * Each record that belongs to a customer carries the customer's owner and team for scoped lists; what the rep wrote (visit, supplement) never
 * changes; what the server or others add to it later (verdict, media, transcript) is a child record with a history of its own.
 */
#pragma once
#include "core/doc.h"
#include "crm/entities_channel.h"
#include "crm/entities_contract.h"
#include "crm/entities_digest.h"
#include "crm/entities_task.h"

/* A company. `code` is what people type at sign-in. */
#define BF_TENANT_FIELDS(F)                                                                                                              \
    F(CODE, "code", STRING, BF_F_REQUIRED | BF_F_CREATE_ONLY, 2, 40, NORMAL, "公司代码", "Company code")                                 \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 100, NORMAL, "公司名称", "Company name")                                                   \
    F(TZ, "tz", ZONE, 0, 0, 64, NORMAL, "时区", "Time zone")                                                                             \
    F(LANG, "lang", ENUM, 0, 0, 0, NORMAL, "语言", "Language", .words = &bf_enum_lang)                                                   \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")

#define BF_TEAM_FIELDS(F)                                                                                                                \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 60, NORMAL, "团队名称", "Team name")                                                       \
    F(PARENT, "parent", UUID, 0, 0, 0, NORMAL, "上级团队", "Parent team")                                                                \
    /* this team and all above it, nearest first: a supervisor of any of them sees this team's records (PER-03) */                     \
    F(PATH, "path", ARRAY, BF_F_SERVER, 0, 16, NORMAL, "团队路径", "Team path", .elem = BF_T_UUID)                                       \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")

#define BF_USER_FIELDS(F)                                                                                                                \
    F(LOGIN, "login", STRING, BF_F_REQUIRED | BF_F_CREATE_ONLY, 2, 60, NORMAL, "用户名", "User name")                                    \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 60, NORMAL, "姓名", "Name")                                                                \
    F(ROLE, "role", ENUM, BF_F_REQUIRED, 0, 0, NORMAL, "角色", "Role", .words = &bf_enum_role)                                           \
    F(TEAM, "team", UUID, 0, 0, 0, NORMAL, "团队", "Team")                                                                               \
    F(STATUS, "status", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "Status", .words = &bf_enum_user_status)                                \
    /* one more with each freeze, change of role, team or password: what was issued under an older one is void */                      \
    F(EPOCH, "epoch", INT, BF_F_SERVER | BF_F_HIDDEN, 0, INT64_MAX, NORMAL, "会话代", "Session epoch")                                   \
    F(PHONE, "phone", STRING, 0, 0, 40, PERSONAL, "电话", "Phone")                                                                       \
    F(EMAIL, "email", STRING, 0, 0, 120, PERSONAL, "邮箱", "Email")                                                                      \
    F(TZ, "tz", ZONE, 0, 0, 64, NORMAL, "时区", "Time zone")                                                                             \
    F(LANG, "lang", ENUM, 0, 0, 0, NORMAL, "语言", "Language", .words = &bf_enum_lang)                                                   \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")                                                  \
    /* a supervisor or manager who is away, both days included (crm/deputy.h) */                                                       \
    F(DEPUTY, "deputy", UUID, 0, 0, 0, NORMAL, "代理人", "Deputy while away")                                                           \
    F(AWAY_FROM, "away_from", DATE, 0, 0, 0, NORMAL, "外出首日", "First day away")                                                        \
    F(AWAY_UNTIL, "away_until", DATE, 0, 0, 0, NORMAL, "外出末日", "Last day away")

#define BF_CUSTOMER_FIELDS(F)                                                                                                            \
    F(NUMBER, "number", STRING, BF_F_SERVER, 0, 24, NORMAL, "客户编号", "Customer number")                                               \
    F(TYPE, "type", ENUM, BF_F_REQUIRED, 0, 0, NORMAL, "客户类型", "Type", .words = &bf_enum_customer_type)                              \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 100, NORMAL, "客户名称", "Name")                                                           \
    F(INDUSTRY, "industry", ENUM, 0, 0, 0, NORMAL, "客户行业", "Industry", .words = &bf_enum_industry,                                   \
      .required_when = bf_customer_is_full, .required_prose = "unless contact_refused")                                                \
    F(GRADE, "grade", ENUM, 0, 0, 0, NORMAL, "客户等级", "Grade", .words = &bf_enum_grade, .required_when = bf_customer_is_full,         \
      .required_prose = "unless contact_refused")                                                                                      \
    F(OWNER, "owner", UUID, 0, 0, 0, NORMAL, "负责人", "Owner") /* default: the caller */                                                \
    F(TEAM, "team", UUID, BF_F_SERVER, 0, 0, NORMAL, "团队", "Team")                                                                     \
    F(PHONE, "phone", STRING, 0, 0, 40, PERSONAL, "电话", "Phone")                                                                       \
    F(EMAIL, "email", STRING, 0, 0, 120, PERSONAL, "邮箱", "Email")                                                                      \
    F(CONTACT_REFUSED, "contact_refused", STRING, 0, 1, 200, NORMAL, "拒绝提供资料的原因", "Reason why the customer gave no data")       \
    F(ADDRESS, "address", STRING, 0, 0, 200, PERSONAL, "客户地址", "Address")                                                            \
    F(BACKGROUND, "background", STRING, 0, 0, 2000, NORMAL, "合作背景", "Background")                                                    \
    F(REMARK, "remark", STRING, 0, 0, 2000, NORMAL, "备注", "Remark")                                                                    \
    F(SOURCE, "source", ENUM, 0, 0, 0, NORMAL, "来源渠道", "Source", .words = &bf_enum_source)                                           \
    F(TAGS, "tags", ARRAY, 0, 0, 20, NORMAL, "标签", "Tags", .elem = BF_T_STRING, .elem_min = 1, .elem_max = 40)                         \
    /* what visits are checked against beside need, channel, budget and progress (G-20) */                                              \
    F(TOPICS, "topics", ARRAY, 0, 0, 20, NORMAL, "关注话题", "Topics", .elem = BF_T_STRING, .elem_min = 1, .elem_max = 40)               \
    F(SORT, "sort", STRING, BF_F_SERVER | BF_F_HIDDEN, 0, 510, NORMAL, "排序键", "Sort key")                                             \
    F(CREATED_BY, "created_by", UUID, BF_F_SERVER, 0, 0, NORMAL, "录入人", "Entered by")                                                 \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "录入时间", "Entered")                                                  \
    F(UPDATED_AT, "updated_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "更新时间", "Changed")                                                  \
    /* why the last change was made (ENT-14): taken with each change, kept in the log */                                               \
    F(REASON, "reason", STRING, 0, 1, 200, NORMAL, "修改原因", "Reason of the change")                                                   \
    /* The primary contact (D-13), given with the create; stored as a contact record of its own */                                     \
    F(PRIMARY_CONTACT, "primary_contact", OBJECT, BF_F_WRITE_ONLY | BF_F_CREATE_ONLY, 0, 0, PERSONAL, "主要联系人",                      \
      "Primary contact", .sub = &bf_primary_contact_schema)

#define BF_PRIMARY_CONTACT_FIELDS(F)                                                                                                     \
    F(ID, "id", UUID, BF_F_REQUIRED | BF_F_V7, 0, 0, NORMAL, "编号", "Id")                                                               \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 60, PERSONAL, "姓名", "Name")                                                              \
    F(POSITION, "position", STRING, 0, 0, 60, NORMAL, "职位", "Position")                                                                \
    F(PHONE, "phone", STRING, 0, 0, 40, PERSONAL, "电话", "Phone")                                                                       \
    F(EMAIL, "email", STRING, 0, 0, 120, PERSONAL, "邮箱", "Email")

#define BF_CONTACT_FIELDS(F)                                                                                                             \
    F(CUSTOMER, "customer", UUID, BF_F_REQUIRED | BF_F_CREATE_ONLY, 0, 0, NORMAL, "客户", "Customer")                                    \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "负责人", "Owner")                                                  \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 60, PERSONAL, "姓名", "Name")                                                              \
    F(POSITION, "position", STRING, 0, 0, 60, NORMAL, "职位", "Position")                                                                \
    F(PHONE, "phone", STRING, 0, 0, 40, PERSONAL, "电话", "Phone")                                                                       \
    F(EMAIL, "email", STRING, 0, 0, 120, PERSONAL, "邮箱", "Email")                                                                      \
    F(PRIMARY, "primary", BOOL, 0, 0, 0, NORMAL, "主要对接人", "Primary")                                                                \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "录入时间", "Entered")                                                  \
    F(UPDATED_AT, "updated_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "更新时间", "Changed")                                                  \
    F(REASON, "reason", STRING, 0, 1, 200, NORMAL, "修改原因", "Reason of the change")

/* The next to-do with its date, added in the same step (FUP-04). */
#define BF_NEXT_STEP_FIELDS(F)                                                                                                           \
    F(TEXT, "text", STRING, BF_F_REQUIRED, 1, 300, NORMAL, "下一步计划", "Next step")                                                    \
    F(DUE, "due", WALL, BF_F_REQUIRED, 0, 0, NORMAL, "日期时间", "When")                                                                 \
    F(TZ, "tz", ZONE, 0, 0, 64, NORMAL, "时区", "Time zone") /* default: the rep's, else the tenant's */                                 \
    F(WAKE, "wake", BOOL, 0, 0, 0, NORMAL, "免打扰时段也提醒", "Remind within quiet hours too")                                          \
    F(REMINDER, "reminder", UUID, BF_F_SERVER, 0, 0, NORMAL, "提醒", "Reminder")

/* Media that a visit names by hash; the bytes may arrive before or after it. */
#define BF_VISIT_MEDIA_FIELDS(F)                                                                                                         \
    F(ID, "id", UUID, BF_F_REQUIRED | BF_F_V7, 0, 0, NORMAL, "编号", "Id")                                                               \
    F(KIND, "kind", ENUM, BF_F_REQUIRED, 0, 0, NORMAL, "类型", "Kind", .words = &bf_enum_media_kind)                                     \
    F(SHA256, "sha256", SHA256, BF_F_REQUIRED, 0, 0, NORMAL, "SHA-256", "SHA-256")                                                       \
    F(TYPE, "type", STRING, BF_F_REQUIRED, 3, 100, NORMAL, "媒体类型", "Media type")                                                     \
    F(CONSENT_AT, "consent_at", TIME, 0, 0, 0, NORMAL, "录音同意时间", "Consent to the recording")

/* A follow-up record (跟进记录): immutable (FUP-13). */
#define BF_VISIT_FIELDS(F)                                                                                                               \
    F(CUSTOMER, "customer", UUID, BF_F_REQUIRED, 0, 0, NORMAL, "客户", "Customer")                                                       \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "客户负责人", "Customer's owner")                                   \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(REP, "rep", UUID, BF_F_SERVER, 0, 0, NORMAL, "记录人", "Rep")                                                                      \
    F(MODE, "mode", ENUM, BF_F_REQUIRED, 0, 0, NORMAL, "跟进方式", "Mode", .words = &bf_enum_mode)                                       \
    F(CONTACTS, "contacts", ARRAY, 0, 0, 20, NORMAL, "联系人", "Contacts met", .elem = BF_T_UUID)                                        \
    F(CONTENT, "content", STRING, 0, 0, 4000, NORMAL, "跟进内容", "Content")                                                             \
    F(RESULT, "result", STRING, 0, 0, 1000, NORMAL, "结果", "Result")                                                                    \
    F(QUOTE, "quote", STRING, 0, 0, 1000, NORMAL, "客户原话", "Customer's own words")                                                    \
    F(NEXT_STEP, "next_step", OBJECT, 0, 0, 0, NORMAL, "下一步", "Next step", .sub = &bf_next_step_schema)                               \
    F(MEDIA, "media", ARRAY, 0, 0, 20, NORMAL, "附件", "Media", .elem = BF_T_OBJECT, .sub = &bf_visit_media_schema)                      \
    F(HAPPENED_AT, "happened_at", TIME, BF_F_REQUIRED, 0, 0, NORMAL, "跟进时间", "When it happened")                                     \
    F(CAPTURED_AT, "captured_at", TIME, BF_F_REQUIRED, 0, 0, NORMAL, "录入时间", "When the phone captured it")                           \
    F(RECEIVED_AT, "received_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "接收时间", "When the server received it")                            \
    F(CLOCK_SKEW_MS, "clock_skew_ms", INT, BF_F_SERVER, INT64_MIN, INT64_MAX, NORMAL, "时钟偏差", "Phone clock minus server clock, ms")  \
    F(DEVICE, "device", UUID, 0, 0, 0, NORMAL, "设备", "Device")                                                                         \
    F(CAPTURE_SEQ, "capture_seq", INT, 0, 1, INT64_MAX, NORMAL, "采集序号", "Capture sequence number of the installation")

/* The judgement of a visit, made once, with the policy version and the inputs (G-21). One at the create; one more when a transcript is confirmed. */
#define BF_VERDICT_FIELDS(F)                                                                                                             \
    F(VISIT, "visit", UUID, BF_F_SERVER, 0, 0, NORMAL, "跟进记录", "Visit")                                                              \
    F(CUSTOMER, "customer", UUID, BF_F_SERVER, 0, 0, NORMAL, "客户", "Customer")                                                         \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "负责人", "Owner")                                                  \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(VALIDITY, "validity", ENUM, BF_F_SERVER, 0, 0, NORMAL, "有效性", "Validity", .words = &bf_enum_validity)                           \
    F(REASONS, "reasons", ARRAY, BF_F_SERVER, 0, 16, NORMAL, "原因", "Reasons", .elem = BF_T_ENUM, .words = &bf_enum_verdict_reason)     \
    F(TIMELY, "timely", BOOL, BF_F_SERVER, 0, 0, NORMAL, "及时", "Timely")                                                               \
    F(TIMELY_BY, "timely_by", ENUM, BF_F_SERVER, 0, 0, NORMAL, "及时依据", "Clock that timeliness was judged by",                        \
      .words = &bf_enum_timely_by)                                                                                                     \
    F(UNITS, "units", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "计数", "Counted units")                                                   \
    F(POLICY_VERSION, "policy_version", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "制度版本", "Policy version")                            \
    F(FROM_TRANSCRIPT, "from_transcript", BOOL, BF_F_SERVER, 0, 0, NORMAL, "依据转写", "Judged on the confirmed transcript")             \
    F(WEEK, "week", STRING, BF_F_SERVER, 0, 8, NORMAL, "所在周", "Week counted in")                                                      \
    F(WEEK_COUNT, "week_count", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "本周有效数", "Valid records of the week with this one")         \
    F(WEEK_QUOTA, "week_quota", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "每周要求", "Valid records asked for in a week")                 \
    F(JUDGED_AT, "judged_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "判定时间", "Judged")

/* 补充说明: a new entry tied to the record (D-03). */
#define BF_SUPPLEMENT_FIELDS(F)                                                                                                          \
    F(VISIT, "visit", UUID, BF_F_REQUIRED, 0, 0, NORMAL, "跟进记录", "Visit")                                                            \
    F(CUSTOMER, "customer", UUID, BF_F_SERVER, 0, 0, NORMAL, "客户", "Customer")                                                         \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "负责人", "Owner")                                                  \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(AUTHOR, "author", UUID, BF_F_SERVER, 0, 0, NORMAL, "作者", "Author")                                                               \
    F(CONTENT, "content", STRING, BF_F_REQUIRED, 1, 4000, NORMAL, "补充说明", "Supplement")                                              \
    F(CAPTURED_AT, "captured_at", TIME, BF_F_REQUIRED, 0, 0, NORMAL, "录入时间", "When the phone captured it")                           \
    F(RECEIVED_AT, "received_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "接收时间", "When the server received it")                            \
    F(DEVICE, "device", UUID, 0, 0, 0, NORMAL, "设备", "Device")                                                                         \
    F(CAPTURE_SEQ, "capture_seq", INT, 0, 1, INT64_MAX, NORMAL, "采集序号", "Capture sequence number of the installation")

/* A derivative made by ingest. */
#define BF_VARIANT_FIELDS(F)                                                                                                             \
    F(NAME, "name", ENUM, BF_F_SERVER, 0, 0, NORMAL, "版本", "Variant", .words = &bf_enum_variant)                                       \
    F(TYPE, "type", STRING, BF_F_SERVER, 0, 100, NORMAL, "媒体类型", "Media type")                                                       \
    F(SHA256, "sha256", SHA256, BF_F_SERVER, 0, 0, NORMAL, "SHA-256", "SHA-256")                                                         \
    F(BYTES, "bytes", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "字节数", "Bytes")                                                         \
    F(WIDTH, "width", INT, BF_F_SERVER, 0, 100000, NORMAL, "宽", "Width in pixels")                                                      \
    F(HEIGHT, "height", INT, BF_F_SERVER, 0, 100000, NORMAL, "高", "Height in pixels")

/* How legible a photo is, by its 1600 px picture (docs/INGEST.md). Hints to the rep, never a refusal; shares are of its pixels. */
#define BF_LEGIBILITY_FIELDS(F)                                                                                                          \
    F(SHARPNESS, "sharpness", DOUBLE, BF_F_SERVER, 0, 4, NORMAL, "清晰度", "Sharpness of the edges")                                     \
    F(DARK_SHARE, "dark_share", DOUBLE, BF_F_SERVER, 0, 1, NORMAL, "暗部占比", "Share in the darkest quarter")                           \
    F(BRIGHT_SHARE, "bright_share", DOUBLE, BF_F_SERVER, 0, 1, NORMAL, "过曝占比", "Share that is saturated")                            \
    F(HINTS, "hints", ARRAY, BF_F_SERVER, 0, 4, NORMAL, "提示", "Hints", .elem = BF_T_ENUM, .words = &bf_enum_photo_hint)

/* The state of one medium of a visit (child of the visit; its id is the media id in the visit). */
#define BF_MEDIA_FIELDS(F)                                                                                                               \
    F(VISIT, "visit", UUID, BF_F_SERVER, 0, 0, NORMAL, "跟进记录", "Visit")                                                              \
    F(CUSTOMER, "customer", UUID, BF_F_SERVER, 0, 0, NORMAL, "客户", "Customer")                                                         \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "负责人", "Owner")                                                  \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(UPLOADER, "uploader", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "上传人", "Uploader")                                         \
    F(DEVICE, "device", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "设备", "Device")                                                 \
    F(KIND, "kind", ENUM, BF_F_SERVER, 0, 0, NORMAL, "类型", "Kind", .words = &bf_enum_media_kind)                                       \
    F(SHA256, "sha256", SHA256, BF_F_SERVER, 0, 0, NORMAL, "SHA-256", "SHA-256")                                                         \
    F(TYPE, "type", STRING, BF_F_SERVER, 0, 100, NORMAL, "媒体类型", "Media type")                                                       \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf_enum_media_state)                                   \
    F(REFUSAL, "refusal", STRING, BF_F_SERVER, 0, 40, NORMAL, "拒绝原因", "Why it was refused")                                          \
    F(BYTES, "bytes", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "字节数", "Bytes of the original")                                         \
    F(VARIANTS, "variants", ARRAY, BF_F_SERVER, 0, 8, NORMAL, "衍生版本", "Variants", .elem = BF_T_OBJECT, .sub = &bf_variant_schema)    \
    F(TAKEN_AT, "taken_at", STRING, BF_F_SERVER, 0, 30, PERSONAL, "拍摄时间", "When the camera says it was taken")                       \
    F(LATITUDE, "latitude", DOUBLE, BF_F_SERVER, -90, 90, PERSONAL, "纬度", "Latitude")                                                  \
    F(LONGITUDE, "longitude", DOUBLE, BF_F_SERVER, -180, 180, PERSONAL, "经度", "Longitude")                                             \
    F(LEGIBILITY, "legibility", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "可读性", "Legibility of a photo", .sub = &bf_legibility_schema)      \
    F(DURATION_MS, "duration_ms", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "时长", "Duration, ms")                                        \
    F(LOUDNESS, "loudness", DOUBLE, BF_F_SERVER, -200, 100, NORMAL, "响度", "Loudness of the original, LUFS")                            \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")                                                  \
    /* of a contract's page instead of a visit's */                                                                                     \
    F(CONTRACT, "contract", UUID, BF_F_SERVER, 0, 0, NORMAL, "合同", "Contract")                                                         \
    F(PAGE, "page", UUID, BF_F_SERVER, 0, 0, NORMAL, "页", "Page of the contract")                                                       \
    F(VERSION, "version", INT, BF_F_SERVER, 1, 1000, NORMAL, "版本", "Version of the page")

/* Characters: an hour of fast English is some 55,000, of Chinese 20,000. Transcribed and confirmed text of this length fit into one log entry, twice. */
enum { BF_TRANSCRIPT_TEXT_MAX = 60000 };

/* The text of a voice note and the rep's word on it (G-03). One per voice medium; its id is derived from the media id. */
#define BF_TRANSCRIPT_FIELDS(F)                                                                                                          \
    F(VISIT, "visit", UUID, BF_F_SERVER, 0, 0, NORMAL, "跟进记录", "Visit")                                                              \
    F(MEDIA, "media", UUID, BF_F_SERVER, 0, 0, NORMAL, "录音", "Voice note")                                                             \
    F(CUSTOMER, "customer", UUID, BF_F_SERVER, 0, 0, NORMAL, "客户", "Customer")                                                         \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "负责人", "Owner")                                                  \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf_enum_transcript_state)                              \
    F(TEXT, "text", STRING, BF_F_SERVER, 0, BF_TRANSCRIPT_TEXT_MAX, NORMAL, "转写文本", "Text from the provider")                        \
    F(PROVIDER, "provider", STRING, BF_F_SERVER, 0, 40, NORMAL, "转写服务", "Provider")                                                  \
    F(ROUND, "round", INT, BF_F_SERVER, 0, 1000, NORMAL, "第几次", "Which request for a transcript")                                     \
    F(CONFIRMED_TEXT, "confirmed_text", STRING, BF_F_SERVER, 0, BF_TRANSCRIPT_TEXT_MAX, NORMAL, "确认文本",                              \
      "Text the rep confirmed or wrote")                                                                                               \
    F(CONFIRMED_AT, "confirmed_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "确认时间", "Confirmed")                                            \
    F(CONFIRMED_BY, "confirmed_by", UUID, BF_F_SERVER, 0, 0, NORMAL, "确认人", "Confirmed by")                                           \
    F(UPDATED_AT, "updated_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "更新时间", "Changed")

/* Where push messages go: a Web Push subscription (RFC 8030). */
#define BF_SUBSCRIPTION_FIELDS(F)                                                                                                        \
    F(ENDPOINT, "endpoint", STRING, BF_F_REQUIRED | BF_F_SECRET, 10, 1000, NORMAL, "推送地址", "Push endpoint")                          \
    F(P256DH, "p256dh", BYTES, BF_F_REQUIRED | BF_F_SECRET, 65, 65, NORMAL, "公钥", "Client's public key")                               \
    F(AUTH, "auth", BYTES, BF_F_REQUIRED | BF_F_SECRET, 16, 16, NORMAL, "认证密钥", "Client's authentication secret")

/* A phone or browser installation of a user; its id is made by the installation. */
#define BF_DEVICE_FIELDS(F)                                                                                                              \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "用户", "User")                                                                     \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 80, NORMAL, "设备名称", "Name")                                                            \
    F(PLATFORM, "platform", ENUM, BF_F_REQUIRED | BF_F_CREATE_ONLY, 0, 0, NORMAL, "平台", "Platform", .words = &bf_enum_platform)        \
    F(SUBSCRIPTION, "subscription", OBJECT, BF_F_WRITE_ONLY, 0, 0, NORMAL, "推送订阅", "Push subscription",                              \
      .sub = &bf_subscription_schema)                                                                                                  \
    F(PUSH, "push", ENUM, BF_F_SERVER, 0, 0, NORMAL, "推送状态", "Push state", .words = &bf_enum_push_state)                             \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")

#define BF_REMINDER_FIELDS(F)                                                                                                            \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "提醒对象", "Whom it reminds")                                                      \
    F(CUSTOMER, "customer", UUID, BF_F_CREATE_ONLY, 0, 0, NORMAL, "客户", "Customer")                                                    \
    F(VISIT, "visit", UUID, BF_F_SERVER, 0, 0, NORMAL, "跟进记录", "Visit it came from")                                                 \
    F(TEXT, "text", STRING, BF_F_REQUIRED, 1, 300, NORMAL, "内容", "Text")                                                               \
    F(DUE, "due", WALL, BF_F_REQUIRED, 0, 0, NORMAL, "提醒时间", "Wall time")                                                            \
    F(TZ, "tz", ZONE, 0, 0, 64, NORMAL, "时区", "Time zone")                                                                             \
    F(WAKE, "wake", BOOL, 0, 0, 0, NORMAL, "免打扰时段也提醒", "Remind within quiet hours too")                                          \
    F(DUE_AT, "due_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "到期时间", "Instant of the wall time")                                         \
    F(SEND_AT, "send_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "发送时间", "When it will be sent")                                           \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf_enum_reminder_state)                                \
    F(SENT_AT, "sent_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "已发送", "Sent")                                                             \
    F(DONE_AT, "done_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "完成时间", "Done")                                                           \
    F(SNOOZES, "snoozes", INT, BF_F_SERVER, 0, 1000, NORMAL, "推迟次数", "Times snoozed")                                                \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")                                                  \
    F(TASK, "task", UUID, BF_F_SERVER, 0, 0, NORMAL, "任务", "Task that it is of")

/* What was told to a person: written to the log by push, read from it by event streams. */
#define BF_NOTIFICATION_FIELDS(F)                                                                                                        \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "接收人", "Whom it tells")                                                          \
    F(KIND, "kind", ENUM, BF_F_SERVER, 0, 0, NORMAL, "类型", "Kind", .words = &bf_enum_notification_kind)                                \
    F(REMINDERS, "reminders", ARRAY, BF_F_SERVER, 0, 50, NORMAL, "提醒", "Reminders in it", .elem = BF_T_UUID)                           \
    F(CUSTOMER, "customer", UUID, BF_F_SERVER, 0, 0, NORMAL, "客户", "Customer")                                                         \
    F(TITLE, "title", STRING, BF_F_SERVER, 0, 120, NORMAL, "标题", "Title")                                                              \
    F(BODY, "body", STRING, BF_F_SERVER, 0, 2000, NORMAL, "正文", "Body")                                                                 \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")                                                  \
    F(CONTRACT, "contract", UUID, BF_F_SERVER, 0, 0, NORMAL, "合同", "Contract")                                                         \
    F(REJECTION, "rejection", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "退回", "Why it was sent back", .sub = &bf_rejection_schema)            \
    F(MARK, "mark", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "标注", "Where on the page", .sub = &bf_mark_schema)                              \
    F(TASK, "task", UUID, BF_F_SERVER, 0, 0, NORMAL, "任务", "Task")                                                                    \
    F(OPENED_AT, "opened_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "打开时间", "Opened")                                                      \
    F(ACTED_AT, "acted_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "处理时间", "Acted upon")                                        \
    F(DIGEST, "digest", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "摘要", "Digest", .sub = &bf_digest_schema)                                  \
    F(DEPUTY_FOR, "deputy_for", UUID, BF_F_SERVER, 0, 0, NORMAL, "代理", "Who is away: this tells the deputy")

/* The company's numbers: every version is kept in the log; each number has its rule. A change carries a reason. */
#define BF_POLICY_FIELDS(F)                                                                                                              \
    F(VERSION, "version", INT, BF_F_SERVER, 1, INT64_MAX, NORMAL, "版本", "Version")                                                     \
    F(MIN_UNITS, "min_units", INT, 0, 1, 100, NORMAL, "有效记录最少字数 (FUP-09)", "Units a valid record needs (FUP-09, G-19)")         \
    F(WEEK_QUOTA, "week_quota", INT, 0, 0, 100, NORMAL, "每周有效记录要求 (FUP-15)", "Valid records a week (FUP-15)")                    \
    F(BANNED_PHRASES, "banned_phrases", ARRAY, 0, 0, 100, NORMAL, "无效用语 (FUP-11)", "Texts that are no record (FUP-11)",              \
      .elem = BF_T_STRING, .elem_max = 100)                                                                                            \
    F(TOPIC_WORDS, "topic_words", ARRAY, 0, 0, 200, NORMAL, "话题词 (FUP-10)", "Words of need, channel, budget, progress (FUP-10, G-20)",    \
      .elem = BF_T_STRING, .elem_max = 40)                                                                                             \
    F(TIMELY_NEXT_DAY_HOUR, "timely_next_day_hour", INT, 0, 0, 23, NORMAL, "次日截止钟点 (ENT-03)", "Hour of the next day until which a record is timely (ENT-03, G-02)") \
    F(SKEW_MS_MAX, "skew_ms_max", INT, 0, 0, 3600000, NORMAL, "可信时钟偏差 (G-01)", "Phone clock skew that is trusted, ms (G-01)")      \
    F(LATE_HOURS_MAX, "late_hours_max", INT, 0, 1, 720, NORMAL, "接收时限 (G-01)", "Hours within which a record must arrive to be judged by the phone's clock (G-01)") \
    F(QUIET_FROM_HOUR, "quiet_from_hour", INT, 0, 0, 23, NORMAL, "免打扰开始 (G-12)", "Quiet from this hour (G-12)")                     \
    F(QUIET_TO_HOUR, "quiet_to_hour", INT, 0, 0, 23, NORMAL, "免打扰结束 (G-12)", "Quiet until this hour (G-12)")                        \
    F(WORK_FROM_HOUR, "work_from_hour", INT, 0, 0, 23, NORMAL, "上班钟点 (G-02)", "Hour at which a working day begins (G-02)")           \
    F(WORK_TO_HOUR, "work_to_hour", INT, 0, 1, 24, NORMAL, "下班钟点 (G-02)", "Hour at which a working day ends (G-02)")                 \
    F(CADENCE_DAYS_A, "cadence_days_a", INT, 0, 1, 365, NORMAL, "A类跟进周期 (GRD-02)", "Days between records, grade A (GRD-02)")        \
    F(CADENCE_DAYS_B, "cadence_days_b", INT, 0, 1, 365, NORMAL, "B类跟进周期 (GRD-03)", "Days between records, grade B (GRD-03)")        \
    F(CADENCE_DAYS_C, "cadence_days_c", INT, 0, 1, 365, NORMAL, "C类跟进周期 (GRD-04)", "Days between records, grade C (GRD-04)")        \
    F(CONSENT_REQUIRED, "consent_required", BOOL, 0, 0, 0, NORMAL, "录音须经同意 (G-04)", "A recording needs a consent time (G-04)")     \
    F(PASSWORD_CHARS_MIN, "password_chars_min", INT, 0, 8, 128, NORMAL, "密码最短长度 (G-10)", "Least characters of a password (G-10)")  \
    F(PASSWORD_DAYS_MAX, "password_days_max", INT, 0, 0, 3650, NORMAL, "密码更换周期，0为不限 (G-10)", "Days after which a password must be changed, 0: never (G-10)") \
    F(DEVICES_MAX, "devices_max", INT, 0, 1, 50, NORMAL, "每人设备数 (G-10)", "Devices of one user (G-10)")                              \
    F(REVIEW_LEASE_MINUTES, "review_lease_minutes", INT, 0, 1, 1440, NORMAL, "合同审核领取分钟数 (G-05)", "Minutes a reviewer holds a contract (G-05)") \
    F(REVIEW_DUE_DAYS, "review_due_days", INT, 0, 1, 30, NORMAL, "合同审核工作日数 (G-05)", "Working days until a review is due (G-05)")              \
    F(REVIEW_RESERVED_HOURS, "review_reserved_hours", INT, 0, 0, 80, NORMAL, "补拍后保留工作小时数 (G-05)", "Working hours a retake is reserved (G-05)") \
    F(IDLE_DAYS_MAX, "idle_days_max", INT, 0, 1, 365, NORMAL, "手机会话闲置天数 (G-10)", "Days a session on a phone may stay unused (G-10)") \
    F(IDLE_WEB_MINUTES_MAX, "idle_web_minutes_max", INT, 0, 1, 10080, NORMAL, "浏览器会话闲置分钟数 (G-10)", "Minutes a session elsewhere may stay unused (G-10)") \
    F(IDLE_REP_DAYS, "idle_rep_days", INT, 0, 1, 365, NORMAL, "无有效记录须面谈天数 (D-02)", "Days without a valid record until a talk (D-02)") \
    F(CHANGED_AT, "changed_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "修改时间", "Changed")                                                  \
    F(REASON, "reason", STRING, 0, 1, 200, NORMAL, "修改原因", "Reason of the change")

/* A year of the working-day calendar (G-02). What the company keeps of it: a list that is absent is as it was shipped (crm/calendar.h, which fills in
 * the rest). Both lists are in order of date. Its id is made from the year (crm/ids.h). */
#define BF_CALENDAR_FIELDS(F)                                                                                                            \
    F(YEAR, "year", INT, BF_F_SERVER, 2000, 2100, NORMAL, "年份", "Year")                                                                \
    F(ORIGIN, "origin", ENUM, BF_F_SERVER, 0, 0, NORMAL, "来源", "Where its days are from", .words = &bf_enum_calendar_origin)           \
    F(NOTICE, "notice", STRING, BF_F_SERVER, 0, 100, NORMAL, "放假通知", "The notice that the shipped days go by")                       \
    F(HOLIDAYS, "holidays", ARRAY, 0, 0, 120, NORMAL, "放假日期", "Days off", .elem = BF_T_DATE)                                         \
    F(MAKE_UP_DAYS, "make_up_days", ARRAY, 0, 0, 120, NORMAL, "调休上班日期", "Days of rest that are worked", .elem = BF_T_DATE)         \
    F(REMARK, "remark", STRING, 0, 0, 200, NORMAL, "备注", "Remark")                                                                     \
    F(CHANGED_AT, "changed_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "修改时间", "Changed")                                                  \
    F(REASON, "reason", STRING, 0, 1, 200, NORMAL, "修改原因", "Reason of the change")

/* A business key: its id is made from what must be unique (crm/ids.h); it says which record holds it. */
#define BF_KEY_FIELDS(F)                                                                                                                 \
    F(HOLDER, "holder", UUID, BF_F_SERVER, 0, 0, NORMAL, "持有记录", "Record that holds the key")                                        \
    F(KIND, "kind", STRING, BF_F_SERVER, 0, 40, NORMAL, "类型", "Kind")

/* A counter or a rep's memory on a customer: read and written inside decisions. Its id is made from what it counts (crm/ids.h). */
#define BF_COUNTER_FIELDS(F)                                                                                                             \
    F(KIND, "kind", STRING, BF_F_SERVER, 0, 40, NORMAL, "类型", "Kind")                                                                  \
    F(VALUE, "value", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "数值", "Value")                                                           \
    F(DIGEST, "digest", BYTES, BF_F_SERVER, 0, 32, NORMAL, "摘要", "Digest")

/* What the server got of an installation's captures (visits, supplements, uploads): all up to `through`, and those in `above`. Its id is made
 * from the device's (crm/ids.h). */
#define BF_CAPTURE_FIELDS(F)                                                                                                             \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "用户", "User")                                                                     \
    F(DEVICE, "device", UUID, BF_F_SERVER, 0, 0, NORMAL, "设备", "Device")                                                               \
    F(THROUGH, "through", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "已连续收到", "All received up to")                                    \
    F(ABOVE, "above", ARRAY, BF_F_SERVER, 0, 1000, NORMAL, "其后已收到", "Received above that", .elem = BF_T_INT)

#define BF_ENTITY_MAP(E)                                                                                                                 \
    E(TENANT, tenant)                                                                                                                    \
    E(TEAM, team)                                                                                                                        \
    E(USER, user)                                                                                                                        \
    E(CUSTOMER, customer)                                                                                                                \
    E(PRIMARY_CONTACT, primary_contact)                                                                                                  \
    E(CONTACT, contact)                                                                                                                  \
    E(NEXT_STEP, next_step)                                                                                                              \
    E(VISIT_MEDIA, visit_media)                                                                                                          \
    E(VISIT, visit)                                                                                                                      \
    E(VERDICT, verdict)                                                                                                                  \
    E(SUPPLEMENT, supplement)                                                                                                            \
    E(VARIANT, variant)                                                                                                                  \
    E(LEGIBILITY, legibility)                                                                                                            \
    E(MEDIA, media)                                                                                                                      \
    E(TRANSCRIPT, transcript)                                                                                                            \
    E(SUBSCRIPTION, subscription)                                                                                                        \
    E(DEVICE, device)                                                                                                                    \
    E(REMINDER, reminder)                                                                                                                \
    E(DIGEST_LINE, digest_line)                                                                                                          \
    E(DIGEST, digest)                                                                                                                    \
    E(NOTIFICATION, notification)                                                                                                        \
    E(CHANNEL_TARGET, channel_target)                                                                                                    \
    E(WAYS, ways)                                                                                                                        \
    E(MONEY, money)                                                                                                                      \
    E(FACTS, facts)                                                                                                                      \
    E(CONTRACT_PAGE, contract_page)                                                                                                      \
    E(MARK, mark)                                                                                                                        \
    E(REJECTION, rejection)                                                                                                              \
    E(DRAFT, draft)                                                                                                                      \
    E(CORRECTION, correction)                                                                                                            \
    E(TASK, task)                                                                                                                        \
    E(CADENCE, cadence)                                                                                                                  \
    E(CONTRACT, contract)                                                                                                                \
    E(REVIEW, review)                                                                                                                    \
    E(POLICY, policy)                                                                                                                    \
    E(CALENDAR, calendar)                                                                                                                \
    E(KEY, key)                                                                                                                          \
    E(COUNTER, counter)                                                                                                                  \
    E(CAPTURE, capture)

#define BF__TENANT_ROW(row, ...) BF_TENANT_##row,
#define BF__TEAM_ROW(row, ...) BF_TEAM_##row,
#define BF__USER_ROW(row, ...) BF_USER_##row,
#define BF__CUSTOMER_ROW(row, ...) BF_CUSTOMER_##row,
#define BF__PRIMARY_CONTACT_ROW(row, ...) BF_PRIMARY_CONTACT_##row,
#define BF__CONTACT_ROW(row, ...) BF_CONTACT_##row,
#define BF__NEXT_STEP_ROW(row, ...) BF_NEXT_STEP_##row,
#define BF__VISIT_MEDIA_ROW(row, ...) BF_VISIT_MEDIA_##row,
#define BF__VISIT_ROW(row, ...) BF_VISIT_##row,
#define BF__VERDICT_ROW(row, ...) BF_VERDICT_##row,
#define BF__SUPPLEMENT_ROW(row, ...) BF_SUPPLEMENT_##row,
#define BF__VARIANT_ROW(row, ...) BF_VARIANT_##row,
#define BF__LEGIBILITY_ROW(row, ...) BF_LEGIBILITY_##row,
#define BF__MEDIA_ROW(row, ...) BF_MEDIA_##row,
#define BF__TRANSCRIPT_ROW(row, ...) BF_TRANSCRIPT_##row,
#define BF__SUBSCRIPTION_ROW(row, ...) BF_SUBSCRIPTION_##row,
#define BF__DEVICE_ROW(row, ...) BF_DEVICE_##row,
#define BF__REMINDER_ROW(row, ...) BF_REMINDER_##row,
#define BF__DIGEST_LINE_ROW(row, ...) BF_DIGEST_LINE_##row,
#define BF__DIGEST_ROW(row, ...) BF_DIGEST_##row,
#define BF__NOTIFICATION_ROW(row, ...) BF_NOTIFICATION_##row,
#define BF__CHANNEL_TARGET_ROW(row, ...) BF_CHANNEL_TARGET_##row,
#define BF__WAYS_ROW(row, ...) BF_WAYS_##row,
#define BF__MONEY_ROW(row, ...) BF_MONEY_##row,
#define BF__FACTS_ROW(row, ...) BF_FACTS_##row,
#define BF__CONTRACT_PAGE_ROW(row, ...) BF_CONTRACT_PAGE_##row,
#define BF__MARK_ROW(row, ...) BF_MARK_##row,
#define BF__REJECTION_ROW(row, ...) BF_REJECTION_##row,
#define BF__DRAFT_ROW(row, ...) BF_DRAFT_##row,
#define BF__CORRECTION_ROW(row, ...) BF_CORRECTION_##row,
#define BF__TASK_ROW(row, ...) BF_TASK_##row,
#define BF__CADENCE_ROW(row, ...) BF_CADENCE_##row,
#define BF__CONTRACT_ROW(row, ...) BF_CONTRACT_##row,
#define BF__REVIEW_ROW(row, ...) BF_REVIEW_##row,
#define BF__POLICY_ROW(row, ...) BF_POLICY_##row,
#define BF__CALENDAR_ROW(row, ...) BF_CALENDAR_##row,
#define BF__KEY_ROW(row, ...) BF_KEY_##row,
#define BF__COUNTER_ROW(row, ...) BF_COUNTER_##row,
#define BF__CAPTURE_ROW(row, ...) BF_CAPTURE_##row,

#define E(NAME, name)                                                                                                                    \
    enum bf_##name##_row { BF_##NAME##_FIELDS(BF__##NAME##_ROW) BF_##NAME##_ROWS };                                                      \
    extern const struct bf_schema bf_##name##_schema;
BF_ENTITY_MAP(E)
#undef E

/* ---- the words of the enums: X(WORD, "word", "zh", "en") ---- */

#define BF_LANG_WORDS(X) X(ZH, "zh-CN", "中文", "Chinese") X(EN, "en", "英文", "English")
/* Roles of ROL rows that this system knows so far: rep (销售), supervisor (主管), manager (销售经理, 管理层), reviewer (back office),
 * service (客服), admin (系统管理员), auditor (G-11). */
#define BF_ROLE_WORDS(X)                                                                                                                 \
    X(REP, "rep", "销售", "Sales rep")                                                                                                   \
    X(SUPERVISOR, "supervisor", "主管", "Supervisor")                                                                                    \
    X(MANAGER, "manager", "销售经理", "Sales manager")                                                                                   \
    X(REVIEWER, "reviewer", "合同审核", "Reviewer")                                                                                      \
    X(SERVICE, "service", "客服", "Customer service")                                                                                    \
    X(ADMIN, "admin", "系统管理员", "Administrator")                                                                                     \
    X(AUDITOR, "auditor", "审计", "Auditor")
#define BF_USER_STATUS_WORDS(X) X(ACTIVE, "active", "正常", "Active") X(FROZEN, "frozen", "已冻结", "Frozen")
#define BF_CUSTOMER_TYPE_WORDS(X) X(COMPANY, "company", "企业客户", "Company") X(PERSON, "person", "个人客户", "Person")
#define BF_INDUSTRY_WORDS(X)                                                                                                             \
    X(MANUFACTURING, "manufacturing", "制造业", "Manufacturing")                                                                         \
    X(RETAIL, "retail", "零售业", "Retail")                                                                                              \
    X(WHOLESALE, "wholesale", "批发业", "Wholesale")                                                                                     \
    X(CATERING, "catering", "餐饮业", "Catering")                                                                                        \
    X(HEALTHCARE, "healthcare", "医疗健康", "Health care")                                                                               \
    X(EDUCATION, "education", "教育", "Education")                                                                                       \
    X(FINANCE, "finance", "金融", "Finance")                                                                                             \
    X(CONSTRUCTION, "construction", "建筑业", "Construction")                                                                            \
    X(LOGISTICS, "logistics", "物流运输", "Logistics")                                                                                   \
    X(TECHNOLOGY, "technology", "信息技术", "Technology")                                                                                \
    X(OTHER, "other", "其他", "Other")
#define BF_GRADE_WORDS(X) X(A, "A", "重点", "Key") X(B, "B", "潜力", "Potential") X(C, "C", "普通", "Ordinary")
#define BF_SOURCE_WORDS(X)                                                                                                               \
    X(WEBSITE, "website", "官网注册", "Web site")                                                                                        \
    X(EXHIBITION, "exhibition", "展会转介绍", "Exhibition")                                                                              \
    X(REFERRAL, "referral", "老客户推荐", "Referral")                                                                                    \
    X(COLD_CALL, "cold_call", "陌生拜访", "Cold call")                                                                                   \
    X(OTHER, "other", "其他", "Other")
#define BF_MODE_WORDS(X)                                                                                                                 \
    X(VISIT, "visit", "拜访", "Visit")                                                                                                   \
    X(PHONE, "phone", "电话", "Phone")                                                                                                   \
    X(EMAIL, "email", "邮件", "Mail")                                                                                                    \
    X(WECHAT, "wechat", "微信", "WeChat")                                                                                                \
    X(MEETING, "meeting", "会议", "Meeting")
#define BF_MEDIA_KIND_WORDS(X) X(PHOTO, "photo", "照片", "Photo") X(VOICE, "voice", "录音", "Voice note")
#define BF_MEDIA_STATE_WORDS(X)                                                                                                          \
    X(AWAITED, "awaited", "等待上传", "Awaited")                                                                                         \
    X(STORED, "stored", "已保存", "Stored")                                                                                              \
    X(READY, "ready", "已处理", "Ready")                                                                                                 \
    X(REFUSED, "refused", "无法处理", "Refused")
#define BF_VARIANT_WORDS(X)                                                                                                              \
    X(LARGE, "large", "大图", "1600 px picture")                                                                                         \
    X(SMALL, "small", "缩略图", "320 px picture")                                                                                        \
    X(VOICE, "voice", "录音", "Normalised voice")                                                                                        \
    X(PEAKS, "peaks", "波形", "Waveform")
#define BF_PHOTO_HINT_WORDS(X)                                                                                                           \
    X(BLURRED, "blurred", "照片模糊", "Blurred")                                                                                         \
    X(TOO_DARK, "too_dark", "照片过暗", "Too dark")                                                                                      \
    X(TOO_BRIGHT, "too_bright", "照片过亮", "Burnt out")                                                                                 \
    X(CUT_EDGE, "cut_edge", "文件超出画面", "The page runs out of the picture")
#define BF_TRANSCRIPT_STATE_WORDS(X)                                                                                                     \
    X(WAITING, "waiting", "等待转写", "Waiting")                                                                                         \
    X(PROVIDER_AWAY, "provider_away", "转写服务暂不可用", "The provider is away")                                                        \
    X(READY, "ready", "待确认", "To be confirmed")                                                                                       \
    X(FAILED, "failed", "转写失败", "Failed")                                                                                            \
    X(CONFIRMED, "confirmed", "已确认", "Confirmed")                                                                                     \
    X(EDITED, "edited", "已修改确认", "Edited")
#define BF_PLATFORM_WORDS(X) X(ANDROID, "android", "安卓", "Android") X(IOS, "ios", "苹果", "iOS") X(WEB, "web", "网页", "Web")
#define BF_PUSH_STATE_WORDS(X) X(NONE, "none", "未开启", "None") X(ACTIVE, "active", "已开启", "Active") X(RETIRED, "retired", "已失效", "Retired")
#define BF_REMINDER_STATE_WORDS(X)                                                                                                       \
    X(PLANNED, "planned", "待提醒", "Planned")                                                                                           \
    X(SENT, "sent", "已提醒", "Sent")                                                                                                    \
    X(DONE, "done", "已完成", "Done")                                                                                                    \
    X(CANCELLED, "cancelled", "已取消", "Cancelled")
#define BF_NOTIFICATION_KIND_WORDS(X)                                                                                                    \
    X(REMINDER, "reminder", "跟进提醒", "Follow-up reminder")                                                                            \
    X(TASK, "task", "新任务", "New task")                                                                                               \
    X(RETAKE, "retake", "合同退回", "A contract was sent back")                                                                          \
    X(APPROVED, "approved", "合同通过", "A contract was approved")                                                                       \
    X(DIGEST_DAILY, "digest_daily", "每日简报", "Daily digest")                                                                          \
    X(DIGEST_WEEKLY, "digest_weekly", "每周简报", "Weekly digest")                                                                       \
    X(FOLLOW_UP, "follow_up", "今日待跟进", "Follow-ups of the day")
/* doubtful (G-20): saved and counted as valid until a supervisor marks it unrelated. waiting: a voice-only record before its text was
 * confirmed (G-03). */
#define BF_VALIDITY_WORDS(X)                                                                                                             \
    X(VALID, "valid", "有效", "Valid")                                                                                                   \
    X(INVALID, "invalid", "无效", "Invalid")                                                                                             \
    X(DOUBTFUL, "doubtful", "存疑", "Doubtful")                                                                                          \
    X(WAITING, "waiting", "待确认", "Waiting for the confirmed transcript")
#define BF_VERDICT_REASON_WORDS(X)                                                                                                       \
    X(TOO_SHORT, "too_short", "字数不足 (FUP-09)", "Too short (FUP-09)")                                                                 \
    X(NO_CONTACT, "no_contact", "未填写联系人 (FUP-10)", "No contact named (FUP-10)")                                                    \
    X(NO_CONTENT, "no_content", "没有内容 (FUP-10)", "No content (FUP-10)")                                                              \
    X(BANNED_PHRASE, "banned_phrase", "内容为无效用语 (FUP-11)", "Nothing but a banned phrase (FUP-11)")                                 \
    X(REPEATED, "repeated", "与上一条记录重复 (FUP-12)", "Repeats the last record (FUP-12)")                                             \
    X(OFF_TOPIC, "off_topic", "未涉及需求、渠道、预算或进展 (FUP-12)", "Names no need, channel, budget or progress (FUP-12)")            \
    X(VOICE_UNCONFIRMED, "voice_unconfirmed", "录音转写待确认 (G-03)", "The transcript is not confirmed yet (G-03)")
#define BF_TIMELY_BY_WORDS(X)                                                                                                            \
    X(CAPTURED, "captured_at", "手机时间", "The phone's clock")                                                                          \
    X(CORRECTED, "captured_at_corrected", "校正后的手机时间", "The phone's clock, corrected")                                            \
    X(RECEIVED, "received_at", "服务器时间", "The server's clock")
#define BF_CALENDAR_ORIGIN_WORDS(X)                                                                                                      \
    X(SHIPPED, "shipped", "随系统提供", "Shipped")                                                                                       \
    X(COMPANY, "company", "公司维护", "The company's own")                                                                               \
    X(MISSING, "missing", "尚无数据", "Not known: Monday to Friday count")

#define BF_ENUM_MAP(E)                                                                                                                   \
    E(LANG, lang)                                                                                                                        \
    E(ROLE, role)                                                                                                                        \
    E(USER_STATUS, user_status)                                                                                                          \
    E(CUSTOMER_TYPE, customer_type)                                                                                                      \
    E(INDUSTRY, industry)                                                                                                                \
    E(GRADE, grade)                                                                                                                      \
    E(SOURCE, source)                                                                                                                    \
    E(MODE, mode)                                                                                                                        \
    E(MEDIA_KIND, media_kind)                                                                                                            \
    E(MEDIA_STATE, media_state)                                                                                                          \
    E(VARIANT, variant)                                                                                                                  \
    E(PHOTO_HINT, photo_hint)                                                                                                            \
    E(TRANSCRIPT_STATE, transcript_state)                                                                                                \
    E(PLATFORM, platform)                                                                                                                \
    E(PUSH_STATE, push_state)                                                                                                            \
    E(REMINDER_STATE, reminder_state)                                                                                                    \
    E(NOTIFICATION_KIND, notification_kind)                                                                                              \
    E(CHANNEL_KIND, channel_kind)                                                                                                        \
    E(DIGEST_LINE_KIND, digest_line_kind)                                                                                                \
    E(TASK_STATE, task_state)                                                                                                           \
    E(CONTRACT_STATE, contract_state)                                                                                                    \
    E(REJECTION_CODE, rejection_code)                                                                                                    \
    E(REVIEW_OUTCOME, review_outcome)                                                                                                    \
    E(VALIDITY, validity)                                                                                                                \
    E(VERDICT_REASON, verdict_reason)                                                                                                    \
    E(TIMELY_BY, timely_by)                                                                                                              \
    E(CALENDAR_ORIGIN, calendar_origin)

#define BF__LANG_WORD(word_, ...) BF_LANG_IS_##word_,
#define BF__ROLE_WORD(word_, ...) BF_ROLE_IS_##word_,
#define BF__USER_STATUS_WORD(word_, ...) BF_USER_STATUS_IS_##word_,
#define BF__CUSTOMER_TYPE_WORD(word_, ...) BF_CUSTOMER_TYPE_IS_##word_,
#define BF__INDUSTRY_WORD(word_, ...) BF_INDUSTRY_IS_##word_,
#define BF__GRADE_WORD(word_, ...) BF_GRADE_IS_##word_,
#define BF__SOURCE_WORD(word_, ...) BF_SOURCE_IS_##word_,
#define BF__MODE_WORD(word_, ...) BF_MODE_IS_##word_,
#define BF__MEDIA_KIND_WORD(word_, ...) BF_MEDIA_KIND_IS_##word_,
#define BF__MEDIA_STATE_WORD(word_, ...) BF_MEDIA_STATE_IS_##word_,
#define BF__VARIANT_WORD(word_, ...) BF_VARIANT_IS_##word_,
#define BF__PHOTO_HINT_WORD(word_, ...) BF_PHOTO_HINT_IS_##word_,
#define BF__TRANSCRIPT_STATE_WORD(word_, ...) BF_TRANSCRIPT_STATE_IS_##word_,
#define BF__PLATFORM_WORD(word_, ...) BF_PLATFORM_IS_##word_,
#define BF__PUSH_STATE_WORD(word_, ...) BF_PUSH_STATE_IS_##word_,
#define BF__REMINDER_STATE_WORD(word_, ...) BF_REMINDER_STATE_IS_##word_,
#define BF__NOTIFICATION_KIND_WORD(word_, ...) BF_NOTIFICATION_KIND_IS_##word_,
#define BF__CHANNEL_KIND_WORD(word_, ...) BF_CHANNEL_KIND_IS_##word_,
#define BF__DIGEST_LINE_KIND_WORD(word_, ...) BF_DIGEST_LINE_KIND_IS_##word_,
#define BF__TASK_STATE_WORD(word_, ...) BF_TASK_STATE_IS_##word_,
#define BF__CONTRACT_STATE_WORD(word_, ...) BF_CONTRACT_STATE_IS_##word_,
#define BF__REJECTION_CODE_WORD(word_, ...) BF_REJECTION_CODE_IS_##word_,
#define BF__REVIEW_OUTCOME_WORD(word_, ...) BF_REVIEW_OUTCOME_IS_##word_,
#define BF__VALIDITY_WORD(word_, ...) BF_VALIDITY_IS_##word_,
#define BF__VERDICT_REASON_WORD(word_, ...) BF_VERDICT_REASON_IS_##word_,
#define BF__TIMELY_BY_WORD(word_, ...) BF_TIMELY_BY_IS_##word_,
#define BF__CALENDAR_ORIGIN_WORD(word_, ...) BF_CALENDAR_ORIGIN_IS_##word_,
#define E(NAME, name)                                                                                                                    \
    enum bf_##name##_word { BF_##NAME##_WORDS(BF__##NAME##_WORD) BF_##NAME##_WORDS_N };                                                  \
    extern const struct bf_enum bf_enum_##name;
BF_ENUM_MAP(E)
#undef E

/* required_when of a customer's full set of fields: it did not refuse to give its data (CUS-25, D-13). */
bool bf_customer_is_full(const struct bf_object *customer);
