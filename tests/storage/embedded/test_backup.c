/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of a store under load, and what is restored from them. */
#include "storage/copy.h"
#include "storage/internal.h"
#include "storage/media.h"
#include "tests/directory.h"
#include "tests/storage/contract/suite.h"
#include "tests/storage/media/media_files.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WRITERS = 2, BEFORE = 40, BLOB_BYTES = 100000, NOTES = 12000, STEPS_MIN = 4 };

struct place {
    char root[PATH_MAX - 64], uri[PATH_MAX], key[PATH_MAX], backup[PATH_MAX], exported[PATH_MAX], copy_uri[PATH_MAX], copy_key[PATH_MAX];
};

static const struct bf_collection *const collections[] = {&items, &parts, &notes, &ticks};
enum { N_COLLECTIONS = 4 };

struct rig {
    struct place at;
    struct suite s; /* env, store, arena */
};

static struct bf_store_config config_of(const char *uri, const char *key)
{
    return (struct bf_store_config){.uri = bf_strz(uri), .master_key_file = bf_strz(key)};
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct place *at = &r->at;
    test_dir_make("backup", at->root, sizeof at->root);
    snprintf(at->uri, sizeof at->uri, "embedded:%s/data", at->root);
    snprintf(at->key, sizeof at->key, "%s/master.key", at->root);
    snprintf(at->backup, sizeof at->backup, "%s/backup", at->root);
    snprintf(at->exported, sizeof at->exported, "%s/exported.key", at->root);
    snprintf(at->copy_uri, sizeof at->copy_uri, "embedded:%s/copy", at->root);
    snprintf(at->copy_key, sizeof at->copy_key, "%s/exported.key", at->root);
    bf_env_system(&r->s.env);
    r->s.arena = bf_arena_create();
    struct bf_store_config config = config_of(at->uri, at->key);
    assert_int_equal(bf_store_open(&r->s.env, &config, collections, N_COLLECTIONS, &r->s.store, NULL), BF_OK);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    bf_store_close(&r->s.store);
    bf_arena_destroy(&r->s.arena);
    bf_env_finish(&r->s.env);
    test_dir_remove(r->at.root);
    free(r);
    return 0;
}

static char *slurp(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "re");
    char *text = malloc(1 << 20);
    assert_non_null(f);
    *ret_n = fread(text, 1, 1 << 20, f);
    fclose(f);
    return text;
}

