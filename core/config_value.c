/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_value.h"
#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>

static void put_text(struct bf_config_value *v, struct bf_str text)
{
    char *copy = malloc(text.n + 1);
    if (copy == NULL)
        abort();
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (v->text != NULL)
        bf__config_free_text(v->text, v->n);
    v->text = copy;
    v->n = text.n;
}

void bf__config_free_text(char *text, size_t n)
{
    sodium_memzero(text, n);
    free(text);
}

static bool parse_int(struct bf_str s, int64_t *ret)
{
    uint64_t size;
    bool negative = s.n > 0 && s.p[0] == '-';
    if (!bf_str_u64(bf_str(s.p + negative, s.n - negative), INT64_MAX, &size))
        return false;
    *ret = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

static bool parse_bool(struct bf_str s, int64_t *ret)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (bf_str_eqz(s, words[i])) {
            *ret = i % 2;
            return true;
        }
    return false;
}

/* Is `s` one of the words of "a|b|c"? */
static bool is_word(const char *words, struct bf_str s)
{
    for (const char *at = words;; at++) {
        size_t n = strcspn(at, "|");
        if (bf_str_eq(bf_str(at, n), s))
            return true;
        at += n;
        if (*at == '\0')
            return false;
    }
}

static enum bf_status check_length(const struct bf_config_row *row, size_t n, struct bf_error *e)
{
    int64_t max = row->type == BF_CF_PATH ? PATH_MAX - 1 : row->max;
    bool limited = row->type == BF_CF_PATH || row->min != 0 || row->max != 0;
    if (limited && ((int64_t)n < row->min || (int64_t)n > max))
        return bf_fail(e, BF_E_CONFIG, "%s.%s must have %lld to %lld bytes, not %zu", row->section, row->key, (long long)row->min,
                       (long long)max, n);
    return BF_OK;
}

enum bf_status bf__config_set(struct bf_config_value *v, struct bf_str text, struct bf_error *e)
{
    const struct bf_config_row *row = v->row;
    int shown = text.n > 60 ? 60 : (int)text.n;
    int64_t i = 0;
    enum bf_status status = BF_OK;
    switch (row->type) {
    case BF_CF_INT:
        if (!parse_int(text, &i))
            status = bf_fail(e, BF_E_CONFIG, "%s.%s must be a whole number, not \"%.*s\"", row->section, row->key, shown, text.p);
        else if (i < row->min || i > row->max)
            status = bf_fail(e, BF_E_CONFIG, "%s.%s must be %lld to %lld, not %lld", row->section, row->key, (long long)row->min,
                             (long long)row->max, (long long)i);
        break;
    case BF_CF_BOOL:
        if (!parse_bool(text, &i))
            status = bf_fail(e, BF_E_CONFIG, "%s.%s must be yes or no, not \"%.*s\"", row->section, row->key, shown, text.p);
        break;
    case BF_CF_WORD:
        if (!is_word(row->words, text))
            status = bf_fail(e, BF_E_CONFIG, "%s.%s must be one of %s, not \"%.*s\"", row->section, row->key, row->words, shown, text.p);
        break;
    case BF_CF_STR:
    case BF_CF_PATH:
    case BF_CF_SECRET:
    case BF_CF_URI:
        status = check_length(row, text.n, e);
        break;
    }
    if (status != BF_OK)
        return status;
    v->i = i;
    put_text(v, text);
    return BF_OK;
}

bool bf_config_has_password(struct bf_str uri)
{
    const char *slashes = uri.n < 3 ? NULL : memmem(uri.p, uri.n, "://", 3);
    if (slashes == NULL)
        return false;
    if (strcasestr(uri.p, "password=") != NULL)
        return true;
    struct bf_str rest = bf_str(slashes + 3, uri.n - (size_t)(slashes + 3 - uri.p));
    const char *at = memchr(rest.p, '@', rest.n);
    return at != NULL && memchr(rest.p, ':', (size_t)(at - rest.p)) != NULL;
}

static void name_variable(struct bf_config_value *v)
{
    int n = snprintf(v->variable, sizeof v->variable, "BAIFANG_%s_%s", v->row->section, v->row->key);
    assert(n > 0 && (size_t)n < sizeof v->variable);
    for (char *p = v->variable; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
}

void bf__config_init(struct bf_config_value *v, const struct bf_config_row *row)
{
    struct bf_error e;
    *v = (struct bf_config_value){.row = row};
    name_variable(v);
    assert(row->type != BF_CF_WORD || row->def != NULL);
    if (row->def == NULL) {
        put_text(v, BF_STR(""));
        return;
    }
    enum bf_status status = bf__config_set(v, bf_strz(row->def), &e);
    assert(status == BF_OK); /* a default outside its own range */
    (void)status;
}

void bf__config_finish(struct bf_config_value *v)
{
    bf__config_free_text(v->text, v->n);
    v->text = NULL;
}
