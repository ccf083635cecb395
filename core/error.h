/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors are values: a status from one table, and a cause that a person can act on.
 *
 * The table gives each status its stable code (what API clients compare), its HTTP status and its title in both languages, so that a
 * problem+json answer, a log line and an exit message are all read from the same row. A function that can fail returns `enum bf_status`
 * (0 or negative) and fills a `struct bf_error` that the caller allocated; on success the error is left untouched.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>

/* X(name, HTTP status, code, English title, Chinese title) */
#define BF_STATUS_MAP(X)                                                                                                               \
    X(INVALID_BODY, 400, "invalid_body", "The request body is not valid", "请求内容无效")                                              \
    X(INVALID_QUERY, 400, "invalid_query", "A query parameter is not valid", "查询参数无效")                                           \
    X(INVALID_HEADER, 400, "invalid_header", "A request header is not valid", "请求头无效")                                            \
    X(INVALID_PATH, 400, "invalid_path", "The path is not valid", "路径无效")                                                          \
    X(UNAUTHENTICATED, 401, "unauthenticated", "Sign in first", "请先登录")                                                            \
    X(TOKEN_EXPIRED, 401, "token_expired", "The access token has expired", "访问令牌已过期")                                           \
    X(WRONG_CREDENTIALS, 401, "wrong_credentials", "Company, user name or password is wrong", "公司、用户名或密码错误")                \
    X(FORBIDDEN, 403, "forbidden", "You may not do this", "没有权限")                                                                  \
    X(CROSS_ORIGIN, 403, "cross_origin", "The request comes from another site", "请求来自其他网站")                                      \
    X(CSRF_TOKEN, 403, "csrf_token", "The page's token is missing or out of date", "页面令牌缺失或已过期")                              \
    X(PASSWORD_CHANGE_REQUIRED, 403, "password_change_required", "Change your password first", "请先修改初始密码")                     \
    X(NOT_FOUND, 404, "not_found", "There is no such record", "记录不存在")                                                            \
    X(METHOD_NOT_ALLOWED, 405, "method_not_allowed", "This method is not allowed here", "不支持该方法")                                \
    X(NOT_ACCEPTABLE, 406, "not_acceptable", "None of the accepted types can be served", "无法提供所需格式")                           \
    X(TIMEOUT, 408, "timeout", "The request took too long to arrive", "请求超时")                                                      \
    X(CONFLICT, 409, "conflict", "The record is in a state that forbids this", "当前状态不允许此操作")                                 \
    X(ID_REUSED, 409, "id_reused", "This id was used for another request", "该编号已用于其他请求")                                     \
    X(DUPLICATE, 409, "duplicate", "A record with this value exists", "已存在相同的记录")                                              \
    X(RESYNC, 409, "resync", "The cursor is no longer valid; start again", "游标已失效，请重新同步")                                   \
    X(OFFSET_MISMATCH, 409, "offset_mismatch", "The upload is at another offset", "上传位置不一致")                                    \
    X(GONE, 410, "gone", "The record is gone", "记录已被清除")                                                                         \
    X(STALE, 412, "stale", "The record was changed meanwhile", "记录已被他人修改")                                                     \
    X(TUS_VERSION, 412, "tus_version", "This version of tus is not supported", "不支持该上传协议版本")                                 \
    X(TOO_LARGE, 413, "too_large", "The content is too large", "内容过大")                                                             \
    X(UNSUPPORTED_TYPE, 415, "unsupported_type", "This media type is not supported", "不支持该类型")                                   \
    X(RANGE, 416, "range_not_satisfiable", "The range is outside the content", "请求范围无效")                                         \
    X(UNPROCESSABLE, 422, "unprocessable", "The content cannot be processed", "内容无法处理")                                          \
    X(CHECKSUM, 460, "checksum_mismatch", "The checksum does not match", "校验和不符")                                                 \
    X(LOCKED, 423, "locked", "Another request holds this", "资源正被占用")                                                             \
    X(PRECONDITION_REQUIRED, 428, "precondition_required", "If-Match or Idempotency-Key is required", "缺少 If-Match 或 Idempotency-Key") \
    X(THROTTLED, 429, "throttled", "Too many requests; wait", "请求过于频繁，请稍后再试")                                              \
    X(QUOTA, 413, "quota_exceeded", "The upload quota is used up", "上传额度已用完")                                                   \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large", "The request headers are too large", "请求头过大")                                  \
    X(INTERNAL, 500, "internal", "The server made a mistake", "服务器内部错误")                                                        \
    X(NOT_SUPPORTED, 501, "not_supported", "The server does not do this", "服务器不支持该操作")                                        \
    X(UPSTREAM, 502, "upstream", "A service we depend on answered badly", "依赖的服务返回异常")                                        \
    X(UNAVAILABLE, 503, "unavailable", "The server is busy or stopping", "服务繁忙，请稍后再试")                                       \
    X(UNKNOWN_OUTCOME, 503, "unknown_outcome", "The outcome is not known; ask again with the same id", "结果未知，请用同一编号重试")   \
    X(DEADLINE, 504, "deadline", "The deadline passed", "处理超时")                                                                    \
    X(NO_SPACE, 507, "no_space", "The server has no space left", "服务器空间不足")                                                     \
    X(IO, 500, "io", "Reading or writing failed", "读写失败")                                                                          \
    X(CORRUPT, 500, "corrupt", "Stored data is damaged", "存储数据已损坏")                                                             \
    X(CONFIG, 500, "config", "The configuration is not valid", "配置无效")                                                             \
    X(EXISTS, 409, "exists", "It exists already", "已存在")                                                                            \
    X(CANCELLED, 503, "cancelled", "The operation was cancelled", "操作已取消")

