/* SPDX-License-Identifier: Apache-2.0 */
#include "push/mail.h"
#include "core/arena.h"
#include "crm/entities.h"
#include <time.h>

enum {
    MAIL_BYTES_MAX = 128 * 1024,
    WORD_BYTES = 39, /* of an encoded word, so that no line is longer than 76 characters (RFC 2047 section 2) */
    LINE_BYTES = 57, /* of a line of base64, 76 characters */
};

#define CRLF "\r\n"

/* ---- headers ---- */

/* As many bytes as fit, cut between characters. */
static size_t cut(struct bf_str s)
{
    size_t n = s.n < WORD_BYTES ? s.n : WORD_BYTES;
    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return n > 0 ? n : s.n < WORD_BYTES ? s.n : WORD_BYTES;
}

/* RFC 2047: encoded words, folded. What is a line break or the like is a space. */
static void add_words(struct bf_buf *out, struct bf_str s)
{
    char plain[WORD_BYTES + 1], encoded[WORD_BYTES / 3 * 4 + 5];
    for (bool first = true; s.n > 0; first = false) {
        size_t n = cut(s);
        for (size_t i = 0; i < n; i++)
            plain[i] = (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i];
        bf_base64(plain, n, encoded);
        bf_buf_printf(out, "%s=?UTF-8?B?%s?=", first ? "" : CRLF " ", encoded);
        s = bf_str(s.p + n, s.n - n);
    }
}

static void add_date(struct bf_buf *out, int64_t ms)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t at = (time_t)(ms / 1000);
    struct tm t;
    gmtime_r(&at, &t);
    bf_buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000" CRLF, days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour,
                  t.tm_min, t.tm_sec);
}

static struct bf_str domain_of(struct bf_str address)
{
    const char *at = memchr(address.p, '@', address.n);
    return at == NULL ? address : bf_str(at + 1, address.n - (size_t)(at + 1 - address.p));
}

static void add_headers(struct bf_buf *out, const struct bf__mail *mail, struct bf_str title, const char *id)
{
    bf_buf_addz(out, "From: ");
    add_words(out, mail->from_name);
    bf_buf_printf(out, " <%.*s>" CRLF "To: <%.*s>" CRLF "Subject: ", BF_FMT(mail->from), BF_FMT(mail->to));
    add_words(out, title);
    bf_buf_addz(out, CRLF);
    add_date(out, bf_get_int(&mail->notification->object, BF_NOTIFICATION_CREATED_AT));
    bf_buf_printf(out, "Message-ID: <%s@%.*s>" CRLF, id, BF_FMT(domain_of(mail->from)));
    bf_buf_printf(out, "List-Unsubscribe: <%.*s>" CRLF "List-Unsubscribe-Post: List-Unsubscribe=One-Click" CRLF, BF_FMT(mail->unsubscribe));
    bf_buf_printf(out, "Auto-Submitted: auto-generated" CRLF "MIME-Version: 1.0" CRLF "Content-Type: multipart/alternative; boundary=\"=_%s\"" CRLF CRLF, id);
}

/* ---- parts ---- */

static void add_part(struct bf_buf *out, const char *id, const char *type, struct bf_str content)
{
    char line[LINE_BYTES / 3 * 4 + 1];
    bf_buf_printf(out, "--=_%s" CRLF "Content-Type: %s; charset=utf-8" CRLF "Content-Transfer-Encoding: base64" CRLF CRLF, id, type);
    for (size_t at = 0; at < content.n; at += LINE_BYTES) {
        bf_base64(content.p + at, content.n - at < LINE_BYTES ? content.n - at : LINE_BYTES, line);
        bf_buf_printf(out, "%s" CRLF, line);
    }
}

static const char *farewell(bool english) { return english ? "No more mail of this kind" : "不再接收此类邮件"; }

/* Text has its lines ended by CRLF before it is encoded, too (RFC 2046 section 4.1.1). */
static void add_lines(struct bf_buf *out, struct bf_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\n')
            bf_buf_addz(out, CRLF);
        else if (s.p[i] != '\r')
            bf_buf_addc(out, s.p[i]);
}

static void write_text(struct bf_buf *out, const struct bf__mail *mail, struct bf_str title)
{
    add_lines(out, title);
    bf_buf_addz(out, CRLF CRLF);
    add_lines(out, bf_get_str(&mail->notification->object, BF_NOTIFICATION_BODY));
    bf_buf_printf(out, CRLF CRLF "-- " CRLF "%s: %.*s" CRLF, farewell(mail->english), BF_FMT(mail->unsubscribe));
}

static void add_escaped(struct bf_buf *out, struct bf_str s)
{
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '&':
            bf_buf_addz(out, "&amp;");
            break;
        case '<':
            bf_buf_addz(out, "&lt;");
            break;
        case '>':
            bf_buf_addz(out, "&gt;");
            break;
        case '"':
            bf_buf_addz(out, "&quot;");
            break;
        case '\n':
            bf_buf_addz(out, "<br>" CRLF);
            break;
        default:
            bf_buf_addc(out, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
        }
}

static void write_html(struct bf_buf *out, const struct bf__mail *mail, struct bf_str title)
{
    bf_buf_printf(out, "<!doctype html>" CRLF "<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>", mail->english ? "en" : "zh-CN");
    add_escaped(out, title);
    bf_buf_addz(out, "</title></head><body>" CRLF "<h2>");
    add_escaped(out, title);
    bf_buf_addz(out, "</h2>" CRLF "<p>");
    add_escaped(out, bf_get_str(&mail->notification->object, BF_NOTIFICATION_BODY));
    bf_buf_addz(out, "</p>" CRLF "<hr><p><a href=\"");
    add_escaped(out, mail->unsubscribe);
    bf_buf_printf(out, "\">%s</a></p>" CRLF "</body></html>" CRLF, farewell(mail->english));
}

static struct bf_str title_of(const struct bf__mail *mail)
{
    const struct bf_object *o = &mail->notification->object;
    struct bf_str title = bf_get_str(o, BF_NOTIFICATION_TITLE);
    const struct bf_word *kind = &bf_enum_notification_kind.words[bf_get_enum(o, BF_NOTIFICATION_KIND)];
    return title.n > 0 ? title : bf_strz(mail->english ? kind->en : kind->zh);
}

struct bf_str bf__mail_write(const struct bf__mail *mail, struct bf_arena *arena)
{
    struct bf_buf out, part;
    char id[BF_UUID_TEXT];
    struct bf_str title = title_of(mail);
    bf_uuid_text(&mail->id, id);
    bf_buf_init(&out, MAIL_BYTES_MAX);
    bf_buf_init(&part, MAIL_BYTES_MAX);
    add_headers(&out, mail, title, id);
    write_text(&part, mail, title);
    add_part(&out, id, "text/plain", bf_buf_str(&part));
    bf_buf_reset(&part);
    write_html(&part, mail, title);
    add_part(&out, id, "text/html", bf_buf_str(&part));
    bf_buf_printf(&out, "--=_%s--" CRLF, id);
    struct bf_str message = bf_str_dup(arena, bf_buf_str(&out));
    bf_buf_finish(&part);
    bf_buf_finish(&out);
    return message;
}
