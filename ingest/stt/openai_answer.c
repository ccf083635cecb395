/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/stt/openai_answer.h"
#include "core/arena.h"
#include "core/json.h"
#include <string.h>

enum { ANSWER_BYTES_MAX = 8 << 20, WORDS_BYTES_MAX = 160, DAY_MS = 24 * 3600 * 1000, TRY_MS = 60 * 1000 };

/* What an error answer says, in the provider's words. */
struct complaint {
    struct bf_str message, code, param;
};

static bool holds(struct bf_str text, const char *word) { return text.n > 0 && memmem(text.p, text.n, word, strlen(word)) != NULL; }

/* A bare string is no JSON document to the strict parser, which wants an object or an array. */
static struct complaint read_complaint(struct bf_str body, struct bf_arena *arena)
{
    const struct bf_json *root = NULL;
    if (bf_json_parse(arena, body, ANSWER_BYTES_MAX, &root, NULL) != BF_OK)
        return (struct complaint){.message = body};
    const struct bf_json *error = bf_json_get(root, "error"), *from = bf_json_get(error, "message") != NULL ? error : root;
    struct complaint c = {
        .message = bf_json_str(bf_json_get(from, "message")),
        .code = bf_json_str(bf_json_get(from, "code")),
        .param = bf_json_str(bf_json_get(from, "param")),
    };
    if (c.message.n == 0)
        c.message = bf_json_str(error);
    return c;
}

/* Leaves nothing of the words when our key stands in them; cuts them to a length at a character's beginning; makes one line of them. */
static const char *tidy(struct bf_arena *arena, struct bf_str words, struct bf_str key)
{
    if (key.n > 0 && words.n > 0 && memmem(words.p, words.n, key.p, key.n) != NULL)
        return "(its words repeat our key)";
    if (words.n > WORDS_BYTES_MAX)
        for (words.n = WORDS_BYTES_MAX; words.n > 0 && ((unsigned char)words.p[words.n] & 0xc0) == 0x80;)
            words.n--;
    char *copy = bf_arena_dup(arena, words.n > 0 ? words.p : "", words.n);
    for (size_t i = 0; i < words.n; i++)
        if ((unsigned char)copy[i] < ' ')
            copy[i] = ' ';
    return copy;
}

/* 400 is said of recordings and of models alike. */
static enum bf_stt_outcome outcome_of(int http_status, const struct complaint *c)
{
    switch (http_status) {
    case 402:
    case 408:
    case 409:
    case 425:
    case 429:
        return BF_STT_AWAY;
    case 400:
    case 422:
        if (bf_str_eqz(c->param, "model") || holds(c->code, "model_not_found") || holds(c->code, "invalid_api_key"))
            return BF_STT_REFUSED;
        return BF_STT_REJECTED;
    case 413:
    case 415:
        return BF_STT_REJECTED;
    default:
        return http_status >= 500 ? BF_STT_AWAY : BF_STT_REFUSED;
    }
}

static void read_text(struct bf_str body, struct bf_arena *arena, struct bf_stt_result *ret)
{
    const struct bf_json *root = NULL, *text;
    struct bf_error e = {0};
    if (bf_json_parse(arena, body, ANSWER_BYTES_MAX, &root, &e) != BF_OK) {
        bf_stt_end(ret, BF_STT_FAULT, "200, and the answer is no JSON: %s", e.cause);
        return;
    }
    text = bf_json_get(root, "text");
    if (bf_json_str(text).p == NULL)
        bf_stt_end(ret, BF_STT_FAULT, "200, and the answer has no text");
    else
        bf_stt_give_text(ret, arena, bf_json_str(text));
}

bool bf_openai_is_used_up(int http_status, struct bf_str body)
{
    if (http_status == 402)
        return true;
    return (http_status == 429 || http_status == 403) && (holds(body, "insufficient_quota") || holds(body, "billing_hard_limit_reached"));
}

void bf_openai_read(int http_status, struct bf_str body, struct bf_str key, struct bf_arena *arena, struct bf_stt_result *ret)
{
    if (http_status == 200) {
        read_text(body, arena, ret);
        return;
    }
    struct complaint c = read_complaint(body, arena);
    enum bf_stt_outcome outcome = bf_openai_is_used_up(http_status, body) ? BF_STT_AWAY : outcome_of(http_status, &c);
    bf_stt_end(ret, outcome, "%d %s%s%s", http_status, tidy(arena, c.code, key), c.code.n > 0 ? ": " : "", tidy(arena, c.message, key));
}

unsigned bf_openai_try_ms(int64_t duration_ms, unsigned minute_s, unsigned ms_max)
{
    int64_t ms = TRY_MS + duration_ms * minute_s / 60;
    return ms < ms_max ? (unsigned)ms : ms_max;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Takes a number with up to three decimals off the front, in thousandths; further decimals are dropped, very large numbers capped. */
static int64_t take_thousandths(struct bf_str *text)
{
    int64_t n = 0, place = 1000;
    const char *p = text->p, *end = p + text->n;
    for (; p < end && is_digit(*p); p++)
        n = n >= (int64_t)DAY_MS * 1000 ? n : n * 10 + (*p - '0') * 1000;
    bool whole = p > text->p;
    if (p < end && *p == '.')
        for (p++; p < end && is_digit(*p); p++)
            n += (*p - '0') * (place /= 10);
    *text = bf_str(p, (size_t)(end - p));
    return whole ? n : -1;
}

static int64_t take_unit_ms(struct bf_str *text)
{
    static const struct {
        struct bf_str name;
        int64_t ms;
    } units[] = {{{"ms", 2}, 1}, {{"h", 1}, 3600000}, {{"m", 1}, 60000}, {{"s", 1}, 1000}};
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (bf_str_starts(*text, units[i].name)) {
            *text = bf_str(text->p + units[i].name.n, text->n - units[i].name.n);
            return units[i].ms;
        }
    }
    return -1;
}

int64_t bf_openai_duration_ms(struct bf_str text)
{
    int64_t total_ms = 0;
    if (text.n == 0 || text.n > 32)
        return -1;
    while (text.n > 0) {
        int64_t thousandths = take_thousandths(&text), ms = take_unit_ms(&text);
        if (thousandths < 0 || ms < 0)
            return -1;
        total_ms += thousandths * ms / 1000;
        if (total_ms > DAY_MS)
            total_ms = DAY_MS;
    }
    return total_ms;
}
