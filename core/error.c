/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int http;
    const char *code, *en, *zh;
} table[] = {
#define X(name, http, code, en, zh) {http, code, en, zh},
    BF_STATUS_MAP(X)
#undef X
};

static int row(enum bf_status status)
{
    int i = -(int)status - 1;
    assert(i >= 0 && i < BF_IX_COUNT);
    return i;
}

int bf_status_http(enum bf_status status) { return status == BF_OK ? 200 : table[row(status)].http; }

const char *bf_status_code(enum bf_status status) { return status == BF_OK ? "ok" : table[row(status)].code; }

const char *bf_status_title(enum bf_status status, enum bf_lang lang)
{
    if (status == BF_OK)
        return "OK";
    return lang == BF_LANG_ZH ? table[row(status)].zh : table[row(status)].en;
}

const char *bf_field_words(const char *code, enum bf_lang lang)
{
    static const struct {
        const char *code, *en, *zh;
    } words[] = {
#define X(code, en, zh) {code, en, zh},
        BF_FIELD_CODE_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].code, code) == 0)
            return lang == BF_LANG_ZH ? words[i].zh : words[i].en;
    return lang == BF_LANG_ZH ? "此项无效" : "this is not valid";
}

enum bf_status bf_fail(struct bf_error *e, enum bf_status status, const char *fmt, ...)
{
    if (e != NULL) {
        va_list ap;
        *e = (struct bf_error){.status = status};
        va_start(ap, fmt);
        vsnprintf(e->cause, sizeof e->cause, fmt, ap);
        va_end(ap);
    }
    return status;
}

enum bf_status bf_fail_field(struct bf_error *e, enum bf_status status, const char *pointer, const char *code, const char *fmt, ...)
{
    if (e == NULL)
        return status;
    if (e->status == BF_OK) {
        *e = (struct bf_error){.status = status};
        snprintf(e->cause, sizeof e->cause, "%s", bf_status_title(status, BF_LANG_EN));
    }
    if (e->n_fields < BF_ERROR_FIELDS_MAX) {
        struct bf_field_error *f = &e->fields[e->n_fields++];
        va_list ap;
        snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
        snprintf(f->code, sizeof f->code, "%s", code);
        va_start(ap, fmt);
        vsnprintf(f->detail, sizeof f->detail, fmt, ap);
        va_end(ap);
    }
    return e->status;
}

enum bf_status bf_fail_errno(struct bf_error *e, enum bf_status status, int errno_value, const char *fmt, ...)
{
    if (errno_value == ENOSPC || errno_value == EDQUOT)
        status = BF_E_NO_SPACE;
    if (e != NULL) {
        va_list ap;
        char reason[80];
        *e = (struct bf_error){.status = status};
        va_start(ap, fmt);
        int n = vsnprintf(e->cause, sizeof e->cause, fmt, ap);
        va_end(ap);
        const char *why = strerror_r(errno_value, reason, sizeof reason);
        if (n >= 0 && (size_t)n < sizeof e->cause)
            snprintf(e->cause + n, sizeof e->cause - (size_t)n, ": %s", why);
    }
    return status;
}
