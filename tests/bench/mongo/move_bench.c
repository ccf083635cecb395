/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store of one box moved to MongoDB, on the server of MONGODB_TEST_URI: `move_bench DIR [visits] [MB]`. The move is killed in the middle of the files and
 * done again. Prints "NAME SECONDS AMOUNT" for filling, for what it did until it was killed, for the rest, and the move's last words.
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/media.h"
#include "tests/bench/store/creates.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VISITS = 100000, MEGABYTES = 1024, TENANTS = 8, MB = 1 << 20, LINE_BYTES = 1024 };

struct bench {
    struct bf_env env;
    const char *directory;
    char from[LINE_BYTES], to[LINE_BYTES], key[LINE_BYTES];
    unsigned visits, mb;
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "move_bench: %s\n", what);
        exit(1);
    }
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct bf_store_config config_of(const struct bench *b, const char *uri)
{
    return (struct bf_store_config){.uri = bf_strz(uri), .master_key_file = bf_strz(b->key)};
}

static void fill_media(const struct bench *b, struct bf_store *store)
{
    char *bytes = malloc(MB);
    uint8_t sha256[32];
    struct bf_error e = {0};
    must(bytes != NULL, "memory");
    for (unsigned i = 0; i < b->mb; i++) {
        memset(bytes, (int)i, MB);
        memcpy(bytes, &i, sizeof i);
        must(bf_blob_put(store, creates_tenant(i % TENANTS), creates_owner(i), bf_str(bytes, MB), sha256, &e) == BF_OK, e.cause);
    }
    free(bytes);
}

static void fill(const struct bench *b)
{
    struct bf_store_config config = config_of(b, b->from);
    struct bf_store *store;
    struct bf_error e = {0};
    struct creates_ran ran;
    must(bf_store_open(&b->env, &config, creates_collections, creates_n_collections, &store, &e) == BF_OK, e.cause);
    creates_run(store, TENANTS, 0, b->visits, &ran);
    fill_media(b, store);
    bf_store_close(&store);
}

/* ---- the move, in a process of its own ---- */

static void say(void *ctx, const char *line)
{
    (void)ctx;
    puts(line);
    fflush(stdout);
}

static int move(const struct bench *b)
{
    struct bf_store_config from = config_of(b, b->from), to = config_of(b, b->to);
    struct bf_error e = {0};
    must(bf_store_move(&b->env, &from, &to, creates_collections, creates_n_collections, say, NULL, &e) == BF_OK, e.cause);
    return 0;
}

/* Its lines until one begins with `last`, which is left in `line`; the process is then killed, or waited for. */
static double run(const char *self, const struct bench *b, const char *last, bool kills, char line[LINE_BYTES])
{
    char command[4 * LINE_BYTES], pid[32];
    double began = seconds_now();
    snprintf(command, sizeof command, "echo $$; exec '%s' --move '%s' '%s'", self, b->directory, b->to);
    FILE *said = popen(command, "r");
    must(said != NULL && fgets(pid, sizeof pid, said) != NULL, "no process");
    do
        must(fgets(line, LINE_BYTES, said) != NULL, "the move ended early");
    while (strncmp(line, last, strlen(last)) != 0);
    double took = seconds_now() - began;
    if (kills)
        kill((pid_t)atol(pid), SIGKILL);
    while (fgetc(said) != EOF)
        continue;
    int status = pclose(said);
    must(kills ? WIFSIGNALED(status) : status == 0, "the move did not end as it should");
    return took;
}

static void name_places(struct bench *b, const char *directory, const char *uri)
{
    b->directory = directory;
    snprintf(b->from, sizeof b->from, "embedded:%s/store", directory);
    snprintf(b->key, sizeof b->key, "%s/master.key", directory);
    snprintf(b->to, sizeof b->to, "%s", uri);
}

int main(int argc, char **argv)
{
    struct bench b = {.visits = argc > 2 ? (unsigned)atoi(argv[2]) : VISITS, .mb = argc > 3 ? (unsigned)atoi(argv[3]) : MEGABYTES};
    char line[LINE_BYTES], uri[LINE_BYTES];
    const char *server = getenv("MONGODB_TEST_URI"), *options = server == NULL ? NULL : strchr(server, '?');
    bf_env_system(&b.env);
    if (argc == 4 && strcmp(argv[1], "--move") == 0) {
        name_places(&b, argv[2], argv[3]);
        return move(&b);
    }
    must(argc > 1 && options != NULL, "a directory, and MONGODB_TEST_URI with options");
    snprintf(uri, sizeof uri, "%.*sbf_bench_move_%x%s", (int)(options - server), server, (unsigned)getpid(), options);
    name_places(&b, argv[1], uri);
    double began = seconds_now();
    fill(&b);
    printf("filled %.1f %u visits and %u MB\n", seconds_now() - began, b.visits, b.mb);
    printf("until_killed %.1f", run(argv[0], &b, "media:", /* kills= */ true, line));
    printf(" %s", line);
    printf("copied %.1f", run(argv[0], &b, "moved and compared", /* kills= */ false, line));
    printf(" %s", line);
    bf_env_finish(&b.env);
    return 0;
}
