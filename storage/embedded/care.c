/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints, and the online copy of the database. */
#include "storage/embedded/embedded.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

/* A passive checkpoint (it waits for nobody) from 16 MB of WAL on, or from 64 MB while somebody waits for the writer: a page that is written
 * again and again goes to the database once each time. From 4 MB while there is much work that nobody waits for: who comes meanwhile waits for less. When readers kept it from the end for long, one that waits for them a little, and
 * then again only after as much as the first: a check reads for minutes. */
enum { WAL_PAGES = 4000, WAL_PAGES_LONG = 32000, WAIT_MS = 100 };
static const int wal_pages[] = {[BF_TIDY_WANTED] = 16000, [BF_TIDY_BEHIND] = 1000, [BF_TIDY_FREE] = WAL_PAGES};

/* After a failed sync of the database the kernel may have dropped the pages: a checkpoint that succeeds later must not free the log that
 * holds them. */
static enum bf_status checkpoint_fail(struct bf_session *s, struct bf_error *e)
{
    struct bf_error cause = {0};
    enum bf_status status = bf__sql_fail(s, &cause, "checkpoint");
    bf__distrust(s);
    return bf_fail(e, status == BF_E_IO ? BF_E_UNKNOWN_OUTCOME : status, "%s", cause.cause);
}

enum bf_status bf__tidy(struct bf_session *s, enum bf_tidy_when when, bool truncate, struct bf_error *e)
{
    int pages = s->wal_pages, from = s->wait_from == 0 ? WAL_PAGES_LONG : s->wait_from;
    bool wait = truncate || pages >= from;
    s->truncate_due |= truncate;
    if (!truncate && pages < wal_pages[when])
        return BF_OK;
    sqlite3_busy_timeout(s->sql, truncate ? BF__BUSY_MS : WAIT_MS);
    int mode = !wait ? SQLITE_CHECKPOINT_PASSIVE : s->truncate_due ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART;
    int rc = sqlite3_wal_checkpoint_v2(s->sql, NULL, mode, NULL, NULL);
    sqlite3_busy_timeout(s->sql, BF__BUSY_MS);
    s->wal_pages = 0;
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        return checkpoint_fail(s, e);
    if (wait)
        s->wait_from = rc == SQLITE_OK ? 0 : pages + WAL_PAGES;
    if (rc == SQLITE_OK && mode == SQLITE_CHECKPOINT_TRUNCATE)
        s->truncate_due = false;
    if (rc == SQLITE_BUSY && truncate)
        return bf_fail(e, BF_E_UNAVAILABLE, "what was deleted is still in the write-ahead log, which a reader holds; try again");
    return BF_OK;
}

enum bf_status bf__settle_log(struct bf_session *s, struct bf_error *e)
{
    s->unsettled = sqlite3_wal_checkpoint_v2(s->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK;
    if (!s->unsettled)
        return BF_OK;
    enum bf_status status = bf__sql_fail(s, e, "recovering the write-ahead log");
    bf__distrust(s);
    return status == BF_E_NO_SPACE ? BF_OK : status;
}

/* ---- backup ---- */

enum { BACKUP_PAGES = 256 }; /* 1 MB, into the page cache: the writer is held for some milliseconds */

struct bf__copy {
    struct bf__copy *next; /* of the session's */
    sqlite3 *to;
    sqlite3_backup *run;
    char path[4096];
};

static enum bf_status backup_fail(struct bf__copy *b, struct bf_error *e, int rc)
{
    return bf_fail(e, (rc & 0xff) == SQLITE_FULL ? BF_E_NO_SPACE : BF_E_IO, "copying to %s: %s", b->path, sqlite3_errstr(rc));
}

static enum bf_status backup_start(struct bf_session *s, const char *to, struct bf__copy *b, struct bf_error *e)
{
    snprintf(b->path, sizeof b->path, "%s/store.db", to);
    int rc = sqlite3_open_v2(b->path, &b->to, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc == SQLITE_OK) /* it is synced by the caller, and worth nothing when it breaks off */
        rc = sqlite3_exec(b->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return backup_fail(b, e, rc);
    b->run = sqlite3_backup_init(b->to, "main", s->sql, "main");
    return b->run != NULL ? BF_OK : backup_fail(b, e, sqlite3_errcode(b->to));
}

static enum bf_status backup_end(struct bf_session *s, struct bf__copy *b, struct bf_error *e)
{
    LL_DELETE(s->copies, b);
    int rc = b->run == NULL ? SQLITE_OK : sqlite3_backup_finish(b->run);
    int closed = sqlite3_close(b->to);
    enum bf_status status = rc == SQLITE_OK ? BF_OK : backup_fail(b, e, rc);
    assert(closed == SQLITE_OK);
    (void)closed;
    free(b);
    return status;
}

/* The copy is made on the writer's connection, so what commits between two steps is copied along and the copy ends equal to the last
 * commit. */
enum bf_status bf__backup(struct bf_session *s, const char *to, void **state, bool *done, struct bf_error *e)
{
    struct bf__copy *b = *state;
    enum bf_status status = BF_OK;
    *done = false;
    if (b == NULL) {
        b = *state = calloc(1, sizeof *b);
        if (b == NULL)
            abort();
        LL_PREPEND(s->copies, b);
        status = backup_start(s, to, b, e);
    }
    if (status == BF_OK) {
        int rc = sqlite3_backup_step(b->run, BACKUP_PAGES);
        if (rc == SQLITE_OK)
            return BF_OK;
        if (rc != SQLITE_DONE)
            status = backup_fail(b, e, rc);
    }
    enum bf_status ended = backup_end(s, b, status == BF_OK ? e : NULL);
    *state = NULL;
    *done = true;
    return status != BF_OK ? status : ended;
}

void bf__copies_give_up(struct bf_session *s)
{
    while (s->copies != NULL)
        backup_end(s, s->copies, NULL);
}
