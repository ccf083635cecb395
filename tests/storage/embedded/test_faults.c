/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that is full, and one that fails to sync: below SQLite, by a layer over its file system. */
#include "storage/committer.h"
#include "storage/internal.h"
#include "tests/storage/embedded/rig.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's own layer is process-wide, and so is this one over it. The write-ahead log's writes and syncs and the
 * database's syncs can be made to fail. */
static sqlite3_vfs layer, *below;
static sqlite3_io_methods patched;
static const sqlite3_io_methods *original;
static sqlite3_file *_Atomic wal;
static atomic_int fail_sync, fail_write; /* of the log: result codes to give; 0: none */
static atomic_int n_syncs;               /* of the log */
static sqlite3_io_methods patched_db;
static const sqlite3_io_methods *original_db;
static sqlite3_io_methods without_shm; /* as on a file system that has no shared memory */
static atomic_int fail_db_sync, fail_db_write;
static atomic_bool deny_shm;

static int layer_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    int rc = file == atomic_load(&wal) ? atomic_load(&fail_write) : 0;
    return rc != 0 ? rc : original->xWrite(file, p, n, at);
}

static int layer_sync(sqlite3_file *file, int flags)
{
    int rc = file == atomic_load(&wal) ? atomic_load(&fail_sync) : 0;
    atomic_fetch_add(&n_syncs, 1);
    return rc != 0 ? rc : original->xSync(file, flags);
}

static int layer_db_sync(sqlite3_file *file, int flags)
{
    int rc = atomic_load(&fail_db_sync);
    return rc != 0 ? rc : original_db->xSync(file, flags);
}

static int layer_db_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    int rc = atomic_load(&fail_db_write);
    return rc != 0 ? rc : original_db->xWrite(file, p, n, at);
}

static void patch_db(sqlite3_file *file)
{
    if (original_db == NULL) {
        original_db = file->pMethods;
        patched_db = *original_db;
        patched_db.xSync = layer_db_sync;
        patched_db.xWrite = layer_db_write;
        without_shm = patched_db;
        without_shm.iVersion = 1;
    }
    if (file->pMethods == original_db)
        file->pMethods = atomic_load(&deny_shm) ? &without_shm : &patched_db;
}

static void (*_Atomic on_copy)(void *ctx); /* called when a backup opens its copy of the database, on the committer's thread */
static void *on_copy_ctx;

static int layer_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int rc = below->xOpen(below, name, file, flags, out);
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB))
        patch_db(file);
    if ((flags & SQLITE_OPEN_MAIN_DB) && atomic_load(&on_copy) != NULL && strstr(name, "/copy/") != NULL)
        atomic_load(&on_copy)(on_copy_ctx);
    if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
        return rc;
    if (original == NULL) {
        original = file->pMethods;
        patched = *original;
        patched.xWrite = layer_write;
        patched.xSync = layer_sync;
    }
    assert_ptr_equal(file->pMethods, original);
    file->pMethods = &patched;
    if (atomic_load(&wal) == NULL) /* the writer's: it opens first */
        atomic_store(&wal, file);
    return rc;
}

static int faulty_setup(void **state)
{
    if (below == NULL) {
        below = sqlite3_vfs_find(NULL);
        layer = *below;
        layer.zName = "faulty";
        layer.xOpen = layer_open;
        layer.pNext = NULL;
        sqlite3_vfs_register(&layer, 1);
    }
    atomic_store(&wal, NULL);
    return suite_setup(state);
}

static int faulty_teardown(void **state)
{
    atomic_store(&fail_sync, 0);
    atomic_store(&fail_write, 0);
    atomic_store(&fail_db_sync, 0);
    atomic_store(&on_copy, NULL);
    atomic_store(&fail_db_write, 0);
    atomic_store(&deny_shm, false);
    return suite_teardown(state);
}

static void reopen(struct suite *s)
{
    rig_close(s);
    atomic_store(&wal, NULL);
    suite_reopen(s);
}

