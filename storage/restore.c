/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restoring a backup into a new directory. All is done beside it, in DIR.restoring, which nobody serves; the last step renames it. So there is no moment
 * at which a store that lacks its new incarnation, or holds the content of an erased subject, could be opened under its own name.
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/copy.h"
#include "storage/internal.h"
#include "storage/manifest.h"
#include "storage/media/fs.h"
#include "storage/restore.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum restored_row { RESTORED_AT, RESTORED_BACKUP_AT, RESTORED_ENTRY, RESTORED_INCARNATION, RESTORED_ROWS };

static const struct bf_field fields[RESTORED_ROWS] = {
    [RESTORED_AT] = BF_FIELD("restored_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "恢复时间", "Restored at"),
    [RESTORED_BACKUP_AT] = BF_FIELD("backup_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "备份时间", "Backup made at"),
    [RESTORED_ENTRY] = BF_FIELD("entry", INT, BF_F_SERVER, 0, 0, NORMAL, "恢复至条目", "Restored up to entry"),
    [RESTORED_INCARNATION] = BF_FIELD("incarnation", INT, BF_F_SERVER, 0, 0, NORMAL, "新实例号", "New incarnation"),
};
static const struct bf_schema schema = {.name = "restored", .zh = "恢复记录", .en = "Restored", .version = 1, .fields = fields, .n_fields = RESTORED_ROWS};
const struct bf_collection bf__coll_restored = {.name = "restored", .schema = &schema, .cls = BF_TENANT_COLLECTION, .logged = true,
                                                .subject = BF_ROW_NONE, .owner = BF_ROW_NONE, .team = BF_ROW_NONE};

struct restore {
    const struct bf_env *env;
    const struct bf_store_config *config;
    const char *place;         /* where it shall stand */
    char work[PATH_MAX];       /* where it is made */
    char key_file[PATH_MAX];
    int from_fd, to_fd, blobs_fd;
    int64_t backup_ms;
    bool without_erasures;
    struct bf_store *store;
};

/* ---- files ---- */

static enum bf_status take_file(struct restore *r, const struct bf__manifest_line *line, struct bf_error *e)
{
    uint8_t sha256[32];
    bool blob = strncmp(line->name, "blobs/", 6) == 0;
    if (!blob && strchr(line->name, '/') != NULL)
        return bf_fail(e, BF_E_CORRUPT, "the manifest names %s", line->name);
    enum bf_status status = bf__file_copy(r->from_fd, line->name, blob ? r->blobs_fd : r->to_fd, blob ? line->name + 6 : line->name,
                                          /* stop= */ NULL, sha256, e);
    if (status == BF_OK && memcmp(sha256, line->sha256, 32) != 0)
        return bf_fail(e, BF_E_CORRUPT, "%s is not as it was backed up", line->name);
    return status;
}

static enum bf_status take_line(void *ctx, const struct bf__manifest_line *line, struct bf_error *e)
{
    struct restore *r = ctx;
    if (line->kind == BF__MANIFEST_AT)
        r->backup_ms = line->number;
    return line->kind == BF__MANIFEST_FILE ? take_file(r, line, e) : BF_OK;
}

static enum bf_status check_line(void *ctx, const struct bf__manifest_line *line, struct bf_error *e)
{
    (void)ctx;
    (void)line;
    (void)e;
    return BF_OK;
}

static enum bf_status pass_over(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    (void)ctx, (void)tenant, (void)subject, (void)n, (void)e;
    return BF_OK;
}

static enum bf_status check_register(const struct restore *r, const struct bf_key *master, struct bf_error *e)
{
    enum bf_status status = bf__erasures_each(r->key_file, master, pass_over, NULL, e);
    if (status != BF_E_NOT_FOUND)
        return status;
    return r->without_erasures ? BF_OK
                               : bf_fail(e, BF_E_NOT_FOUND,
                                         "%.120s.erasures, which keeps who was erased from coming back, is not there: --no-erasures if nobody was",
                                         r->key_file);
}

static enum bf_status make_place(struct restore *r, struct bf_error *e)
{
    if (access(r->place, F_OK) == 0)
        return bf_fail(e, BF_E_EXISTS, "%s exists; a backup is restored to a new directory", r->place);
    if (mkdir(r->work, 0700) < 0)
        return bf_fail_errno(e, errno == EEXIST ? BF_E_EXISTS : BF_E_IO, errno, "%s, where a restore is made: remove what is left of an earlier one",
                             r->work);
    r->to_fd = open(r->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->to_fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "open %s", r->work);
    return bf__fs_dir(r->to_fd, "blobs", &r->blobs_fd, e);
}

static enum bf_status copy_files(struct restore *r, const char *backup, struct bf_error *e)
{
    struct bf_key master;
    r->from_fd = open(backup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->from_fd < 0)
        return bf_fail_errno(e, BF_E_NOT_FOUND, errno, "open %s", backup);
    enum bf_status status = bf_key_file(r->env, r->key_file, /* create= */ false, &master, e);
    if (status != BF_OK)
        return status;
    status = bf__manifest_each(r->from_fd, &master, check_line, r, e); /* before anything is made */
    if (status == BF_OK)
        status = check_register(r, &master, e);
    if (status == BF_OK)
        status = make_place(r, e);
    if (status == BF_OK)
        status = bf__manifest_each(r->from_fd, &master, take_line, r, e);
    bf_key_wipe(&master);
    if (status == BF_OK)
        status = bf__fs_sync(r->blobs_fd, e);
    return status == BF_OK ? bf__fs_sync(r->to_fd, e) : status;
}

/* ---- what makes it another store ---- */

static enum bf_status renew_incarnation(struct bf_store *store, struct bf_error *e)
{
    uint32_t old = store->incarnation, fresh = old;
    while (fresh == old)
        bf_random(store->env, &fresh, sizeof fresh);
    store->incarnation = fresh;
    return bf__meta_set(store, "incarnation", bf_str((const char *)&fresh, sizeof fresh), e);
}

struct note {
    struct restore *r;
    struct bf_uuid tenant, id;
    int64_t head;
};

static enum bf_status decide_note(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct note *note = ctx;
    struct bf_doc *doc = bf_doc_create(arena, &schema, note->tenant, note->id);
    (void)e;
    doc->object.v[RESTORED_AT] = (struct bf_value){.type = BF_T_TIME, .i = bf_view_at_ms(view)};
    doc->object.v[RESTORED_BACKUP_AT] = (struct bf_value){.type = BF_T_TIME, .i = note->r->backup_ms};
    bf_set_int(&doc->object, RESTORED_ENTRY, note->head);
    bf_set_int(&doc->object, RESTORED_INCARNATION, (int64_t)note->r->store->incarnation);
    bf_decision_put(d, &bf__coll_restored, doc);
    bf_decision_receipt(d, 200, BF_STR("{}"), (struct bf_uuid){{0}});
    return BF_OK;
}

static enum bf_status note_restored(struct restore *r, struct bf_uuid tenant, struct bf_arena *arena, struct bf_error *e)
{
    struct note note = {.r = r, .tenant = tenant, .id = bf_uuid_v7(r->env)};
    struct bf_read read = {.coll = &bf__coll_restored, .id = note.id};
    struct bf_submission submission = {.tenant = tenant, .reads = &read, .n_reads = 1, .decide = decide_note, .ctx = &note};
    struct bf_receipt receipt;
    submission.request = bf__restore_request(r->env);
    enum bf_status status = bf_log_head(r->store, tenant, &note.head, e);
    if (status == BF_OK)
        status = bf_submit_wait(r->store, &submission, arena, &receipt, e);
    return status == BF_E_GONE ? BF_OK : status; /* the tenant's own key was destroyed: nothing is written under it any more */
}

static enum bf_status note_all(struct restore *r, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid *tenants;
    unsigned n = 0;
    enum bf_status status = bf_log_tenants(r->store, arena, &tenants, &n, e);
    for (unsigned i = 0; i < n && status == BF_OK; i++)
        status = note_restored(r, tenants[i], arena, e);
    bf_arena_destroy(&arena);
    return status;
}

/* Reads every blob, which proves that keys and files fit, and takes away files that no document names. */
static enum bf_status check_blobs(struct restore *r, struct bf_error *e)
{
    struct bf_check_report report = {0};
    struct bf_check check = {.mend = true, .report = &report};
    enum bf_status status = bf__media_check(r->store, &check, e);
    if (status == BF_OK && report.faults > report.mended)
        return bf_fail(e, BF_E_CORRUPT, "%lld blobs of the backup cannot be read", (long long)(report.faults - report.mended));
    return status;
}

static enum bf_status renew(struct restore *r, const struct bf_collection *const *collections, unsigned n, struct bf_error *e)
{
    struct bf_store_config config = *r->config;
    char uri[PATH_MAX + 64];
    size_t scheme = (size_t)(r->place - r->config->uri.p);
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "%.*s%s", (int)scheme, r->config->uri.p, r->work));
    enum bf_status status = bf_store_open(r->env, &config, collections, n, &r->store, e);
    if (status != BF_OK)
        return status;
    status = bf__restore_erase(r->store, r->key_file, e);
    if (status == BF_OK)
        status = renew_incarnation(r->store, e);
    if (status == BF_OK)
        status = note_all(r, e);
    if (status == BF_OK)
        status = check_blobs(r, e);
    bf_store_close(&r->store);
    return status;
}

