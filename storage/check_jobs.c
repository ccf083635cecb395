/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that should be there, from the documents that ask for them: what is due is not lost with a job. */
#include "core/arena.h"
#include "storage/internal.h"
#include "storage/jobs.h"
#include <stdio.h>

enum { ROWS = 100 };

struct lookup {
    struct bf_store *store;
    const struct bf_derivation *derivation;
    bool mend;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    struct bf_check_report *report;
};

/* What cannot be read is told by bf_store_check: here nothing follows from it. */
static enum bf_status read_own(const struct lookup *l, const struct bf_collection *coll, struct bf_uuid id, struct bf_arena *arena,
                               struct bf_doc **ret, bool *ret_readable, struct bf_error *e)
{
    struct bf_uuid none = {{0}};
    *ret = NULL;
    enum bf_status status = bf_store_get(l->store, coll, none, id, arena, ret, e);
    *ret_readable = status == BF_OK;
    return status == BF_E_CORRUPT ? BF_OK : status;
}

/* The cursor has passed the document's last entry, and the job is not there. */
static enum bf_status lacks_job(const struct lookup *l, const struct bf_doc *doc, const struct bf_job *job, struct bf_arena *arena,
                                bool *ret, struct bf_error *e)
{
    struct bf_doc *found;
    bool readable;
    int n = bf_schema_find(bf__coll_cursors.schema, BF_STR("n"));
    *ret = false;
    enum bf_status status =
        read_own(l, &bf__coll_cursors, bf__cursor_id(l->derivation->consumer, doc->tenant), arena, &found, &readable, e);
    if (status != BF_OK || found == NULL || bf_get_int(&found->object, (unsigned)n) < doc->n)
        return status;
    status = read_own(l, &bf__coll_jobs, job->id, arena, &found, &readable, e);
    *ret = readable && found == NULL;
    return status;
}

/* The job may have run, and be gone, since the document was read: then that is another one now. */
static enum bf_status is_same_still(const struct lookup *l, const struct bf_doc *doc, struct bf_arena *arena, bool *ret, struct bf_error *e)
{
    struct bf_doc *now = NULL;
    enum bf_status status = bf_store_get(l->store, l->derivation->coll, doc->tenant, doc->id, arena, &now, e);
    *ret = status == BF_OK && now != NULL && now->n == doc->n && now->k == doc->k;
    return status == BF_E_CORRUPT ? BF_OK : status;
}

static enum bf_status tell(const struct lookup *l, const struct bf_doc *doc, const struct bf_job *job, struct bf_error *e)
{
    char line[240], tenant[BF_UUID_TEXT], id[BF_UUID_TEXT];
    bf_uuid_text(&doc->tenant, tenant);
    bf_uuid_text(&doc->id, id);
    snprintf(line, sizeof line, "tenant %s, entry %lld: the job %s is missing: %s %s", tenant, (long long)doc->n, job->kind,
             l->derivation->coll->name, id);
    if (l->say != NULL)
        l->say(l->ctx, line);
    l->report->faults++;
    enum bf_status status = l->mend ? bf_job_add(l->store, job, 1, e) : BF_OK;
    l->report->mended += l->mend && status == BF_OK;
    return status;
}

static enum bf_status look_at(const struct lookup *l, const struct bf_doc *doc, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_job job = {.tenant = doc->tenant, .n = doc->n};
    bool missing = false;
    if (doc->tombstone || !l->derivation->wants(doc, &job))
        return BF_OK;
    enum bf_status status = lacks_job(l, doc, &job, arena, &missing, e);
    if (status == BF_OK && missing)
        status = is_same_still(l, doc, arena, &missing, e);
    return status == BF_OK && missing ? tell(l, doc, &job, e) : status;
}

enum bf_status bf_store_check_jobs(struct bf_store *store, const struct bf_derivation *derivation, bool mend,
                                   void (*say)(void *ctx, const char *line), void *ctx, struct bf_check_report *ret, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = store->driver->vt;
    struct lookup l = {store, derivation, mend, say, ctx, ret};
    struct bf_arena *arena = bf_arena_create();
    struct bf_row *rows, last;
    unsigned n = ROWS;
    enum bf_status status = BF_OK;
    for (bool begun = false; status == BF_OK && n == ROWS; begun = true) {
        bf_arena_reset(arena);
        struct bf_session *s = vt->reader(store->driver);
        status = vt->scan(s, derivation->coll, begun ? &last : NULL, ROWS, arena, &rows, &n, e);
        vt->release(store->driver, s);
        for (unsigned i = 0; status == BF_OK && i < n; i++) {
            last = rows[i];
            if (atomic_load(&store->care_stopped))
                status = bf_fail(e, BF_E_CANCELLED, "the check was stopped");
            else if (rows[i].doc != NULL)
                status = look_at(&l, rows[i].doc, arena, e);
        }
    }
    bf_arena_destroy(&arena);
    return status;
}