static void count_broken(void *ctx, const struct bf_error *why)
{
    assert_int_equal(why->status, BF_E_UNAVAILABLE);
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static void after_a_full_disk_nothing_is_there_and_work_goes_on(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    int64_t head;
    struct bf_check_report report;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"}, two = {.coll = &items, .id = suite_uuid(2), .name = "two"};
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
    atomic_store(&fail_write, SQLITE_FULL);
    assert_int_equal(submit_rename(s, tenant_a, 2, &two, &r), BF_E_NO_SPACE);
    struct bf_write w = {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(3), "note")};
    assert_int_equal(bf_store_write(s->store, &w, 1, NULL, NULL), BF_E_NO_SPACE);
    bf_env_fake_advance(&s->env, 60000); /* what was committed before says nothing any more */
    assert_int_equal(bf_store_probe(s->store, NULL), BF_E_NO_SPACE);
    assert_null(get(s, &items, tenant_a, two.id));
    atomic_store(&fail_write, 0);
    assert_int_equal(bf_log_head(s->store, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(head, 1);
    assert_int_equal(submit_rename(s, tenant_a, 2, &two, &r), BF_OK);
    assert_false(r.replay);
    assert_int_equal(r.n, 2);
    assert_string_equal(rig_check(s, false, &report), "");
}

/* Three at once, of which one has an answer of its own. */
static enum bf_status write_three(struct suite *s, enum bf_status rets[3], struct bf_error *e)
{
    struct bf_write w[3];
    for (unsigned i = 0; i < 3; i++)
        w[i] = (struct bf_write){.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(i + 1), "note")};
    return bf_store_write(s->store, w, 3, rets, e);
}

static void writes_that_the_disk_refused_are_no_success(void **state)
{
    struct suite *s = *state;
    struct bf_error e = {0};
    enum bf_status rets[3];
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(1), "there already"));
    atomic_store(&fail_write, SQLITE_FULL);
    assert_int_equal(write_three(s, rets, &e), BF_E_NO_SPACE);
    assert_true(rets[0] == BF_E_EXISTS && rets[1] == BF_E_NO_SPACE && rets[2] == BF_E_NO_SPACE);
    assert_int_equal(e.status, BF_E_NO_SPACE);
    assert_string_not_equal(e.cause, "");
    atomic_store(&fail_write, 0);
    assert_int_equal(write_three(s, rets, &e), BF_OK);
    assert_true(rets[0] == BF_E_EXISTS && rets[1] == BF_OK && rets[2] == BF_OK);
    atomic_store(&fail_sync, SQLITE_IOERR_FSYNC);
    struct bf_write w = {.kind = BF_W_PUT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(9), "note")};
    assert_int_equal(bf_store_write(s->store, &w, 1, rets, &e), BF_E_UNKNOWN_OUTCOME);
    assert_int_equal(rets[0], BF_E_UNKNOWN_OUTCOME);
    assert_int_equal(write_three(s, rets, &e), BF_E_UNAVAILABLE);
    assert_true(rets[0] == BF_E_UNAVAILABLE && rets[2] == BF_E_UNAVAILABLE && e.status == BF_E_UNAVAILABLE);
}

