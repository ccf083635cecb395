/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"
#include "core/env.h"
#include "core/error.h"
#include "core/json.h"
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8 * 1024 };

struct bf_log {
    int fd;
    enum bf_log_level least;
};

struct bf_log *bf_log_create(int fd, enum bf_log_level least)
{
    struct bf_log *log = malloc(sizeof *log);
    if (log == NULL)
        abort();
    *log = (struct bf_log){fd, least};
    return log;
}

void bf_log_destroy(struct bf_log **log)
{
    if (log == NULL)
        return;
    free(*log);
    *log = NULL;
}

/* Appends a member, its text halved until it fits; a member for which not even that is room is left out whole. */
static void put_text(struct bf_jw *w, const char *key, struct bf_str s)
{
    const struct bf_jw before = *w;
    size_t n = w->out->n;
    for (;;) {
        bf_jw_key(w, key);
        bf_jw_str(w, s);
        if (!w->out->overflowed)
            return;
        *w = before;
        w->out->n = n;
        w->out->overflowed = false;
        if (s.n == 0)
            return;
        s.n /= 2;
    }
}

static void put_int(struct bf_jw *w, const char *key, int64_t i)
{
    const struct bf_jw before = *w;
    size_t n = w->out->n;
    bf_jw_key(w, key);
    bf_jw_int(w, i);
    if (w->out->overflowed) {
        *w = before;
        w->out->n = n;
        w->out->overflowed = false;
    }
}

static void put_line(struct bf_jw *w, int64_t now_ms, enum bf_log_level level, const char *event, const char *message,
                     const struct bf_log_field *fields)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char time[BF_TIME_TEXT];
    assert((unsigned)level < sizeof names / sizeof names[0]);
    bf_time_text(now_ms, time);
    bf_jw_object(w);
    put_text(w, "time", bf_strz(time));
    put_text(w, "level", bf_strz(names[level]));
    put_text(w, "event", bf_strz(event));
    put_text(w, "message", bf_strz(message));
    for (; fields->key != NULL; fields++) {
        if (fields->type == BF_LT_INT)
            put_int(w, fields->key, fields->i);
        else
            put_text(w, fields->key, fields->s);
    }
}

void bf_log_fields(const struct bf_env *env, enum bf_log_level level, const char *event, const char *message,
                   const struct bf_log_field *fields)
{
    struct bf_log *log = env->log;
    struct bf_buf line;
    struct bf_jw w;
    if (log == NULL || level < log->least)
        return;
    bf_buf_init(&line, LINE_MAX_BYTES - 2); /* the brace and the line end always fit */
    bf_jw_init(&w, &line);
    put_line(&w, bf_now_ms(env), level, event, message, fields);
    line.max = LINE_MAX_BYTES;
    bf_buf_addz(&line, "}\n");
    ssize_t written = write(log->fd, line.p, line.n);
    (void)written; /* a log that cannot be written has nowhere to say so */
    bf_buf_finish(&line);
}

void bf_log_error(const struct bf_env *env, enum bf_log_level level, const char *event, const struct bf_error *e)
{
    bf_log(env, level, event, e->cause, BF_L_STR("code", bf_status_code(e->status)), BF_L_END);
}
