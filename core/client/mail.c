/* SPDX-License-Identifier: Apache-2.0 */
/* A call that is a message for a mail server (RFC 5321), as libcurl sees it. */
#include "core/client/client.h"
#include <stdlib.h>

size_t bf__part_read(char *out, size_t size, size_t n, void *arg)
{
    struct bf__part_reader *r = arg;
    size_t left = r->data.n - r->at, take = size * n < left ? size * n : left;
    if (take > 0)
        memcpy(out, r->data.p + r->at, take);
    r->at += take;
    return take;
}

int bf__part_seek(void *arg, curl_off_t offset, int origin)
{
    struct bf__part_reader *r = arg;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > r->data.n)
        return CURL_SEEKFUNC_CANTSEEK;
    r->at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* One recipient a message: libcurl gives up all of them for one that is refused. */
void bf__mail_make(struct bf__transfer *t)
{
    const struct bf_fetch_mail *mail = t->call->mail;
    t->mail = (struct bf__part_reader){t->call->body, 0};
    t->headers = curl_slist_append(NULL, mail->to);
    if (t->headers == NULL)
        abort();
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(t->easy, CURLOPT_USE_SSL, mail->plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(t->easy, CURLOPT_MAIL_FROM, mail->from);
    curl_easy_setopt(t->easy, CURLOPT_MAIL_RCPT, t->headers);
    curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->call->body.n);
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, bf__part_read);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, &t->mail);
    curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, bf__part_seek);
    curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, &t->mail);
    if (mail->user != NULL && mail->user[0] != '\0') {
        curl_easy_setopt(t->easy, CURLOPT_USERNAME, mail->user);
        curl_easy_setopt(t->easy, CURLOPT_PASSWORD, mail->password);
    }
}

/* The last line of the dialogue with that code; its answer to our QUIT may stand behind it. */
static struct bf_str line_of(struct bf_str head, long code)
{
    struct bf_str found = {NULL, 0};
    char digits[8];
    snprintf(digits, sizeof digits, "%03ld", code);
    while (head.n > 0) {
        const char *end = memchr(head.p, '\n', head.n);
        size_t n = end == NULL ? head.n : (size_t)(end - head.p) + 1;
        if (bf_str_starts(bf_str(head.p, n), bf_str(digits, 3)))
            found = bf_str(head.p, n);
        head = bf_str(head.p + n, head.n - n);
    }
    while (found.n > 0 && (found.p[found.n - 1] == '\n' || found.p[found.n - 1] == '\r'))
        found.n--;
    return found;
}

bool bf__mail_is_answered(struct bf__transfer *t, CURLcode code)
{
    long reply = 0;
    if (t->call->mail == NULL || t->too_large)
        return false;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &reply);
    if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_PEER_FAILED_VERIFICATION || (code != CURLE_OK && reply < 400))
        return false;
    t->call->answer = line_of(bf_buf_str(&t->head), reply);
    return true;
}
