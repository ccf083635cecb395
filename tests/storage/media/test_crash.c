/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at a random moment, again and again, on one store: every offset, upload and blob that was acknowledged is there afterwards, whole, and an upload
 * that was cut short is finished from where it stands. Run with the arguments "write DIR SEED THREADS COUNT" this is the process that is killed. */
#include "core/env.h"
#include "storage/media.h"
#include "tests/directory.h"
#include "tests/storage/media/crash_writer.h"
#include "tests/storage/media/media_files.h"
#include "tests/storage/media/uploads.h"
#include "tests/test.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 200000, THREADS = 3 };

struct acked {
    struct bf_uuid id;
    long long offset;
    bool finished;
};

struct ledger {
    struct acked *uploads;
    unsigned n_uploads;
    unsigned *puts;
    unsigned n_puts;
};

static void note(struct ledger *l, const char *line)
{
    struct bf_uuid id;
    unsigned number;
    if (sscanf(line, "P %u", &number) == 1) {
        assert_true(l->n_puts < LINES_MAX);
        l->puts[l->n_puts++] = number;
        return;
    }
    assert_true(bf_uuid_parse(bf_str(line + 2, 36), &id));
    unsigned i = l->n_uploads;
    while (i > 0 && !bf_uuid_eq(&l->uploads[i - 1].id, &id))
        i--;
    if (i == 0) {
        assert_true(l->n_uploads < LINES_MAX);
        l->uploads[l->n_uploads++] = (struct acked){.id = id};
        i = l->n_uploads;
    }
    l->uploads[i - 1].offset = strtoll(line + 39, NULL, 10);
    l->uploads[i - 1].finished = line[0] == 'F';
}

/* A pipe gives whole lines up to PIPE_BUF; what the killed process wrote stays readable. */
static void read_ledger(int fd, struct ledger *l)
{
    FILE *f = fdopen(fd, "r");
    char line[100];
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (strchr(line, '\n') != NULL)
            note(l, line);
    fclose(f);
}

static void live_and_die(const char *dir, unsigned seed, struct dice *dice, struct ledger *l)
{
    int ends[2];
    char seed_text[16];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 0);
    snprintf(seed_text, sizeof seed_text, "%u", seed);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "test_crash", "write", dir, seed_text, "3", "0", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    struct pollfd first = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&first, 1, 60000), 1); /* it is at work */
    struct timespec moment = {.tv_nsec = (long)roll(dice, 150) * 1000000};
    nanosleep(&moment, NULL); /* the moment of death is what is random here, nothing waits for it */
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    read_ledger(ends[0], l);
}

/* ---- afterwards ---- */

static void expect_blob(struct bf_store *store, struct bf_uuid holder, const uint8_t *p, size_t n)
{
    struct bf_blob *blob;
    struct bf_blob_info info;
    uint8_t sha256[32], *back = malloc(n + 1);
    size_t got;
    crypto_hash_sha256(sha256, p, n);
    assert_int_equal(bf_blob_open(store, crash_tenant, holder, sha256, &blob, &info, NULL), BF_OK);
    assert_int_equal(bf_blob_read(blob, 0, back, n + 1, &got, NULL), BF_OK);
    assert_int_equal(got, n);
    assert_memory_equal(back, p, n);
    bf_blob_close(&blob);
    free(back);
}

static void expect_upload(struct home *home, struct bf_store *store, const struct acked *a)
{
    uint8_t *p = malloc(CRASH_BYTES_MAX);
    struct bf_stage_new new = {.id = a->id, .tenant = crash_tenant, .user = crash_user};
    struct bf_stage_info info;
    struct bf_stage *stage;
    size_t n = crash_size(&a->id);
    crash_content(&a->id, p);
    assert_int_equal(upload_open(home, store, &new, &stage, &info), BF_OK);
    assert_in_range(info.offset, a->offset, n);
    assert_true(info.finished || !a->finished);
    if (!info.finished) {
        assert_int_equal(upload_append(home, stage, p + info.offset, n - (size_t)info.offset), BF_OK);
        assert_int_equal(upload_sync(home, stage), BF_OK);
        assert_int_equal(upload_finish(home, stage), BF_OK);
    }
    bf_stage_close(&stage);
    expect_blob(store, crash_user, p, n);
    free(p);
}

static void expect_all(const struct crash_place *place, const struct ledger *l, unsigned from)
{
    struct bf_env env;
    struct home home;
    uint8_t bytes[CRASH_PUT_BYTES];
    bf_env_system(&env);
    struct bf_store *store = crash_open(&env, place);
    home_open(&home, &env);
    for (unsigned i = from; i < l->n_uploads; i++)
        expect_upload(&home, store, &l->uploads[i]);
    for (unsigned i = 0; i < l->n_puts; i++) {
        crash_put_content(l->puts[i], bytes);
        expect_blob(store, crash_put_holder(l->puts[i]), bytes, sizeof bytes);
    }
    bf_store_close(&store);
    home_close(&home);
    bf_env_finish(&env);
}

static void nothing_acknowledged_is_lost_by_kill_9(void **state)
{
    (void)state;
    char dir[2048];
    struct crash_place place;
    struct dice dice = {.state = test_seed()};
    struct ledger l = {.uploads = calloc(LINES_MAX, sizeof *l.uploads), .puts = calloc(LINES_MAX, sizeof *l.puts)};
    test_dir_make("crash", dir, sizeof dir);
    crash_place(dir, &place);
    for (unsigned life = 0; life < test_rounds(10); life++) {
        unsigned before = l.n_uploads;
        l.n_puts = 0;
        live_and_die(dir, life + 1, &dice, &l);
        expect_all(&place, &l, before);
    }
    expect_all(&place, &l, 0); /* and the earlier lives' uploads still are */
    test_dir_remove(dir);
    free(l.uploads);
    free(l.puts);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "write") == 0) {
        struct crash_place place;
        crash_place(argv[2], &place);
        crash_write(&place, (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]), STDOUT_FILENO);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost_by_kill_9)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
