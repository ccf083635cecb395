/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change feed: what the caller may see, then what changed of it. A position is a place in the first passage through the records (kind by
 * kind, in the order of an index) or an entry of the log. Records are shown as they are now, under today's rights; what left the caller's
 * view is "gone". The same record may come twice, never too seldom. Not for other modules.
 */
#pragma once
#include "gateway/internal.h"

/* A page of the feed is JSON of BF_FEED_JSON_MAX at most, which one send of an event stream takes with all that frames it. */
enum { BF_FEED_KEY_MAX = 600, BF_FEED_JSON_MAX = 60 << 20 };

struct bf_feed_pos {
    int64_t n;    /* entries up to n are known */
    uint8_t kind; /* kinds before this were passed; at the end only the log is left */
    uint16_t key_n;
    char key[BF_FEED_KEY_MAX]; /* position within the kind */
};

struct bf_feed_item {
    enum bf_subject subject;
    struct bf_uuid id;
    const struct bf_doc *doc; /* NULL: gone */
    struct bf_str json;       /* {"type":...,"id":...,"doc":{...}} or {"type":...,"id":...,"gone":true}, masked for the caller */
};

struct bf_feed_page {
    struct bf_feed_item *items;
    unsigned n;
    unsigned n_entries; /* of the log, that the items come from */
    bool more;
};

size_t bf__feed_pos_bytes(const struct bf_feed_pos *pos); /* how many of its first bytes say something */
/* The start: all records, then the log from its head as it is now. */
enum bf_status bf__feed_start(struct bf_call *call, struct bf_feed_pos *pos, struct bf_error *e);
/* From now on. */
enum bf_status bf__feed_now(struct bf_call *call, struct bf_feed_pos *pos, struct bf_error *e);
/* Reads on from `pos` and moves it. About `limit` items, fewer when they are large (256 KiB of JSON): but an entry is never split. Notes the views
 * as `action`; BF_E_UNAVAILABLE when they cannot be noted. */
enum bf_status bf__feed_read(struct bf_call *call, struct bf_feed_pos *pos, unsigned limit, const char *action, struct bf_feed_page *ret,
                             struct bf_error *e);
struct bf_str bf__feed_seal(struct bf_call *call, const struct bf_feed_pos *pos);
enum bf_status bf__feed_open(struct bf_call *call, struct bf_str text, struct bf_feed_pos *ret, struct bf_error *e);
