/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/media/crash_writer.h"
#include "core/env.h"
#include "storage/media.h"
#include "tests/storage/media/media_files.h"
#include "tests/storage/media/uploads.h"
#include "tests/test.h"
#include <unistd.h>

const struct bf_uuid crash_tenant = {{0x01, 0x90, 0xaa}}, crash_user = {{0x01, 0x90, 0xbb}};

struct writer {
    struct bf_env env;
    struct bf_store *store;
    struct home home;
    struct dice dice;
    unsigned number, count, seed;
    int fd;
    pthread_t thread;
};

void crash_place(const char *dir, struct crash_place *ret)
{
    snprintf(ret->uri, sizeof ret->uri, "embedded:%s/data", dir);
    snprintf(ret->key, sizeof ret->key, "%s/master.key", dir);
}

struct bf_store *crash_open(const struct bf_env *env, const struct crash_place *place)
{
    struct bf_store_config config = {.uri = bf_strz(place->uri), .master_key_file = bf_strz(place->key)};
    struct bf_store *store;
    struct bf_error e = {0};
    if (bf_store_open(env, &config, NULL, 0, &store, &e) != BF_OK)
        fail_msg("the store does not open: %s", e.cause);
    return store;
}

static struct dice dice_of(const struct bf_uuid *id)
{
    struct dice dice;
    memcpy(&dice.state, id->b + 8, sizeof dice.state);
    return dice;
}

size_t crash_size(const struct bf_uuid *id)
{
    struct dice dice = dice_of(id);
    return 1 + roll(&dice, roll(&dice, 3) == 0 ? CRASH_BYTES_MAX : 3000);
}

void crash_content(const struct bf_uuid *id, uint8_t *p)
{
    struct dice dice = dice_of(id);
    roll_bytes(&dice, p, crash_size(id));
}

void crash_put_content(unsigned number, uint8_t *p)
{
    struct dice dice = {.state = number};
    roll_bytes(&dice, p, CRASH_PUT_BYTES);
}

struct bf_uuid crash_put_holder(unsigned number) { return bf_uuid_from_name(&number, sizeof number); }

static void say(struct writer *w, const char *what, const struct bf_uuid *id, long long n)
{
    char line[80], text[BF_UUID_TEXT] = "";
    if (id != NULL)
        bf_uuid_text(id, text);
    int len = snprintf(line, sizeof line, "%s%s%s %lld\n", what, id == NULL ? "" : " ", text, n);
    if (write(w->fd, line, (size_t)len) != len)
        _exit(1);
}

static void send(struct writer *w, struct bf_stage *stage, const struct bf_uuid *id, const uint8_t *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t piece = 1 + roll(&w->dice, 100000);
        piece = piece > n - at ? n - at : piece;
        assert_int_equal(upload_append(&w->home, stage, p + at, piece), BF_OK);
        at += piece;
        if (at < n && roll(&w->dice, 3) == 0)
            continue;
        assert_int_equal(upload_sync(&w->home, stage), BF_OK);
        say(w, "A", id, (long long)w->home.offset);
    }
}

static void upload(struct writer *w)
{
    uint8_t *p = malloc(CRASH_BYTES_MAX);
    struct bf_stage_new new = {.id = bf_uuid_v7(&w->env), .tenant = crash_tenant, .user = crash_user};
    struct bf_stage *stage;
    size_t n = crash_size(&new.id);
    crash_content(&new.id, p);
    new.length = new.max_bytes = (int64_t)n;
    assert_int_equal(bf_stage_create(w->store, &new, NULL), BF_OK);
    say(w, "A", &new.id, 0);
    assert_int_equal(upload_open(&w->home, w->store, &new, &stage, NULL), BF_OK);
    send(w, stage, &new.id, p, n);
    assert_int_equal(upload_finish(&w->home, stage), BF_OK);
    say(w, "F", &new.id, (long long)n);
    bf_stage_close(&stage);
    free(p);
}

static void put(struct writer *w, unsigned number)
{
    uint8_t bytes[CRASH_PUT_BYTES], sha256[32];
    crash_put_content(number, bytes);
    assert_int_equal(bf_blob_put(w->store, crash_tenant, crash_put_holder(number), bf_str((char *)bytes, sizeof bytes), sha256, NULL), BF_OK);
    say(w, "P", NULL, number);
}

static void *run(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; w->count == 0 || i < w->count; i++) {
        upload(w);
        put(w, w->seed * 100000 + w->number * 10000 + i % 10000);
    }
    return NULL;
}

void crash_write(const struct crash_place *place, unsigned seed, unsigned threads, unsigned count, int fd)
{
    struct writer *writers = calloc(threads, sizeof *writers);
    struct bf_env env;
    bf_env_system(&env);
    struct bf_store *store = crash_open(&env, place);
    for (unsigned i = 0; i < threads; i++) {
        struct writer *w = &writers[i];
        *w = (struct writer){.env = env, .store = store, .number = i, .count = count, .seed = seed, .fd = fd, .dice.state = seed * 100 + i};
        home_open(&w->home, &env);
        assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(writers[i].thread, NULL);
    bf_store_close(&store);
    for (unsigned i = 0; i < threads; i++)
        home_close(&writers[i].home);
    bf_env_finish(&env);
    free(writers);
}