enum bf_status bf_store_restore(const struct bf_env *env, const char *backup, const struct bf_store_config *config, bool without_erasures,
                                const struct bf_collection *const *collections, unsigned n, struct bf_error *e)
{
    struct restore r = {
        .env = env, .config = config, .from_fd = -1, .to_fd = -1, .blobs_fd = -1, .without_erasures = without_erasures};
    struct bf_arena *arena = bf_arena_create();
    struct bf_store_config own = *config;
    own.uri = bf_str_dup(arena, config->uri);
    r.config = &own;
    const char *colon = strchr(own.uri.p, ':');
    enum bf_status status = bf_store_config_is_shared(config)
                                ? bf_fail(e, BF_E_NOT_SUPPORTED, "a database is restored by its own means, with no process of ours running")
                                : BF_OK;
    if (status == BF_OK && (colon == NULL || colon[1] == '\0'))
        status = bf_fail(e, BF_E_CONFIG, "%s names no directory", own.uri.p);
    if (status == BF_OK) {
        r.place = colon + 1;
        snprintf(r.work, sizeof r.work, "%s.restoring", r.place);
        snprintf(r.key_file, sizeof r.key_file, "%.*s", BF_FMT(config->master_key_file));
        status = copy_files(&r, backup, e);
    }
    if (status == BF_OK)
        status = renew(&r, collections, n, e);
    if (status == BF_OK && rename(r.work, r.place) < 0)
        status = bf_fail_errno(e, BF_E_IO, errno, "rename %s to %s", r.work, r.place);
    if (status == BF_OK)
        status = bf__sync_parent(r.place, e);
    for (unsigned i = 0; i < 3; i++) {
        int fd = i == 0 ? r.from_fd : i == 1 ? r.to_fd : r.blobs_fd;
        if (fd >= 0)
            close(fd);
    }
    bf_arena_destroy(&arena);
    return status;
}
