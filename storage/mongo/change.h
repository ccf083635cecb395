/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One write outside the log as a command's parts; docs.c sends them one by one, many.c many in one command.
 *
 * A server tells of several guarded changes in one command only how many met something. So each leaves a mark of its command in the document, in the
 * place that belongs to the rev it makes: "w0" to "w3", and "w" for an unguarded one. Later changes leave it there, until the fourth one after it: who
 * looks afterwards finds whether it was his that made that rev.
 */
#pragma once
#include "storage/mongo/mongo.h"

enum { BF__M_SLOT_MAX = 8 };

struct bf__m_mark {
    uint8_t b[12];
};

bool bf__m_is_guarded(const struct bf_write *w);
const char *bf__m_slot(const struct bf_write *w, char out[BF__M_SLOT_MAX]);
void bf__m_put_guard(bson_t *filter, const struct bf_write *w); /* not of an INSERT */
void bf__m_put_new(bson_t *doc, const struct bf_write *w, struct bf_arena *arena);
/* `mark` NULL: none is left. */
void bf__m_put_update(bson_t *update, const struct bf_write *w, const struct bf__m_mark *mark, struct bf_arena *arena);