enum bf_status_index {
#define X(name, http, code, en, zh) BF_IX_##name,
    BF_STATUS_MAP(X)
#undef X
        BF_IX_COUNT
};

/* What can be wrong with one field: X(code, English words, Chinese words). A maker of errors says more in English ("at most 80 characters"), which
 * English callers and the log get; others get these words. */
#define BF_FIELD_CODE_MAP(X)                                                                                                           \
    X("required", "this is required", "此项必填")                                                                                      \
    X("null", "this may not be null", "此项不能为空值")                                                                                \
    X("blank", "this says nothing", "此项不能为空白")                                                                                  \
    X("unknown", "there is no such record", "所指的记录不存在或无权查看")                                                              \
    X("unknown_field", "there is no such field here", "没有此字段或参数")                                                              \
    X("unknown_word", "this is not one of the words", "不是可选的值")                                                                  \
    X("read_only", "this cannot be written", "此项不可写")                                                                             \
    X("immutable", "this never changes", "此项不可修改")                                                                               \
    X("wrong_type", "this is of another type", "类型不对")                                                                             \
    X("too_short", "this is too short", "内容太短")                                                                                    \
    X("too_long", "this is too long", "内容太长")                                                                                      \
    X("too_small", "this is too small", "数值太小")                                                                                    \
    X("too_large", "this is too large", "数值太大")                                                                                    \
    X("bad_time", "this is no time", "时间格式不对")                                                                                   \
    X("bad_date", "this is no date", "日期格式不对")                                                                                   \
    X("bad_wall_time", "this is no wall time", "当地时间无效")                                                                         \
    X("bad_zone", "this is no time zone", "时区无效")                                                                                  \
    X("bad_uuid", "this is no id", "编号格式不对")                                                                                     \
    X("bad_sha256", "this is no SHA-256", "SHA-256 校验值格式不对")                                                                    \
    X("bad_base64", "this is no base64", "base64 编码不对")                                                                            \
    X("bad_character", "this holds characters that are not allowed", "含有不允许的字符")                                               \
    X("bad_phone", "this is no telephone number", "电话号码无效")                                                                      \
    X("bad_email", "this is no email address", "邮箱地址无效")                                                                         \
    X("bad_url", "this is no address of this server", "不是本服务器的地址")                                                            \
    X("bad_type", "this is no media type", "媒体类型格式不对")                                                                         \
    X("bad_key", "this is no key of its kind", "密钥无效")                                                                             \
    X("unreachable", "this address cannot be reached", "此地址无法送达")                                                               \
    X("id_reused", "this id was used before", "此编号已被使用")                                                                        \
    X("bad_etag", "this is no ETag as it was given", "ETag 与服务器给出的不符")                                                        \
    X("bad_cursor", "this is no cursor as it was given", "游标与服务器给出的不符")                                                     \
    X("unsupported_type", "this type is not taken", "不支持此类型")                                                                    \
    X("duplicate", "this is named twice", "重复")                                                                                      \
    X("in_past", "this lies in the past", "时间已过去")                                                                                \
    X("after_capture", "this is later than the capture", "晚于记录时间")                                                               \
    X("consent_required", "consent is needed", "录音须先取得同意")                                                                     \
    X("no_change", "nothing would change", "没有任何改动")                                                                             \
    X("primary_needed", "a customer keeps a primary contact", "客户须保留一位主要联系人")                                              \
    X("forbidden", "this is not allowed to the caller", "没有权限填写此项")                                                            \
    X("wrong_state", "the record is in a state that forbids this", "当前状态不允许此操作")                                              \
    X("held", "somebody else holds this", "已由他人领取")                                                                               \
    X("not_held", "this is not held by the caller", "尚未领取或领取已过期")                                                             \
    X("reserved", "this is reserved for somebody else", "已保留给其他人")                                                               \
    X("own_page", "who gave a page of it does not review it", "不能审核自己上传的合同")                                                 \
    X("too_many", "there are as many as there may be", "数量已达上限")                                                                  \
    X("bad_currency", "this is no currency code", "币种代码无效")                                                                       \
    X("bad_period", "these are no such days", "末日须不早于首日和今天，且最长 100 天")                                                       \
    X("bad_deputy", "this person cannot stand in", "此人不能代理：须在职，且能看到您看到的全部")                                       \
    X("wrong", "this is not right", "不正确")                                                                                          \
    X("common_password", "this password is too common", "密码过于常见")                                                                \
    X("contains_name", "the password holds the user name", "密码中含有用户名")                                                         \
    X("too_simple", "this password is too simple", "密码过于简单")

