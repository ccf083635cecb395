/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of contracts and their review (CON-02, CON-03, G-05); a part of crm/entities.h, which includes it. */
#pragma once

enum { BF_CONTRACT_PAGES_MAX = 30, BF_CONTRACT_MARKS_MAX = 60, BF_CONTRACT_CORRECTIONS_MAX = 40, BF_MARK_SIDE = 10000 };

/* G-17: minor units (分) and an ISO 4217 code. */
#define BF_MONEY_FIELDS(F)                                                                                                               \
    F(MINOR, "minor", INT, BF_F_REQUIRED, 0, INT64_C(100000000000000), FINANCE, "金额（最小单位）", "Minor units")                       \
    F(CURRENCY, "currency", STRING, BF_F_REQUIRED, 3, 3, FINANCE, "币种", "Currency")

/* What the paper says, as somebody typed it: the rep's are in the contract itself, a reviewer's in its draft, replaced ones in its corrections. */
#define BF_FACTS_FIELDS(F)                                                                                                               \
    F(NUMBER, "number", STRING, 0, 1, 60, CONTRACT, "合同编号", "Contract number")                                                       \
    F(AMOUNT, "amount", OBJECT, 0, 0, 0, FINANCE, "合同金额", "Amount", .sub = &bf_money_schema)                                         \
    F(SIGNED_ON, "signed_on", DATE, 0, 0, 0, CONTRACT, "签订日期", "Signed on")                                                          \
    F(PARTIES, "parties", ARRAY, 0, 1, 10, CONTRACT, "签约方", "Parties", .elem = BF_T_STRING, .elem_min = 1, .elem_max = 100)

/* A page as it is now. `id` stays over its versions; `media` is the version's own. */
#define BF_CONTRACT_PAGE_FIELDS(F)                                                                                                       \
    F(ID, "id", UUID, BF_F_REQUIRED | BF_F_V7, 0, 0, NORMAL, "页编号", "Page")                                                           \
    F(MEDIA, "media", UUID, BF_F_REQUIRED | BF_F_V7, 0, 0, NORMAL, "照片", "Medium of this version")                                     \
    F(SHA256, "sha256", SHA256, BF_F_REQUIRED, 0, 0, NORMAL, "SHA-256", "SHA-256")                                                       \
    F(TYPE, "type", STRING, BF_F_REQUIRED, 3, 100, NORMAL, "媒体类型", "Media type")                                                     \
    F(VERSION, "version", INT, BF_F_SERVER, 1, 1000, NORMAL, "版本", "Version")

/* A rectangle on a page's picture, in ten-thousandths of its width and height, with a note. */
#define BF_MARK_FIELDS(F)                                                                                                                \
    F(ID, "id", UUID, BF_F_REQUIRED | BF_F_V7, 0, 0, NORMAL, "标注编号", "Mark")                                                         \
    F(MEDIA, "media", UUID, BF_F_REQUIRED, 0, 0, NORMAL, "照片", "Medium of the page it is on")                                          \
    F(X, "x", INT, BF_F_REQUIRED, 0, BF_MARK_SIDE, NORMAL, "左", "Left")                                                                 \
    F(Y, "y", INT, BF_F_REQUIRED, 0, BF_MARK_SIDE, NORMAL, "上", "Top")                                                                  \
    F(W, "w", INT, BF_F_REQUIRED, 1, BF_MARK_SIDE, NORMAL, "宽", "Width")                                                                \
    F(H, "h", INT, BF_F_REQUIRED, 1, BF_MARK_SIDE, NORMAL, "高", "Height")                                                               \
    F(NOTE, "note", STRING, 0, 0, 200, NORMAL, "说明", "Note")                                                                           \
    F(BY, "by", UUID, BF_F_SERVER, 0, 0, NORMAL, "标注人", "Who marked it")                                                              \
    F(AT, "at", TIME, BF_F_SERVER, 0, 0, NORMAL, "标注时间", "When")

/* Why it was sent back: what the rep is told. */
#define BF_REJECTION_FIELDS(F)                                                                                                           \
    F(CODE, "code", ENUM, BF_F_REQUIRED, 0, 0, NORMAL, "退回原因", "Reason", .words = &bf_enum_rejection_code)                           \
    F(NOTE, "note", STRING, 0, 0, 500, NORMAL, "说明", "In words")                                                                       \
    F(PAGE, "page", UUID, 0, 0, 0, NORMAL, "页", "Page to be taken again")                                                               \
    F(MARK, "mark", UUID, 0, 0, 0, NORMAL, "标注", "Mark on it")                                                                         \
    F(BY, "by", UUID, BF_F_SERVER, 0, 0, NORMAL, "审核人", "Reviewer")                                                                   \
    F(AT, "at", TIME, BF_F_SERVER, 0, 0, NORMAL, "退回时间", "When")

