/* SPDX-License-Identifier: Apache-2.0 */
#include "core/client/client.h"
#include <string.h>

enum { RETRY_AFTER_MS_MAX = 24 * 3600 * 1000 };

static struct bf_str trim(struct bf_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = bf_str(s.p + 1, s.n - 1);
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
        s.n--;
    return s;
}

static struct bf_str next_line(struct bf_str *text)
{
    const char *end = text->n == 0 ? NULL : memchr(text->p, '\n', text->n);
    size_t n = end == NULL ? text->n : (size_t)(end - text->p) + 1;
    struct bf_str line = bf_str(text->p, n);
    *text = bf_str(text->p + n, text->n - n);
    return line;
}

struct bf_str bf__head_find(struct bf_str head, const char *name)
{
    size_t n = strlen(name);
    while (head.n > 0) {
        struct bf_str line = next_line(&head);
        if (line.n > n && line.p[n] == ':' && bf_str_ieq(bf_str(line.p, n), bf_str(name, n)))
            return trim(bf_str(line.p + n + 1, line.n - n - 1));
    }
    return (struct bf_str){NULL, 0};
}

static int64_t capped(int64_t ms) { return ms < 0 ? 0 : ms > RETRY_AFTER_MS_MAX ? RETRY_AFTER_MS_MAX : ms; }

int64_t bf__retry_after_ms(struct bf_str head, int64_t now_wall_ms)
{
    uint64_t number;
    char date[64];
    struct bf_str ms = bf__head_find(head, "retry-after-ms"), after = bf__head_find(head, "retry-after");
    if (ms.p != NULL && bf_str_u64(ms, RETRY_AFTER_MS_MAX, &number))
        return (int64_t)number;
    if (after.p == NULL || after.n == 0 || after.n >= sizeof date)
        return -1;
    if (bf_str_u64(after, UINT32_MAX, &number))
        return capped((int64_t)number * 1000);
    memcpy(date, after.p, after.n);
    date[after.n] = '\0';
    time_t at = curl_getdate(date, NULL); /* the three date forms of RFC 9110 5.6.7 */
    return at < 0 ? -1 : capped((int64_t)at * 1000 - now_wall_ms);
}

int64_t bf__retry_pause_ms(const struct bf_env *env, const struct bf_fetch *call)
{
    int64_t pause = call->pause_ms;
    uint16_t jitter;
    for (unsigned i = 1; i < call->tries && pause < call->pause_ms_max; i++)
        pause *= 2;
    if (pause > call->pause_ms_max)
        pause = call->pause_ms_max;
    bf_random(env, &jitter, sizeof jitter);
    return pause - pause * jitter / (4 * (UINT16_MAX + 1));
}