static void after_a_failed_sync_nothing_more_is_acknowledged(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    atomic_int broken = 0;
    s->limits.broken = count_broken;
    s->limits.broken_ctx = &broken;
    reopen(s);
    struct bf_check_report report;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"}, two = {.coll = &items, .id = suite_uuid(2), .name = "two"};
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
    atomic_store(&fail_sync, SQLITE_IOERR_FSYNC);
    assert_int_equal(submit_rename(s, tenant_a, 2, &two, &r), BF_E_UNKNOWN_OUTCOME);
    atomic_store(&fail_sync, 0); /* the disk says it is well again: too late */
    assert_int_equal(bf_store_probe(s->store, NULL), BF_E_UNAVAILABLE);
    assert_int_equal(submit_rename(s, tenant_a, 3, &two, &r), BF_E_UNAVAILABLE);
    assert_int_equal(atomic_load(&broken), 1);
    assert_int_equal(r.error.retry_after_s, 1);
    assert_string_equal(name_of(get(s, &items, tenant_a, one.id)), "one"); /* reads go on */
    reopen(s);
    assert_string_equal(name_of(get(s, &items, tenant_a, one.id)), "one");
    assert_int_equal(submit_rename(s, tenant_a, 2, &two, &r), BF_OK); /* the same request: there already or not, it is there once now */
    assert_int_equal(r.n, 2);
    assert_int_equal(get(s, &items, tenant_a, two.id)->rev, 1);
    assert_string_equal(rig_check(s, false, &report), "");
}

struct last {
    struct rename rename;
    bool is_answered, is_broken;
};

static void answer_last(const struct bf_receipt *receipt, void *ctx)
{
    struct last *last = ctx;
    assert_int_equal(receipt->status, BF_E_UNKNOWN_OUTCOME);
    assert_false(last->is_broken);
    last->is_answered = true;
}

static void break_last(void *ctx, const struct bf_error *why)
{
    struct last *last = ctx;
    (void)why;
    assert_true(last->is_answered);
    last->is_broken = true;
}

static void run_at_once(struct bf_mailbox *mailbox, struct bf_task *task)
{
    (void)mailbox;
    task->run(task);
}

static void who_waits_for_a_sync_that_fails_is_answered_before_the_server_is_told(void **state)
{
    struct suite *s = *state;
    struct last last = {.rename = {.coll = &items, .id = suite_uuid(1), .name = "one"}};
    struct bf_mailbox home = {.post = run_at_once};
    struct bf_read read = {.coll = &items, .id = last.rename.id};
    struct bf_submission submission = {
        .tenant = tenant_a, .reads = &read, .n_reads = 1, .decide = decide_rename, .ctx = &last, .home = &home, .done = answer_last};
    s->limits.broken = break_last;
    s->limits.broken_ctx = &last;
    reopen(s);
    memset(&submission.request, 1, sizeof submission.request);
    atomic_store(&fail_sync, SQLITE_IOERR_FSYNC);
    assert_int_equal(bf_submit(s->store, &submission, NULL), BF_OK);
    rig_close(s); /* ends what is under way */
    assert_true(last.is_answered && last.is_broken);
    atomic_store(&fail_sync, 0);
    reopen(s);
}

static int syncs_of_probes(struct suite *s, unsigned probes)
{
    int before = atomic_load(&n_syncs);
    for (unsigned i = 0; i < probes; i++)
        assert_int_equal(bf_store_probe(s->store, NULL), BF_OK);
    return atomic_load(&n_syncs) - before;
}

static void asking_whether_the_store_is_well_costs_at_most_a_sync_a_second(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    assert_int_equal(syncs_of_probes(s, 100), 1);
    bf_env_fake_advance(&s->env, 1000);
    assert_int_equal(syncs_of_probes(s, 100), 1);
    bf_env_fake_advance(&s->env, 1000);
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
    assert_int_equal(syncs_of_probes(s, 100), 0); /* it has just been seen to write */
}

static void *probe(void *arg)
{
    struct suite *s = arg;
    assert_int_equal(bf_store_probe(s->store, NULL), BF_OK);
    return NULL;
}

static bool is_probing(struct suite *s)
{
    pthread_mutex_lock(&s->store->probe.lock);
    bool under_way = s->store->probe.under_way;
    pthread_mutex_unlock(&s->store->probe.lock);
    return under_way;
}

