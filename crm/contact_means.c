/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/contact_means.h"

enum { PHONE_MAX = 40, DIGITS_MIN = 7, DIGITS_MAX = 15, EXTENSION_MAX = 6, MOBILE_DIGITS = 11 };
enum { EMAIL_MAX = 254, LOCAL_MAX = 64, LABEL_MAX = 63 }; /* RFC 5321 section 4.5.3.1 */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* ---- telephone ---- */

struct plain {
    char p[PHONE_MAX];
    size_t n;
};

/* Full-width forms (U+FF01 to U+FF5E, as Chinese keyboards give them) and the ideographic space to ASCII. False when it grows too long. */
static bool to_plain(struct bf_str s, struct plain *ret)
{
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char *u = (const unsigned char *)s.p + i;
        char c = s.p[i];
        if (s.n - i >= 3 && u[0] == 0xef && (u[1] == 0xbc || (u[1] == 0xbd && u[2] <= 0x9e))) {
            c = (char)((u[1] == 0xbc ? 0x20 + (u[2] - 0x80) : 0x60 + (u[2] - 0x80)));
            i += 2;
        } else if (s.n - i >= 3 && u[0] == 0xe3 && u[1] == 0x80 && u[2] == 0x80) {
            c = ' ';
            i += 2;
        }
        if (ret->n == sizeof ret->p)
            return false;
        ret->p[ret->n++] = c;
    }
    return true;
}

static bool ends_with_digits(struct bf_str s, size_t *ret)
{
    size_t n = 0;
    while (n < s.n && is_digit(s.p[s.n - 1 - n]))
        n++;
    *ret = n;
    return n > 0 && n <= EXTENSION_MAX;
}

/* "转802", "x802", "ext. 802" at the end; its start, or s.n when there is none. */
static size_t before_extension(struct bf_str s)
{
    static const char *const marks[] = {"转", "ext.", "ext", "x"};
    size_t digits;
    if (!ends_with_digits(s, &digits))
        return s.n;
    size_t end = s.n - digits;
    while (end > 0 && s.p[end - 1] == ' ')
        end--;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t n = strlen(marks[i]);
        if (end >= n && bf_str_ieq(bf_str(s.p + end - n, n), bf_strz(marks[i])))
            return end - n;
    }
    return s.n;
}

/* Digits with single separators between; the digits go to `ret`. */
static bool digits_of(struct bf_str s, struct plain *ret)
{
    bool separated = true;
    for (size_t i = 0; i < s.n; i++) {
        if (is_digit(s.p[i])) {
            ret->p[ret->n++] = s.p[i];
            separated = false;
        } else if (strchr("-. ", s.p[i]) != NULL && s.p[i] != '\0') {
            if (separated)
                return false;
            separated = true;
        } else if (s.p[i] != '(' && s.p[i] != ')') {
            return false;
        }
    }
    return !separated;
}

static struct bf_str trim(struct bf_str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = bf_str(s.p + 1, s.n - 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

bool bf_phone_is_valid(struct bf_str s)
{
    struct plain text = {.n = 0}, digits = {.n = 0};
    if (!to_plain(s, &text))
        return false;
    struct bf_str number = trim(bf_str(text.p, text.n));
    number.n = before_extension(number);
    number = trim(number);
    bool international = number.n > 0 && number.p[0] == '+';
    if (international)
        number = bf_str(number.p + 1, number.n - 1);
    if (!digits_of(number, &digits) || digits.n < DIGITS_MIN || digits.n > DIGITS_MAX)
        return false;
    return international || digits.p[0] != '1' || (digits.n == MOBILE_DIGITS && digits.p[1] >= '3');
}

/* ---- email ---- */

/* RFC 5322 atext, ASCII only. */
static bool is_atext(char c) { return is_letter(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL); }

static bool is_dot_string(struct bf_str s)
{
    bool after_dot = true;
    if (s.n > LOCAL_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' ? after_dot : !is_atext(s.p[i]))
            return false;
        after_dot = s.p[i] == '.';
    }
    return !after_dot;
}

/* RFC 1123: letters, digits and inner hyphens. */
static bool is_label(struct bf_str s)
{
    if (s.n == 0 || s.n > LABEL_MAX || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

/* At least two labels; the last is no number. */
static bool is_domain(struct bf_str s)
{
    unsigned labels = 0;
    for (;;) {
        const char *dot = s.n == 0 ? NULL : memchr(s.p, '.', s.n);
        struct bf_str label = bf_str(s.p, dot == NULL ? s.n : (size_t)(dot - s.p));
        if (!is_label(label))
            return false;
        labels++;
        if (dot == NULL)
            return labels >= 2 && !is_digit(label.p[0]);
        s = bf_str(dot + 1, s.n - label.n - 1);
    }
}

bool bf_email_is_valid(struct bf_str s)
{
    const char *at = s.n == 0 || s.n > EMAIL_MAX ? NULL : memchr(s.p, '@', s.n);
    if (at == NULL)
        return false;
    size_t local = (size_t)(at - s.p);
    return is_dot_string(bf_str(s.p, local)) && is_domain(bf_str(at + 1, s.n - local - 1));
}