enum bf_status {
    BF_OK = 0,
#define X(name, http, code, en, zh) BF_E_##name = -1 - BF_IX_##name,
    BF_STATUS_MAP(X)
#undef X
};

enum bf_lang { BF_LANG_ZH, BF_LANG_EN };

enum { BF_ERROR_FIELDS_MAX = 8, BF_CAUSE_MAX = 240 };

/* One field at fault: where (RFC 6901 JSON pointer, or the name of a header or query parameter), a stable code of the table above, and words. */
struct bf_field_error {
    char pointer[96];
    char code[32];
    char detail[120];
};

struct bf_error {
    enum bf_status status;
    char cause[BF_CAUSE_MAX]; /* English; for the log and, where the status is below 500, for the caller */
    int retry_after_s;        /* 0: none */
    unsigned n_fields;
    struct bf_field_error fields[BF_ERROR_FIELDS_MAX];
};

/* Sets status and cause (printf style, cut at BF_CAUSE_MAX) and clears the fields. `e` may be NULL. Returns `status`, so that
 * `return bf_fail(e, BF_E_IO, "...")` reads well. */
enum bf_status bf_fail(struct bf_error *e, enum bf_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Appends a field at fault; beyond BF_ERROR_FIELDS_MAX it is dropped. Sets `status` when the error had none. Returns e->status. */
enum bf_status bf_fail_field(struct bf_error *e, enum bf_status status, const char *pointer, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* As bf_fail, with ": strerror(errno_value)" appended; ENOSPC and EDQUOT become BF_E_NO_SPACE whatever `status` says. */
enum bf_status bf_fail_errno(struct bf_error *e, enum bf_status status, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

int bf_status_http(enum bf_status status);         /* 200 for BF_OK */
const char *bf_status_code(enum bf_status status); /* "ok" for BF_OK */
const char *bf_status_title(enum bf_status status, enum bf_lang lang);
/* The table's words for a field's code; for a code that is not in it, that the field is not valid. */
const char *bf_field_words(const char *code, enum bf_lang lang);
