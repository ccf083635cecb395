/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing, the set of readers, transactions, and the driver's table. */
#include "storage/embedded/embedded.h"
#include "core/arena.h"
#include "storage/copy.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bf__embedded *embedded_of(struct bf_driver *driver) { return BF_CONTAINER(driver, struct bf__embedded, base); }

/* Once per process, before the first connection: memory statistics would take a lock at each allocation. */
static void configure_sqlite(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

static void configure_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_sqlite);
}

/* The directory is made when absent and locked for as long as the store is open: a second process is refused. */
static enum bf_status take_directory(struct bf__embedded *db, const char *place, struct bf_error *e)
{
    if (mkdir(place, 0700) < 0 && errno != EEXIST)
        return bf_fail_errno(e, BF_E_IO, errno, "making %s", place);
    if (access(db->path, F_OK) < 0 && bf__sync_parent(place, e) != BF_OK)
        return BF_E_IO;
    db->dir_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (db->dir_fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "opening %s", place);
    if (flock(db->dir_fd, LOCK_EX | LOCK_NB) < 0)
        return bf_fail_errno(e, errno == EWOULDBLOCK ? BF_E_LOCKED : BF_E_IO, errno, "%s is in use by another process", place);
    return BF_OK;
}

static void check_declaration(const struct bf_collection *coll)
{
    assert(coll->name != NULL && coll->schema != NULL);
    for (const char *p = coll->name; *p != '\0'; p++)
        assert((*p >= 'a' && *p <= 'z') || *p == '_');
    for (unsigned i = 0; i < coll->n_indexes; i++) {
        const struct bf_index *index = coll->indexes[i];
        assert(index->n_fields > 0 && index->n_fields <= BF_INDEX_FIELDS_MAX);
        for (unsigned f = 0; f < index->n_fields; f++) {
            enum bf_type type = index->fields[f] == BF_ROW_ID ? BF_T_UUID : coll->schema->fields[index->fields[f]].type;
            assert(index->fields[f] != BF_ROW_NONE && type != BF_T_OBJECT && type != BF_T_BYTES);
            assert((type == BF_T_ARRAY) == (index->multikey && f == 0));
        }
    }
}

static void lay_out(struct bf__embedded *db, const struct bf_driver_open *how)
{
    db->tables = calloc(how->n_collections + 1, sizeof *db->tables);
    if (db->tables == NULL)
        abort();
    db->n_tables = how->n_collections;
    db->n_slots = SQL_GLOBALS;
    for (unsigned i = 0; i < db->n_tables; i++) {
        check_declaration(how->collections[i]);
        db->tables[i] = (struct bf__table){.coll = how->collections[i], .slot = db->n_slots};
        db->n_slots += SQL_DOCS + how->collections[i]->n_indexes * SQL_INDEXES;
    }
}

static enum bf_status open_sessions(struct bf__embedded *db, unsigned readers, struct bf_error *e)
{
    enum bf_status status = bf__session_open(db, &db->writer, true, e);
    if (status == BF_OK)
        status = bf__settle_log(&db->writer, e);
    if (status == BF_OK)
        status = bf__schema_ensure(&db->writer, e);
    if (status == BF_OK && db->writer.unsettled && db->writer.wal_pages > 0)
        status = bf_fail(e, BF_E_NO_SPACE, "there is no space to bring %s up to date", db->path);
    db->readers = calloc(readers, sizeof *db->readers);
    if (db->readers == NULL)
        abort();
    for (; db->n_readers < readers && status == BF_OK; db->n_readers++) {
        struct bf_session *s = &db->readers[db->n_readers];
        status = bf__session_open(db, s, false, e);
        s->next_free = db->free;
        db->free = s;
    }
    return status;
}

static void embedded_close(struct bf_driver **driver)
{
    struct bf__embedded *db = embedded_of(*driver);
    for (unsigned i = 0; i < db->n_readers; i++)
        bf__session_close(&db->readers[i]);
    bf__session_close(&db->writer);
    if (db->dir_fd >= 0)
        close(db->dir_fd);
    pthread_cond_destroy(&db->released);
    pthread_mutex_destroy(&db->lock);
    free(db->readers);
    free(db->tables);
    free(db->path);
    free(db);
    *driver = NULL;
}