static void nobody_else_waits_for_a_store_that_does_not_answer(void **state)
{
    struct suite *s = *state;
    pthread_t thread;
    struct gate *gate = gate_close(s, tenant_b, 9999);
    assert_int_equal(pthread_create(&thread, NULL, probe, s), 0);
    while (!is_probing(s))
        sched_yield();
    assert_int_equal(bf_store_probe(s->store, NULL), BF_OK);
    bf_env_fake_advance(&s->env, 5000);
    assert_int_equal(bf_store_probe(s->store, NULL), BF_E_UNAVAILABLE);
    gate_open(&gate);
    pthread_join(thread, NULL);
    assert_int_equal(bf_store_probe(s->store, NULL), BF_OK);
}

struct break_off {
    struct suite *s;
    struct gather *g;
    struct rename rename;
};

/* Behind the first step of the backup waits a commit that will not be synced. */
static void submit_what_will_fail(void *ctx)
{
    struct break_off *b = ctx;
    struct bf_read read = {&items, b->rename.id};
    atomic_store(&fail_sync, SQLITE_IOERR_FSYNC);
    gather_submit(b->s, b->g, 0, tenant_a, 1, 1, &read, 1, decide_rename, &b->rename);
}

static void a_backup_that_a_failed_sync_broke_off_does_not_hold_up_the_end(void **state)
{
    struct suite *s = *state;
    struct break_off b = {.s = s, .g = gather_create(1), .rename = {.coll = &items, .id = suite_uuid(1), .name = "one"}};
    rig_close(s);
    rig_sql(s, "INSERT INTO meta(name, value) VALUES('filler', zeroblob(20000000))"); /* more than one step copies */
    reopen(s);
    const char *copy = bf_arena_printf(s->arena, "%s/copy", rig_dir(s));
    int key = open(bf_arena_printf(s->arena, "%s/exported.key", rig_dir(s)), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(bf_store_export_key(s->store, key, NULL), BF_OK);
    close(key);
    on_copy_ctx = &b;
    atomic_store(&on_copy, submit_what_will_fail);
    assert_int_equal(bf_store_backup(s->store, copy, NULL, NULL, NULL), BF_E_UNAVAILABLE);
    gather_wait(b.g);
    assert_int_equal(gather_receipt(b.g, 0)->status, BF_E_UNKNOWN_OUTCOME);
    gather_destroy(&b.g);
    atomic_store(&fail_sync, 0);
    reopen(s); /* storage/ asserts that SQLite let its connection be closed */
}

static enum bf_status note_call(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    (void)writer;
    (void)e;
    *(bool *)ctx = true;
    return BF_OK;
}

static void a_full_queue_does_not_refuse_a_call(void **state)
{
    struct suite *s = *state;
    struct bf__waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .left = 1};
    struct bf_error why = {0};
    bool called = false;
    struct bf__item *item = calloc(1, sizeof *item);
    *item = (struct bf__item){.kind = ITEM_CALL, .waiter = &waiter, .error = &why, .call = note_call, .call_ctx = &called};
    s->limits.queue_max = 1;
    reopen(s);
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    struct bf_read read = {&items, one.id};
    struct gate *gate = gate_close(s, tenant_b, 9999);
    struct gather *g = gather_create(1);
    gather_submit(s, g, 0, tenant_a, 1, 1, &read, 1, decide_rename, &one); /* it is full now */
    assert_int_equal(bf__committer_enqueue(s->store, &item, 1, NULL), BF_OK);
    gate_open(&gate);
    gather_wait(g);
    pthread_mutex_lock(&waiter.lock);
    while (waiter.left > 0)
        pthread_cond_wait(&waiter.wake, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    assert_true(called);
    gather_destroy(&g);
    free(item);
}

static void after_a_checkpoint_that_failed_to_sync_nothing_more_is_acknowledged(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bf_check_report report;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"}, two = {.coll = &items, .id = suite_uuid(2), .name = "two"};
    submit_rename(s, tenant_a, 1, &one, &r);
    submit_rename(s, tenant_a, 2, &two, &r);
    atomic_store(&fail_db_sync, SQLITE_IOERR_FSYNC);
    assert_int_equal(bf_store_destroy_subject(s->store, tenant_a, two.id, 2, NULL), BF_E_UNKNOWN_OUTCOME); /* ends in a checkpoint */
    atomic_store(&fail_db_sync, 0);
    assert_int_equal(submit_rename(s, tenant_a, 3, &one, &r), BF_E_UNAVAILABLE);
    reopen(s);
    assert_string_equal(name_of(get(s, &items, tenant_a, one.id)), "one");
    assert_int_equal(submit_rename(s, tenant_a, 3, &one, &r), BF_OK);
    assert_string_equal(rig_check(s, false, &report), "");
}

/* What the log holds does not fit into the database: it is read from where it is. */
static void a_store_on_a_full_disk_is_opened_and_read(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bf_check_report report;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"}, two = {.coll = &items, .id = suite_uuid(2), .name = "two"};
    submit_rename(s, tenant_a, 1, &one, &r);
    atomic_store(&fail_db_write, SQLITE_FULL);
    reopen(s);
    assert_string_equal(name_of(get(s, &items, tenant_a, one.id)), "one");
    assert_int_equal(submit_rename(s, tenant_a, 2, &two, &r), BF_E_NO_SPACE);
    assert_null(get(s, &items, tenant_a, two.id));
    atomic_store(&fail_db_write, 0);
    assert_int_equal(submit_rename(s, tenant_a, 2, &two, &r), BF_OK);
    assert_string_equal(rig_check(s, false, &report), "");
    reopen(s);
    assert_string_equal(name_of(get(s, &items, tenant_a, two.id)), "two");
}

static void a_file_system_without_a_write_ahead_log_is_refused(void **state)
{
    struct suite *s = *state;
    struct bf_error e = {0};
    struct bf_store *store = NULL;
    struct harness *other = harness_create();
    const struct bf_collection *const collections[] = {&items, &parts, &notes, &ticks};
    atomic_store(&deny_shm, true);
    assert_int_equal(harness_open(other, &s->env, &s->limits, collections, 4, &store, &e), BF_E_CONFIG);
    assert_non_null(strstr(e.cause, "write-ahead log"));
    harness_destroy(&other);
}

/* Another connection's snapshot. */
static sqlite3 *hold(struct suite *s)
{
    char path[PATH_MAX + 32];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/data/store.db", rig_dir(s));
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA query_only=ON; BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db;
}

static void what_was_erased_is_gone_from_the_write_ahead_log_or_it_is_said_that_it_is_not(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct stat st;
    char path[PATH_MAX + 32];
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    submit_rename(s, tenant_a, 1, &one, &r);
    sqlite3 *reader = hold(s);
    assert_int_equal(bf_store_destroy_subject(s->store, tenant_a, one.id, 1, NULL), BF_E_UNAVAILABLE);
    sqlite3_close(reader);
    assert_int_equal(bf_store_destroy_subject(s->store, tenant_a, one.id, 1, NULL), BF_OK);
    snprintf(path, sizeof path, "%s/data/store.db-wal", rig_dir(s));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void one_request_at_fault_fails_alone(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename bad = {.coll = &items, .id = suite_uuid(1), .name = "bad"}, good[4];
    submit_rename(s, tenant_a, 1, &bad, &r);
    rig_close(s);
    rig_sql(s, "UPDATE d_items SET d = x'0500000000'");
    reopen(s);
    struct bf_read reads[5] = {{&items, bad.id}};
    struct gather *g = gather_create(5);
    struct gate *gate = gate_close(s, tenant_b, 9999);
    gather_submit(s, g, 0, tenant_a, 10, 1, &reads[0], 1, decide_rename, &bad);
    for (unsigned i = 1; i < 5; i++) {
        good[i - 1] = (struct rename){.coll = &items, .id = suite_uuid(1 + i), .name = "good"};
        reads[i] = (struct bf_read){&items, good[i - 1].id};
        gather_submit(s, g, i, tenant_a, 10 + i, 1, &reads[i], 1, decide_rename, &good[i - 1]);
    }
    gate_open(&gate);
    gather_wait(g);
    assert_int_equal(gather_receipt(g, 0)->status, BF_E_CORRUPT);
    for (unsigned i = 1; i < 5; i++)
        assert_int_equal(gather_receipt(g, i)->status, BF_OK);
    gather_destroy(&g);
}

/* The store fails at a document that goes with the end of a job: that job is not settled, the others are. */
static void a_job_whose_document_cannot_be_written_is_left_and_no_other(void **state)
{
    struct suite *s = *state;
    struct bf_job jobs[2], *taken[2];
    struct bf_write writes[2] = {
        {.kind = BF_W_REPLACE, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(11), "bad"), .rev = 1},
        {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(12), "good")}};
    struct bf_error e = {0};
    unsigned n;
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(11), "there"));
    for (unsigned i = 0; i < 2; i++)
        jobs[i] = (struct bf_job){.id = suite_uuid(i + 1), .tenant = tenant_a, .kind = "a", .ref = suite_uuid(9), .due_ms = i, .n = 5};
    assert_int_equal(bf_job_add(s->store, jobs, 2, NULL), BF_OK);
    rig_close(s);
    rig_sql(s, "UPDATE d_notes SET d = x'0500000000'");
    reopen(s);
    assert_int_equal(bf_job_take_many(s->store, "a", 10, 100, 2, s->arena, taken, &n, NULL), BF_OK);
    assert_int_equal(n, 2);
    struct bf_job_end ends[2] = {{.job = taken[0], .writes = &writes[0], .n_writes = 1}, {.job = taken[1], .writes = &writes[1], .n_writes = 1}};
    assert_int_equal(bf_job_settle(s->store, ends, 2, &e), BF_E_CORRUPT);
    assert_true(ends[0].status == BF_E_CORRUPT && ends[1].status == BF_OK && e.status == BF_E_CORRUPT);
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(12))), "good");
    assert_int_equal(bf_job_take_many(s->store, "a", 200, 100, 2, s->arena, taken, &n, NULL), BF_OK);
    assert_true(n == 1 && bf_uuid_eq(&taken[0]->id, &jobs[0].id) && taken[0]->lost == 1);
}