/* What the reviewer reads on the paper where it differs from what was typed. */
#define BF_DRAFT_FIELDS(F)                                                                                                               \
    BF_FACTS_FIELDS(F)                                                                                                                   \
    F(REASON, "reason", STRING, 0, 1, 200, NORMAL, "修改原因", "Reason of the correction")                                               \
    F(BY, "by", UUID, BF_F_SERVER, 0, 0, NORMAL, "审核人", "Reviewer")                                                                   \
    F(AT, "at", TIME, BF_F_SERVER, 0, 0, NORMAL, "时间", "When")

/* What an approval replaced. */
#define BF_CORRECTION_FIELDS(F)                                                                                                          \
    F(BEFORE, "before", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "原值", "What stood there", .sub = &bf_facts_schema)                          \
    F(REASON, "reason", STRING, BF_F_SERVER, 0, 200, NORMAL, "修改原因", "Reason")                                                       \
    F(BY, "by", UUID, BF_F_SERVER, 0, 0, NORMAL, "修改人", "Who corrected it")                                                           \
    F(AT, "at", TIME, BF_F_SERVER, 0, 0, NORMAL, "修改时间", "When")

#define BF_CONTRACT_FIELDS(F)                                                                                                            \
    F(CUSTOMER, "customer", UUID, BF_F_REQUIRED | BF_F_CREATE_ONLY, 0, 0, NORMAL, "客户", "Customer")                                    \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "客户负责人", "Customer's owner")                                   \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(UPLOADER, "uploader", UUID, BF_F_SERVER, 0, 0, NORMAL, "上传人", "Uploader")                                                       \
    /* everybody who ever gave a page: none of them approves it */                                                                      \
    F(UPLOADERS, "uploaders", ARRAY, BF_F_SERVER | BF_F_HIDDEN, 0, 50, NORMAL, "上传过页面的人", "Who gave pages", .elem = BF_T_UUID)    \
    F(NUMBER, "number", STRING, BF_F_REQUIRED, 1, 60, CONTRACT, "合同编号", "Contract number")                                           \
    F(AMOUNT, "amount", OBJECT, BF_F_REQUIRED, 0, 0, FINANCE, "合同金额", "Amount", .sub = &bf_money_schema)                             \
    F(SIGNED_ON, "signed_on", DATE, BF_F_REQUIRED, 0, 0, CONTRACT, "签订日期", "Signed on")                                              \
    F(PARTIES, "parties", ARRAY, BF_F_REQUIRED, 1, 10, CONTRACT, "签约方", "Parties", .elem = BF_T_STRING, .elem_min = 1, .elem_max = 100) \
    F(PAGES, "pages", ARRAY, BF_F_REQUIRED, 1, BF_CONTRACT_PAGES_MAX, NORMAL, "页面", "Pages in order", .elem = BF_T_OBJECT,             \
      .sub = &bf_contract_page_schema)                                                                                                          \
    F(REPLACES, "replaces", UUID, BF_F_CREATE_ONLY, 0, 0, NORMAL, "替代的合同", "Contract that this one replaces")                       \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf_enum_contract_state)                                \
    F(COMPLETE_AT, "complete_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "首次齐全时间", "When it was first complete")                         \
    F(DUE_AT, "due_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "应审核时间", "Review due")                                                     \
    F(CLAIM, "claim", INT, BF_F_SERVER | BF_F_HIDDEN, 0, INT64_MAX, NORMAL, "领取次数", "Claims so far")                                 \
    F(REVIEWER, "reviewer", UUID, BF_F_SERVER, 0, 0, NORMAL, "审核人", "Who holds it, or decided")                                       \
    F(CLAIMED_UNTIL, "claimed_until", TIME, BF_F_SERVER, 0, 0, NORMAL, "领取有效期", "Held until, unless renewed")                       \
    F(RESERVED_FOR, "reserved_for", UUID, BF_F_SERVER, 0, 0, NORMAL, "保留给", "Reserved for")                                           \
    F(RESERVED_UNTIL, "reserved_until", TIME, BF_F_SERVER, 0, 0, NORMAL, "保留至", "Reserved until")                                     \
    F(REJECTION, "rejection", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "退回", "Last rejection", .sub = &bf_rejection_schema)                  \
    F(REJECTIONS, "rejections", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "退回次数", "Times rejected")                                    \
    F(MARKS, "marks", ARRAY, BF_F_SERVER, 0, BF_CONTRACT_MARKS_MAX, NORMAL, "标注", "Marks on pages", .elem = BF_T_OBJECT,               \
      .sub = &bf_mark_schema)                                                                                                          \
    F(DRAFT, "draft", OBJECT, BF_F_SERVER, 0, 0, CONTRACT, "审核草稿", "Reviewer's draft", .sub = &bf_draft_schema)                      \
    F(CORRECTIONS, "corrections", ARRAY, BF_F_SERVER, 0, BF_CONTRACT_CORRECTIONS_MAX, CONTRACT, "更正", "Corrections",                   \
      .elem = BF_T_OBJECT, .sub = &bf_correction_schema)                                                                               \
    F(APPROVED_AT, "approved_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "通过时间", "Approved")                                               \
    F(SUPERSEDED_BY, "superseded_by", UUID, BF_F_SERVER, 0, 0, NORMAL, "被替代", "Contract that replaced it")                            \
    F(DEVICE, "device", UUID, BF_F_CREATE_ONLY, 0, 0, NORMAL, "设备", "Device")                                                          \
    F(CAPTURE_SEQ, "capture_seq", INT, BF_F_CREATE_ONLY, 1, INT64_MAX, NORMAL, "采集序号", "Capture sequence number of the installation") \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "录入时间", "Entered")                                                  \
    F(UPDATED_AT, "updated_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "更新时间", "Changed")                                                  \
    F(REASON, "reason", STRING, 0, 1, 200, NORMAL, "修改原因", "Reason of the change")