static enum bf_status embedded_open(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    struct bf__embedded *db = calloc(1, sizeof *db);
    if (db == NULL || asprintf(&db->path, "%s/store.db", how->place) < 0)
        abort();
    configure_once();
    db->base.vt = &bf__driver_embedded;
    db->env = how->env;
    db->dir_fd = -1;
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->released, NULL);
    lay_out(db, how);
    struct bf_driver *driver = &db->base;
    enum bf_status status = BF_OK;
    if (how->is_there && access(db->path, F_OK) < 0)
        status = bf_fail_errno(e, BF_E_NOT_FOUND, errno, "there is no store in %s", how->place);
    if (status == BF_OK)
        status = take_directory(db, how->place, e);
    if (status == BF_OK)
        status = open_sessions(db, how->readers, e);
    if (status == BF_OK && fsync(db->dir_fd) < 0)
        status = bf_fail_errno(e, BF_E_IO, errno, "syncing %s", how->place);
    if (status != BF_OK)
        embedded_close(&driver);
    else
        *ret = driver;
    return status;
}

/* ---- sessions ---- */

static struct bf_session *take_reader(struct bf_driver *driver)
{
    struct bf__embedded *db = embedded_of(driver);
    pthread_mutex_lock(&db->lock);
    while (db->free == NULL)
        pthread_cond_wait(&db->released, &db->lock);
    struct bf_session *s = db->free;
    db->free = s->next_free;
    pthread_mutex_unlock(&db->lock);
    return s;
}

static void release_reader(struct bf_driver *driver, struct bf_session *s)
{
    struct bf__embedded *db = embedded_of(driver);
    assert(s->db == db && s != &db->writer);
    pthread_mutex_lock(&db->lock);
    s->next_free = db->free;
    db->free = s;
    pthread_cond_signal(&db->released);
    pthread_mutex_unlock(&db->lock);
}

static struct bf_session *the_writer(struct bf_driver *driver) { return &embedded_of(driver)->writer; }

/* ---- transactions and facts ---- */

static enum bf_status run_global(struct bf_session *s, enum bf__global_sql which, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, which, &st, e);
    return status == BF_OK ? bf__run(s, st, e, "transaction") : status;
}

static enum bf_status begin(struct bf_session *s, struct bf_error *e)
{
    if (s->unsettled) {
        enum bf_status status = bf__settle_log(s, e);
        if (status != BF_OK)
            return status == BF_E_IO ? bf_fail(e, BF_E_UNKNOWN_OUTCOME, "the write-ahead log could not be settled") : status;
        if (s->unsettled)
            return bf_fail(e, BF_E_NO_SPACE, "there is no space for what the write-ahead log holds");
    }
    return run_global(s, SQL_BEGIN_WRITE, e);
}

static void rollback(struct bf_session *s)
{
    if (!sqlite3_get_autocommit(s->sql))
        run_global(s, SQL_ROLLBACK, NULL);
}

/* A full disk undoes the transaction. After an I/O error it may stand in the WAL, complete, and be found there by the next start. */
static enum bf_status commit(struct bf_session *s, struct bf_error *e)
{
    struct bf_error cause = {0};
    enum bf_status status = run_global(s, SQL_COMMIT, &cause);
    if (status == BF_OK)
        return BF_OK;
    rollback(s);
    if (status == BF_E_IO)
        bf__distrust(s);
    return bf_fail(e, status == BF_E_IO ? BF_E_UNKNOWN_OUTCOME : status, "%s", cause.cause);
}

static enum bf_status meta_get(struct bf_session *s, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_META_GET, &st, e);
    if (status != BF_OK)
        return status;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = bf__column_dup(st, 0, arena);
    else if (rc == SQLITE_DONE)
        *ret = bf_str(NULL, 0);
    else
        status = bf__sql_fail(s, e, "reading meta");
    sqlite3_reset(st);
    return status;
}

static enum bf_status meta_set(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_META_SET, &st, e);
    if (status != BF_OK)
        return status;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    bf__bind(st, 2, value);
    return bf__run(s, st, e, "writing meta");
}

const struct bf_driver_vtable bf__driver_embedded = {
    .scheme = "embedded",
    .one_transaction = true,
    .open = embedded_open,
    .close = embedded_close,
    .reader = take_reader,
    .release = release_reader,
    .writer = the_writer,
    .get_many = bf__get_many,
    .find = bf__find,
    .count = bf__count,
    .log_read = bf__log_read,
    .log_last = bf__log_last,
    .log_requests = bf__log_requests,
    .log_tenants = bf__log_tenants,
    .meta_get = meta_get,
    .meta_set = meta_set,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .write = bf__write,
    .append = bf__append,
    .apply = bf__apply,
    .tidy = bf__tidy,
    .scan = bf__scan,
    .check_whole = bf__check_whole,
    .check_keys = bf__check_keys,
    .remove = bf__remove,
    .backup = bf__backup,
};
