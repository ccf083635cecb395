/* SPDX-License-Identifier: Apache-2.0 */
/* What the channels have in common: an attempt that is one call of the HTTP client. */
#pragma once
#include "core/http_client.h"
#include "push/channel.h"

struct bf_arena;

enum { BF__FLIGHT_HEADERS = BF_WEBPUSH_HEADERS, BF__WORDS_ROOM = 121 };

/* An attempt on its way. */
struct bf__flight {
    struct bf_fetch fetch;
    struct bf_push_attempt *attempt;
    struct bf_arena *arena;
    struct bf_fetch_header headers[BF__FLIGHT_HEADERS];
    void (*read)(struct bf_push_attempt *a, const struct bf_fetch *fetch); /* the outcome of an answer */
};

/* With the times of a push message and an answer that is always the peer's last word; the attempt's outcome is cleared. */
struct bf__flight *bf__flight_create(struct bf_push_attempt *a, void (*read)(struct bf_push_attempt *a, const struct bf_fetch *fetch));
/* Hands it to the client, or frees it and sets the outcome. `status` and `fault` say what went wrong while it was made. */
enum bf_status bf__flight_send(struct bf__flight *f, struct bf_client *client, enum bf_status status, struct bf_error *fault);
/* Frees it without a word to anybody. */
void bf__flight_free(struct bf__flight *f);

void bf__attempt_end(struct bf_push_attempt *a, enum bf_push_outcome outcome, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The beginning of what the peer says, in printable characters. */
const char *bf__peer_words(struct bf_str answer, char out[BF__WORDS_ROOM]);