/* What a review came to: one record each, never changed. */
#define BF_REVIEW_FIELDS(F)                                                                                                              \
    F(CONTRACT, "contract", UUID, BF_F_SERVER, 0, 0, NORMAL, "合同", "Contract")                                                         \
    F(CUSTOMER, "customer", UUID, BF_F_SERVER, 0, 0, NORMAL, "客户", "Customer")                                                         \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "负责人", "Owner")                                                  \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(REVIEWER, "reviewer", UUID, BF_F_SERVER, 0, 0, NORMAL, "审核人", "Who")                                                            \
    F(OUTCOME, "outcome", ENUM, BF_F_SERVER, 0, 0, NORMAL, "结果", "Outcome", .words = &bf_enum_review_outcome)                          \
    F(REJECTION, "rejection", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "退回", "Why it was sent back", .sub = &bf_rejection_schema)            \
    /* as it was then: the contract's own goes with the picture */                                                                       \
    F(MARK, "mark", OBJECT, BF_F_SERVER, 0, 0, NORMAL, "标注", "Mark that the rejection names", .sub = &bf_mark_schema)                  \
    F(REASON, "reason", STRING, BF_F_SERVER, 0, 200, NORMAL, "原因", "Why it was opened again")                                          \
    F(AT, "at", TIME, BF_F_SERVER, 0, 0, NORMAL, "时间", "When")

#define BF_CONTRACT_STATE_WORDS(X)                                                                                                       \
    X(AWAITING_PAGES, "awaiting_pages", "等待页面", "Awaiting pages")                                                                    \
    X(UPLOADED, "uploaded", "待审核", "To be reviewed")                                                                                  \
    X(IN_REVIEW, "in_review", "审核中", "In review")                                                                                     \
    X(APPROVED, "approved", "已通过", "Approved")                                                                                        \
    X(REJECTED, "rejected", "已退回", "Sent back")                                                                                       \
    X(SUPERSEDED, "superseded", "已被替代", "Superseded")
#define BF_REJECTION_CODE_WORDS(X)                                                                                                       \
    X(UNREADABLE, "unreadable", "看不清", "Unreadable")                                                                                  \
    X(PAGE_MISSING, "page_missing", "缺页", "A page is missing")                                                                         \
    X(WRONG_CUSTOMER, "wrong_customer", "客户不符", "Wrong customer")                                                                    \
    X(AMOUNT_MISMATCH, "amount_mismatch", "金额不符", "The amount does not match")                                                       \
    X(OTHER, "other", "其他", "Other")
#define BF_REVIEW_OUTCOME_WORDS(X)                                                                                                       \
    X(APPROVED, "approved", "通过", "Approved")                                                                                          \
    X(REJECTED, "rejected", "退回", "Sent back")                                                                                         \
    X(REOPENED, "reopened", "重新打开", "Opened again")
