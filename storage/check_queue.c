/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs and cursors against the log they derive from. A cursor that is ahead of its log would pass over entries to come; a job of an entry
 * that the log does not have was derived from nothing; one that is neither settled nor has a time to be taken waits for ever.
 */
#include "core/arena.h"
#include "storage/check.h"

static int row_of(const struct bf_doc *doc, const char *name) { return bf_schema_find(doc->object.schema, bf_strz(name)); }

static int64_t number(const struct bf_doc *doc, const char *name) { return bf_get_int(&doc->object, (unsigned)row_of(doc, name)); }

static bool is_open(const struct bf_doc *job)
{
    int row = row_of(job, "state"), state = bf_get_enum(&job->object, (unsigned)row);
    const char *word = state < 0 ? "" : job->object.schema->fields[row].words->words[state].word;
    return strcmp(word, "waiting") == 0 || strcmp(word, "taken") == 0;
}

static enum bf_status find_head(struct bf__care *c, struct bf_session *s, const struct bf_doc *doc, struct bf_arena *arena, int64_t *ret,
                                struct bf_error *e)
{
    struct bf_raw_entry *last = NULL;
    struct bf_uuid tenant = bf_get_uuid(&doc->object, (unsigned)row_of(doc, "tenant"));
    enum bf_status status = c->vt->log_last(s, tenant, arena, &last, e);
    *ret = status == BF_E_CORRUPT ? INT64_MAX : last == NULL ? 0 : last->n; /* damage is told where the log is walked */
    return status == BF_E_CORRUPT ? BF_OK : status;
}

static void better_int(struct bf_arena *arena, const struct bf_doc *doc, const char *name, int64_t value, struct bf_doc **ret)
{
    *ret = bf_doc_copy(arena, doc);
    bf_set_int(&(*ret)->object, (unsigned)row_of(doc, name), value);
}

enum bf_status bf__care_queue(struct bf__care *c, struct bf_session *s, const struct bf_collection *coll, const struct bf_doc *doc,
                              struct bf_arena *arena, const char **ret_what, struct bf_doc **ret_better, struct bf_error *e)
{
    int64_t head;
    *ret_what = NULL;
    *ret_better = NULL;
    if (coll != &bf__coll_jobs && coll != &bf__coll_cursors)
        return BF_OK;
    enum bf_status status = find_head(c, s, doc, arena, &head, e);
    if (status != BF_OK)
        return status;
    if (coll == &bf__coll_jobs && number(doc, "n") > head) {
        *ret_what = "a job is of an entry that the log does not have:";
    } else if (coll == &bf__coll_jobs && is_open(doc) && !bf_has(&doc->object, (unsigned)row_of(doc, "wake"))) {
        *ret_what = "nobody would ever take a job:";
        better_int(arena, doc, "wake", number(doc, "due"), ret_better);
    } else if (coll == &bf__coll_cursors && (number(doc, "n") > head || number(doc, "n") < 0)) {
        *ret_what = "a cursor is ahead of its log:";
        better_int(arena, doc, "n", head, ret_better);
    }
    return BF_OK;
}
