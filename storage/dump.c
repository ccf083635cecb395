/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/dump.h"
#include "core/arena.h"
#include "storage/commit.h"
#include "storage/move.h"
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DESCRIPTORS = 16 };

struct dump {
    struct bf__move m; /* from the store to the work */
    char work[PATH_MAX];
};

/* ---- the copy ---- */

static bool is_late(const struct bf_collection *coll) { return coll == &bf__coll_cursors || coll == &bf__coll_subject_keys || coll == &bf__coll_blobs; }

static enum bf_status copy_documents(struct bf__move *m, struct bf_error *e)
{
    enum bf_status status = bf__move_rows_copy(m, &bf__coll_cursors, e);
    for (unsigned i = 0; i < m->from->n_collections && status == BF_OK; i++) {
        const struct bf_collection *coll = m->from->collections[i];
        if (atomic_load(&m->from->care_stopped))
            return bf_fail(e, BF_E_CANCELLED, "the server is stopping");
        if (bf__move_takes(coll) && !is_late(coll))
            status = bf__move_rows_copy(m, coll, e);
    }
    return status;
}

static enum bf_status copy_log(struct bf__move *m, struct bf_uuid tenant, struct bf_error *e)
{
    struct bf_driver *driver = m->from->driver;
    struct bf_arena *arena = bf_arena_create();
    struct bf_raw_entry *last = NULL;
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->log_last(s, tenant, arena, &last, e);
    driver->vt->release(driver, s);
    if (status == BF_OK && last != NULL)
        status = bf__move_log_copy(m, &(struct bf__move_log){.tenant = tenant, .n = last->n}, e);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status copy_logs(struct bf__move *m, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid *tenants;
    unsigned n = 0;
    enum bf_status status = bf_log_tenants(m->from, arena, &tenants, &n, e);
    for (unsigned i = 0; i < n && status == BF_OK; i++)
        status = copy_log(m, tenants[i], e);
    bf_arena_destroy(&arena);
    return status;
}

/* Files come and go meanwhile: what went between the reading of its document and of its bytes has another document by the second time. */
static enum bf_status copy_media(struct bf__move *m, struct bf_error *e)
{
    m->may_be_absent = true;
    enum bf_status status = bf__move_files_copy(m, e);
    if (status == BF_OK)
        status = bf__move_rows_copy(m, &bf__coll_blobs, e);
    return status == BF_OK ? bf__move_files_copy(m, e) : status;
}

/* Documents as they were at some moment before the end of the copied logs become what the logs say; then nothing may be wrong any more. */
static enum bf_status settle(struct bf__move *m, struct bf_error *e)
{
    struct bf_check_report first, second;
    enum bf_status status = bf_store_check(m->to, /* mend= */ true, NULL, NULL, &first, e);
    if (status == BF_OK)
        status = bf_store_check(m->to, /* mend= */ false, m->say, m->ctx, &second, e);
    if (status == BF_OK && second.faults > 0)
        status = bf_fail(e, BF_E_CORRUPT, "the copy has %lld faults: check the store", (long long)second.faults);
    if (status == BF_OK)
        bf__move_say(m, "%lld documents and %lld blobs, of which %lld were made anew from the log", (long long)second.documents, (long long)second.blobs,
                     (long long)first.mended);
    return status;
}

static enum bf_status copy_all(struct bf__move *m, struct bf_error *e)
{
    enum bf_status status = copy_documents(m, e);
    if (status == BF_OK)
        status = copy_logs(m, e);
    if (status == BF_OK)
        status = copy_media(m, e);
    if (status == BF_OK)
        status = bf__move_rows_copy(m, &bf__coll_subject_keys, e);
    if (status == BF_OK)
        status = settle(m, e);
    return status == BF_OK ? bf__move_fact(m, "key_exported", e) : status;
}

/* ---- the directory that it is made in ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static enum bf_status remove_work(const struct dump *d, struct bf_error *e)
{
    if (nftw(d->work, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return bf_fail_errno(e, BF_E_IO, errno, "removing %s", d->work);
    return BF_OK;
}

/* The caller's collections stand before storage's own. */
static unsigned declared(const struct bf_store *store)
{
    unsigned n = 0;
    while (store->collections[n] != &bf__coll_subject_keys)
        n++;
    return n;
}

static enum bf_status open_work(struct dump *d, const char *to, struct bf_error *e)
{
    struct bf_store *store = d->m.from;
    char uri[PATH_MAX + 16];
    if (snprintf(d->work, sizeof d->work, "%s.dumping", to) >= (int)sizeof d->work)
        return bf_fail(e, BF_E_TOO_LARGE, "the path of the backup is too long");
    if (access(to, F_OK) == 0)
        return bf_fail(e, BF_E_EXISTS, "%s exists", to);
    if (access(d->work, F_OK) == 0)
        return bf_fail(e, BF_E_EXISTS, "%s, where a backup is made: remove what is left of an earlier one", d->work);
    struct bf_store_config config = {.master_key_file = store->config.master_key_file};
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "embedded:%s", d->work));
    return bf__store_open_as(store->env, &config, store->collections, declared(store), &(struct bf__opening){.is_there = false}, &d->m.to, e);
}

enum bf_status bf__dump(struct bf_store *store, const char *to, void (*say)(void *ctx, const char *line), void *ctx, struct bf_error *e)
{
    struct dump d = {.m = {.from = store, .say = say, .ctx = ctx}};
    enum bf_status status = open_work(&d, to, e);
    if (status != BF_OK)
        return status;
    status = copy_all(&d.m, e);
    if (status == BF_OK)
        status = bf_store_backup(d.m.to, to, say, ctx, e);
    bf_store_close(&d.m.to);
    return status == BF_OK ? remove_work(&d, e) : status;
}
