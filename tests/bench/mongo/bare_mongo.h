/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare mongo-c-driver: the same inserts, replaces and reads on the same server, with documents and indexes as the store left them in the database.
 * Majority and journal, as the store asks for.
 */
#pragma once
#include <stddef.h>

struct bare;

/* `uri` names the database. Copies the shapes of what the store made in it: one document of each collection, and its indexes. */
struct bare *bare_open(const char *uri);
void bare_close(struct bare *bare);
/* `n` creates by `threads` at once, spread over tenants: each inserts an entry of the log, visit, verdict and capture, and replaces the week's count and the
 * rep's last record, one command after the other. */
double bare_creates_per_s(struct bare *bare, unsigned threads, unsigned tenants, unsigned n);
/* Reads by _id of visits the store made, one thread; pages of 50 of one owner, by time. */
void bare_gets(struct bare *bare, const unsigned char (*ids)[16], unsigned n);
void bare_pages(struct bare *bare, const unsigned char tenant[16], const unsigned char (*owners)[16], unsigned n);
/* Uploads of `total` bytes by `threads` at once, in pieces, by the bucket of GridFS. MB/s. */
double bare_uploads_mb_s(struct bare *bare, unsigned threads, const void *content, size_t content_n, size_t total);
