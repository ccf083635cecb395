/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common_passwords.txt: the 30,000 most frequent passwords as ranked by zxcvbn 4.5.0 (MIT, Dropbox and Daniel Wolf; from public leaks), lower
 * case, of six characters or more, sorted.
 */
#include "access/password.h"
#include "core/text.h"
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

__asm__(".section .rodata\n"
        "bf_common_passwords_begin:\n"
        ".incbin \"access/common_passwords.txt\"\n"
        "bf_common_passwords_end:\n"
        ".previous\n");
extern const char bf_common_passwords_begin[], bf_common_passwords_end[];

enum { WORD_MAX = 200, DISTINCT_MIN = 5 };

struct bf_passwords {
    unsigned n;
    struct bf_str words[];
};

struct bf_passwords *bf_passwords_create(void)
{
    unsigned n = 0;
    for (const char *p = bf_common_passwords_begin; p < bf_common_passwords_end; p++)
        n += *p == '\n';
    struct bf_passwords *list = calloc(1, sizeof *list + n * sizeof list->words[0]);
    if (list == NULL)
        abort();
    for (const char *p = bf_common_passwords_begin; p < bf_common_passwords_end;) {
        const char *end = memchr(p, '\n', (size_t)(bf_common_passwords_end - p));
        assert(end != NULL);
        list->words[list->n++] = bf_str(p, (size_t)(end - p));
        p = end + 1;
    }
    return list;
}

void bf_passwords_destroy(struct bf_passwords **passwords)
{
    free(*passwords);
    *passwords = NULL;
}

static int compare(const void *a, const void *b)
{
    const struct bf_str *x = a, *y = b;
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return order != 0 ? order : x->n < y->n ? -1 : x->n > y->n;
}

static bool listed(const struct bf_passwords *list, struct bf_str word)
{
    return bsearch(&word, list->words, list->n, sizeof list->words[0], compare) != NULL;
}

/* A common password, also with digits and signs hung on, or written twice. */
static bool is_common(const struct bf_passwords *list, struct bf_str word)
{
    struct bf_str stem = word;
    while (stem.n > 0 && !isalpha((unsigned char)stem.p[stem.n - 1]))
        stem.n--;
    return listed(list, word) || (stem.n >= 6 && listed(list, stem)) ||
           (word.n % 2 == 0 && memcmp(word.p, word.p + word.n / 2, word.n / 2) == 0 && listed(list, bf_str(word.p, word.n / 2)));
}

static unsigned distinct_bytes(struct bf_str word)
{
    bool seen[256] = {false};
    unsigned n = 0;
    for (size_t i = 0; i < word.n; i++) {
        bool *s = &seen[(unsigned char)word.p[i]];
        n += !*s;
        *s = true;
    }
    return n;
}

enum bf_status bf_password_accept(const struct bf_passwords *list, struct bf_str password, struct bf_str login, unsigned chars_min,
                                  struct bf_error *e)
{
    static const char at[] = "/new_password";
    char lower[WORD_MAX];
    if (!bf_text_is_utf8(password) || password.n > sizeof lower)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, at, "too_long", "at most %d bytes of UTF-8", WORD_MAX);
    if (bf_text_length(password) < chars_min)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, at, "too_short", "at least %u characters", chars_min);
    for (size_t i = 0; i < password.n; i++)
        lower[i] = (char)tolower((unsigned char)password.p[i]);
    struct bf_str word = bf_str(lower, password.n);
    if (is_common(list, word))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, at, "common_password", "this is one of the passwords that everybody tries first");
    if (login.n >= 3 && memmem(word.p, word.n, login.p, login.n) != NULL)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, at, "contains_name", "it contains the user name");
    if (distinct_bytes(word) < DISTINCT_MIN)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, at, "too_simple", "it uses fewer than %d different characters", DISTINCT_MIN);
    return BF_OK;
}