static void spill(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static enum bf_status restore(struct rig *r, const char *key, struct bf_error *e)
{
    struct bf_store_config config = config_of(r->at.copy_uri, key);
    return bf_store_restore(&r->s.env, r->at.backup, &config, false, collections, N_COLLECTIONS, e);
}

/* The register as it is now goes to where the exported key is, as OPERATIONS.md says. */
static void carry_register(struct rig *r)
{
    char from[PATH_MAX + 16], to[PATH_MAX + 16];
    size_t n;
    snprintf(from, sizeof from, "%s.erasures", r->at.key);
    snprintf(to, sizeof to, "%s.erasures", r->at.exported);
    char *lines = slurp(from, &n);
    spill(to, lines, n);
    free(lines);
}

static struct bf_store *open_copy(struct rig *r)
{
    struct bf_store *copy;
    struct bf_error e = {0};
    struct bf_store_config config = config_of(r->at.copy_uri, r->at.copy_key);
    if (bf_store_open(&r->s.env, &config, collections, N_COLLECTIONS, &copy, &e) != BF_OK)
        fail_msg("the copy does not open: %s", e.cause);
    return copy;
}

/* ---- load ---- */

static void content_of(unsigned n, uint8_t *bytes)
{
    struct dice dice = {.state = n};
    roll_bytes(&dice, bytes, BLOB_BYTES);
}

/* An item, and a blob that it holds. */
static void add(struct suite *s, unsigned n)
{
    struct rename rename = {.coll = &items, .id = suite_uuid(n), .name = "一", .owner = suite_uuid(1)};
    struct bf_receipt receipt;
    uint8_t *bytes = malloc(BLOB_BYTES), sha256[32];
    content_of(n, bytes);
    assert_int_equal(bf_blob_put(s->store, tenant_a, rename.id, bf_str((char *)bytes, BLOB_BYTES), sha256, NULL), BF_OK);
    assert_int_equal(submit_rename(s, tenant_a, n, &rename, &receipt), BF_OK);
    free(bytes);
}

struct writer {
    struct suite s;
    unsigned first, n;
    atomic_bool *stop;
    pthread_t thread;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    w->s.arena = bf_arena_create();
    while (!atomic_load(w->stop)) {
        add(&w->s, w->first + w->n++);
        bf_arena_reset(w->s.arena);
    }
    bf_arena_destroy(&w->s.arena);
    return NULL;
}

struct position {
    int64_t n;
};

static void on_line(void *ctx, const char *line)
{
    struct position *p = ctx;
    const char *entry = strstr(line, "entry ");
    if (entry != NULL)
        p->n = strtoll(entry + 6, NULL, 10);
}

/* Some megabytes, so that the database is copied in several steps. */
static void add_notes(struct suite *s)
{
    struct bf_write writes[200];
    enum bf_status rets[200];
    char text[200];
    memset(text, 'x', sizeof text);
    for (unsigned n = 0; n < NOTES; bf_arena_reset(s->arena)) {
        for (unsigned i = 0; i < 200; i++, n++) {
            struct bf_doc *doc = bf_doc_create(s->arena, &thing_schema, tenant_a, suite_uuid(500000 + n));
            bf_set_str(&doc->object, T_NAME, bf_str(text, sizeof text));
            writes[i] = (struct bf_write){.kind = BF_W_INSERT, .coll = &notes, .doc = doc};
        }
        assert_int_equal(bf_store_write(s->store, writes, 200, rets, NULL), BF_OK);
    }
}

/* The driver's own table, but that a backup goes on only when something was committed since its last step. The table has no place for a
 * context. */
static struct bf_driver_vtable slow;
static struct steps {
    const struct bf_driver_vtable *vt;
    unsigned n;
    int64_t head;
    unsigned syncs;        /* by the committer in the midst of one */
    atomic_uint own_syncs; /* of the copy, by others */
} steps;

static _Thread_local bool in_step;

static void note_sync(int fd)
{
    char link[40], path[PATH_MAX] = "";
    if (in_step)
        steps.syncs++;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (!in_step && readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/backup/store.db") != NULL)
        atomic_fetch_add(&steps.own_syncs, 1);
}

/* In the place of libc's. */
int fsync(int fd)
{
    note_sync(fd);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    note_sync(fd);
    return (int)syscall(SYS_fdatasync, fd);
}

static enum bf_status step_after_a_commit(struct bf_session *s, const char *to, void **copy, bool *done, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_raw_entry *last = NULL;
    enum bf_status status = steps.vt->log_last(s, tenant_a, arena, &last, e);
    int64_t head = last == NULL ? 0 : last->n;
    bf_arena_destroy(&arena);
    *done = false;
    if (status != BF_OK || head == steps.head)
        return status; /* it is called again */
    steps.head = head;
    steps.n++;
    in_step = true;
    status = steps.vt->backup(s, to, copy, done, e);
    in_step = false;
    return status;
}

/* By the committer, which reads the table between two groups too. */
static enum bf_status take_slow_table(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    struct bf_store *store = ctx;
    (void)writer, (void)e;
    steps.vt = store->driver->vt;
    steps.head = BEFORE;
    slow = *store->driver->vt;
    slow.backup = step_after_a_commit;
    store->driver->vt = &slow;
    return BF_OK;
}

static void slow_down(struct bf_store *store) { assert_int_equal(bf__committer_call(store, take_slow_table, store, NULL), BF_OK); }

/* ---- comparing ---- */

static void expect_same_entries(struct rig *r, struct bf_store *copy, int64_t upto)
{
    for (int64_t n = 0; n < upto;) {
        struct bf_log_entry *ours, *theirs;
        unsigned n_ours, n_theirs;
        assert_int_equal(bf_log_read(r->s.store, tenant_a, n, 100, BF_LOG_DOCS, r->s.arena, &ours, &n_ours, NULL), BF_OK);
        assert_int_equal(bf_log_read(copy, tenant_a, n, 100, BF_LOG_DOCS, r->s.arena, &theirs, &n_theirs, NULL), BF_OK);
        assert_true(n_ours > 0 && n_theirs > 0);
        for (unsigned i = 0; i < n_ours && i < n_theirs && n < upto; i++, n++) {
            assert_int_equal(ours[i].n, theirs[i].n);
            assert_int_equal(ours[i].at_ms, theirs[i].at_ms);
            assert_int_equal(ours[i].n_ops, theirs[i].n_ops);
            for (unsigned k = 0; k < ours[i].n_ops; k++)
                assert_true(bf_object_eq(&ours[i].ops[k].doc->object, &theirs[i].ops[k].doc->object));
        }
        bf_arena_reset(r->s.arena);
    }
}

/* Every item that the copy has can be read with its blob. */
static unsigned expect_whole_items(struct rig *r, struct bf_store *copy)
{
    struct bf_query query = {.coll = &items, .tenant = tenant_a, .limit = BF_PAGE_MAX};
    uint8_t *expected = malloc(BLOB_BYTES), *bytes = malloc(BLOB_BYTES), sha256[32];
    unsigned n = 0;
    do {
        struct bf_page page;
        assert_int_equal(bf_store_find(copy, &query, r->s.arena, &page, NULL), BF_OK);
        for (unsigned i = 0; i < page.n; i++, n++) {
            struct bf_uuid id = page.docs[i]->id;
            struct bf_blob *blob;
            struct bf_blob_info info;
            size_t got;
            content_of((unsigned)id.b[2] << 24 | (unsigned)id.b[3] << 16 | (unsigned)id.b[4] << 8 | id.b[5], expected);
            crypto_hash_sha256(sha256, expected, BLOB_BYTES);
            assert_int_equal(bf_blob_open(copy, tenant_a, id, sha256, &blob, &info, NULL), BF_OK);
            assert_int_equal(bf_blob_read(blob, 0, bytes, BLOB_BYTES, &got, NULL), BF_OK);
            assert_int_equal(got, BLOB_BYTES);
            assert_memory_equal(bytes, expected, BLOB_BYTES);
            bf_blob_close(&blob);
        }
        query.after = page.next;
    } while (query.after.n > 0);
    free(expected);
    free(bytes);
    return n;
}

/* ---- the tests ---- */

static void export_key(struct rig *r)
{
    int fd = open(r->at.exported, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(bf_store_export_key(r->s.store, fd, NULL), BF_OK);
    close(fd);
}

static void a_backup_under_load_is_restored_equal_up_to_its_position(void **state)
{
    struct rig *r = *state;
    struct writer writers[WRITERS];
    struct position position = {0};
    struct bf_error e = {0};
    atomic_bool stop = false;
    for (unsigned i = 0; i < BEFORE; i++)
        add(&r->s, 10 + i);
    add_notes(&r->s);
    slow_down(r->s.store);
    assert_int_equal(bf_store_backup(r->s.store, r->at.backup, on_line, &position, &e), BF_E_CONFLICT);
    export_key(r);
    carry_register(r);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.s = r->s, .first = 100000 * (i + 1), .stop = &stop};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    }
    enum bf_status status = bf_store_backup(r->s.store, r->at.backup, on_line, &position, &e);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    if (status != BF_OK)
        fail_msg("backup: %s", e.cause);
    assert_true(steps.n >= STEPS_MIN);
    assert_int_equal(steps.syncs, 0); /* else all who commit would wait for the disk that the backup is on */
    assert_true(atomic_load(&steps.own_syncs) > 0);
    assert_true(position.n >= BEFORE + STEPS_MIN);
    if (restore(r, r->at.exported, &e) != BF_OK)
        fail_msg("restore: %s", e.cause);
    struct bf_store *copy = open_copy(r);
    int64_t head;
    assert_int_equal(bf_log_head(copy, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(head, position.n + 1); /* and the entry that says it was restored */
    expect_same_entries(r, copy, position.n);
    assert_true(expect_whole_items(r, copy) >= BEFORE);
    assert_true(bf_store_incarnation(copy) != bf_store_incarnation(r->s.store));
    struct bf_check_report report;
    assert_int_equal(bf_store_check(copy, false, on_line, &position, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
    assert_true(report.blobs >= BEFORE);
    bf_store_close(&copy);
}

static void make_backup(struct rig *r)
{
    struct bf_error e = {0};
    export_key(r);
    if (bf_store_backup(r->s.store, r->at.backup, NULL, NULL, &e) != BF_OK)
        fail_msg("backup: %s", e.cause);
    carry_register(r);
}

/* Ten gigabytes are hashed for longer than a server has to stop. */
static void a_stop_is_heard_in_the_midst_of_a_file(void **state)
{
    struct rig *r = *state;
    atomic_bool stop = true;
    uint8_t sha256[32];
    int64_t size;
    add(&r->s, 10);
    make_backup(r);
    int dir = open(r->at.backup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(bf__file_hash(dir, "store.db", &stop, sha256, &size, NULL), BF_E_CANCELLED);
    assert_int_equal(bf__file_copy(dir, "store.db", dir, "copy.db", &stop, NULL, NULL), BF_E_CANCELLED);
    stop = false;
    assert_int_equal(bf__file_hash(dir, "store.db", &stop, sha256, &size, NULL), BF_OK);
    close(dir);
    bf_store_stop_care(r->s.store);
    snprintf(r->at.backup, sizeof r->at.backup, "%s/another", r->at.root);
    assert_int_equal(bf_store_backup(r->s.store, r->at.backup, NULL, NULL, NULL), BF_E_CANCELLED);
}

static void the_master_key_is_in_no_file_of_a_backup(void **state)
{
    struct rig *r = *state;
    char path[PATH_MAX + 32], *key;
    size_t n_key, n;
    add(&r->s, 10);
    make_backup(r);
    key = slurp(r->at.key, &n_key);
    assert_int_equal(n_key, 65);
    uint8_t raw[32];
    assert_true(bf_unhex(bf_str(key, 64), raw, 32));
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", r->at.backup, i == 0 ? "store.db" : "MANIFEST");
        char *text = slurp(path, &n);
        assert_null(memmem(text, n, raw, 32));
        assert_null(memmem(text, n, key, 64));
        free(text);
    }
    struct stat st;
    assert_int_equal(stat(r->at.exported, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    free(key);
}

static void a_wrong_key_a_changed_manifest_and_a_changed_file_are_refused(void **state)
{
    struct rig *r = *state;
    char path[PATH_MAX + 32], other[PATH_MAX + 32];
    size_t n;
    for (unsigned i = 0; i < 3; i++)
        add(&r->s, 10 + i);
    make_backup(r);
    snprintf(other, sizeof other, "%s/other.key", r->at.root);
    spill(other, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 65);
    assert_int_equal(chmod(other, 0600), 0);
    assert_int_equal(restore(r, other, NULL), BF_E_CONFIG);
    snprintf(path, sizeof path, "%s/MANIFEST", r->at.backup);
    char *text = slurp(path, &n);
    for (size_t at = 0; at < n; at++) {
        text[at] ^= 1;
        spill(path, text, n);
        assert_int_not_equal(restore(r, r->at.exported, NULL), BF_OK);
        text[at] ^= 1;
    }
    spill(path, text, n - 1);
    assert_int_equal(restore(r, r->at.exported, NULL), BF_E_CORRUPT);
    spill(path, text, n);
    free(text);
    snprintf(path, sizeof path, "%s/store.db", r->at.backup);
    text = slurp(path, &n);
    text[n / 2] ^= 1;
    spill(path, text, n);
    assert_int_equal(restore(r, r->at.exported, NULL), BF_E_CORRUPT);
    snprintf(other, sizeof other, "%s/copy", r->at.root);
    assert_int_equal(access(other, F_OK), -1); /* no store was made of any of them */
    text[n / 2] ^= 1;
    spill(path, text, n);
    free(text);
    assert_int_equal(restore(r, r->at.exported, NULL), BF_E_EXISTS); /* what is left of the last one is for a person to remove */
    snprintf(other, sizeof other, "%s/copy.restoring", r->at.root);
    test_dir_remove(other);
    assert_int_equal(restore(r, r->at.exported, NULL), BF_OK);
    assert_int_equal(restore(r, r->at.exported, NULL), BF_E_EXISTS);
}

static void who_was_erased_after_the_backup_is_erased_in_what_is_restored(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    struct bf_doc *doc;
    struct bf_blob_info info;
    struct bf_blob *blob;
    uint8_t *bytes = malloc(BLOB_BYTES), sha256[32];
    for (unsigned i = 0; i < 3; i++)
        add(&r->s, 10 + i);
    make_backup(r);
    assert_int_equal(bf_store_destroy_subject(r->s.store, tenant_a, suite_uuid(11), 4, NULL), BF_OK);
    carry_register(r);
    if (restore(r, r->at.exported, &e) != BF_OK)
        fail_msg("restore: %s", e.cause);
    struct bf_store *copy = open_copy(r);
    assert_int_equal(bf_store_get(copy, &items, tenant_a, suite_uuid(11), r->s.arena, &doc, NULL), BF_OK);
    assert_true(doc == NULL || doc->tombstone);
    assert_int_equal(bf_store_get(copy, &items, tenant_a, suite_uuid(12), r->s.arena, &doc, NULL), BF_OK);
    assert_true(doc != NULL && !doc->tombstone);
    content_of(11, bytes);
    crypto_hash_sha256(sha256, bytes, BLOB_BYTES);
    assert_int_equal(bf_blob_open(copy, tenant_a, suite_uuid(11), sha256, &blob, &info, NULL), BF_E_GONE);
    bf_store_close(&copy);
    free(bytes);
}

static void without_the_register_a_restore_is_refused_unless_told(void **state)
{
    struct rig *r = *state;
    char path[PATH_MAX + 16], made[PATH_MAX + 16], *text;
    struct bf_error e = {0};
    size_t n;
    add(&r->s, 10);
    add(&r->s, 11);
    assert_int_equal(bf_store_destroy_subject(r->s.store, tenant_a, suite_uuid(11), 2, NULL), BF_OK);
    make_backup(r);
    snprintf(path, sizeof path, "%s.erasures", r->at.exported);
    snprintf(made, sizeof made, "%s/copy", r->at.root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(restore(r, r->at.exported, &e), BF_E_NOT_FOUND);
    assert_non_null(strstr(e.cause, path));
    assert_non_null(strstr(e.cause, "--no-erasures"));
    assert_int_equal(access(made, F_OK), -1);
    assert_int_equal(access(path, F_OK), -1); /* else the next try would find one */
    struct bf_store_config config = config_of(r->at.copy_uri, r->at.exported);
    assert_int_equal(bf_store_restore(&r->s.env, r->at.backup, &config, true, collections, N_COLLECTIONS, &e), BF_OK);
    text = slurp(path, &n);
    assert_non_null(memmem(text, n, " 2\n", 3)); /* the new store's own, of what the backup knew */
    free(text);
}

/* A store of its own ran here first: its key went, its register is there still. */
static void the_register_of_another_store_is_refused(void **state)
{
    struct rig *r = *state;
    char uri[PATH_MAX], key[PATH_MAX], stray[PATH_MAX + 16], place[PATH_MAX + 16], made[PATH_MAX + 16], *text;
    struct bf_store *other;
    struct bf_error e = {0};
    size_t n;
    add(&r->s, 10);
    add(&r->s, 11);
    make_backup(r);
    assert_int_equal(bf_store_destroy_subject(r->s.store, tenant_a, suite_uuid(11), 2, NULL), BF_OK);
    snprintf(uri, sizeof uri, "embedded:%.3000s/other", r->at.root);
    snprintf(key, sizeof key, "%.3000s/other.key", r->at.root);
    struct bf_store_config config = config_of(uri, key);
    assert_int_equal(bf_store_open(&r->s.env, &config, collections, N_COLLECTIONS, &other, NULL), BF_OK);
    bf_store_close(&other);
    snprintf(stray, sizeof stray, "%s.erasures", key);
    snprintf(place, sizeof place, "%s.erasures", r->at.exported);
    text = slurp(stray, &n);
    spill(place, text, n);
    free(text);
    assert_int_equal(restore(r, r->at.exported, &e), BF_E_CONFIG);
    assert_non_null(strstr(e.cause, "another master key"));
    snprintf(made, sizeof made, "%s/copy.restoring", r->at.root);
    assert_int_equal(access(made, F_OK), -1);
    carry_register(r);
    assert_int_equal(restore(r, r->at.exported, &e), BF_OK);
}

static void a_register_that_is_older_than_the_backup_is_refused(void **state)
{
    struct rig *r = *state;
    char made[PATH_MAX + 16];
    struct bf_error e = {0};
    add(&r->s, 10);
    add(&r->s, 11);
    carry_register(r);
    assert_int_equal(bf_store_destroy_subject(r->s.store, tenant_a, suite_uuid(11), 2, NULL), BF_OK);
    export_key(r);
    assert_int_equal(bf_store_backup(r->s.store, r->at.backup, NULL, NULL, &e), BF_OK);
    assert_int_equal(restore(r, r->at.exported, &e), BF_E_CONFIG);
    assert_non_null(strstr(e.cause, "older than the backup"));
    snprintf(made, sizeof made, "%s/copy", r->at.root);
    assert_int_equal(access(made, F_OK), -1);
}

/* The power fails when the register has the line and the key is not destroyed. */
static void an_erasure_that_was_cut_short_ends_with_the_next_start(void **state)
{
    struct rig *r = *state;
    char path[PATH_MAX + 16], line[128], t[BF_UUID_TEXT], s[BF_UUID_TEXT];
    struct bf_log_entry *entries;
    struct bf_uuid erased = suite_uuid(10);
    unsigned n;
    size_t n_text;
    add(&r->s, 10);
    add(&r->s, 11);
    bf_store_close(&r->s.store);
    bf_uuid_text(&tenant_a, t);
    bf_uuid_text(&erased, s);
    snprintf(path, sizeof path, "%s.erasures", r->at.key);
    char *text = slurp(path, &n_text);
    int n_line = snprintf(line, sizeof line, "%s %s 1\n%s torn", t, s, t);
    memcpy(text + n_text, line, (size_t)n_line);
    spill(path, text, n_text + (size_t)n_line);
    free(text);
    struct bf_store_config config = config_of(r->at.uri, r->at.key);
    assert_int_equal(bf_store_open(&r->s.env, &config, collections, N_COLLECTIONS, &r->s.store, NULL), BF_OK);
    assert_int_equal(bf_log_read(r->s.store, tenant_a, 0, 10, BF_LOG_DOCS, r->s.arena, &entries, &n, NULL), BF_OK);
    assert_int_equal(n, 2);
    assert_true(entries[0].ops[0].erased);
    assert_false(entries[1].ops[0].erased);
}

/* Nothing can be written under it any more, and still the others' erasures are made. */
static void a_backup_of_a_company_whose_own_key_was_destroyed_can_be_restored(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    struct bf_uuid none = {{0}};
    struct bf_doc *doc;
    add(&r->s, 10);
    add(&r->s, 11);
    struct rename part = {.coll = &parts, .id = suite_uuid(20), .name = "whose"}; /* of no item: the company's own */
    struct bf_receipt receipt;
    assert_int_equal(submit_rename(&r->s, tenant_a, 20, &part, &receipt), BF_OK);
    assert_int_equal(bf_store_destroy_subject(r->s.store, tenant_a, none, 3, NULL), BF_OK);
    make_backup(r);
    assert_int_equal(bf_store_destroy_subject(r->s.store, tenant_a, suite_uuid(11), 3, NULL), BF_OK);
    carry_register(r);
    if (restore(r, r->at.exported, &e) != BF_OK)
        fail_msg("restore: %s", e.cause);
    struct bf_store *copy = open_copy(r);
    assert_int_equal(bf_store_get(copy, &items, tenant_a, suite_uuid(10), r->s.arena, &doc, NULL), BF_OK);
    assert_false(doc->tombstone);
    assert_int_equal(bf_store_get(copy, &items, tenant_a, suite_uuid(11), r->s.arena, &doc, NULL), BF_OK);
    assert_true(doc->tombstone);
    assert_int_equal(bf_store_get(copy, &parts, tenant_a, part.id, r->s.arena, &doc, NULL), BF_OK);
    assert_true(doc->tombstone);
    bf_store_close(&copy);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_backup_under_load_is_restored_equal_up_to_its_position),
        T(a_stop_is_heard_in_the_midst_of_a_file),
        T(the_master_key_is_in_no_file_of_a_backup),
        T(a_wrong_key_a_changed_manifest_and_a_changed_file_are_refused),
        T(who_was_erased_after_the_backup_is_erased_in_what_is_restored),
        T(without_the_register_a_restore_is_refused_unless_told),
        T(the_register_of_another_store_is_refused),
        T(a_register_that_is_older_than_the_backup_is_refused),
        T(an_erasure_that_was_cut_short_ends_with_the_next_start),
        T(a_backup_of_a_company_whose_own_key_was_destroyed_can_be_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