#define FAULTY_TEST(f)                                                                                                                     \
    {                                                                                                                                      \
#f, f, faulty_setup, faulty_teardown, NULL                                                                                         \
    }
SUITE_PART(suite_faults, FAULTY_TEST(after_a_full_disk_nothing_is_there_and_work_goes_on),
           FAULTY_TEST(asking_whether_the_store_is_well_costs_at_most_a_sync_a_second),
           FAULTY_TEST(a_backup_that_a_failed_sync_broke_off_does_not_hold_up_the_end), FAULTY_TEST(a_full_queue_does_not_refuse_a_call),
           FAULTY_TEST(nobody_else_waits_for_a_store_that_does_not_answer), FAULTY_TEST(writes_that_the_disk_refused_are_no_success),
           FAULTY_TEST(after_a_failed_sync_nothing_more_is_acknowledged),
           FAULTY_TEST(who_waits_for_a_sync_that_fails_is_answered_before_the_server_is_told),
           FAULTY_TEST(after_a_checkpoint_that_failed_to_sync_nothing_more_is_acknowledged), FAULTY_TEST(a_store_on_a_full_disk_is_opened_and_read),
           FAULTY_TEST(a_file_system_without_a_write_ahead_log_is_refused),
           FAULTY_TEST(what_was_erased_is_gone_from_the_write_ahead_log_or_it_is_said_that_it_is_not),
           FAULTY_TEST(one_request_at_fault_fails_alone), FAULTY_TEST(a_job_whose_document_cannot_be_written_is_left_and_no_other));
