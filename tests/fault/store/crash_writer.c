/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_writer DIR FIRST IN_FLIGHT [COUNT]: creates items FIRST, FIRST + 1, ... in the store of DIR until it is killed (or COUNT were
 * made). As soon as a create is acknowledged, and before anything else, a line "REQUEST RECEIPT" is appended to DIR/ledger by one write.
 * With the first one it says a byte on its standard output.
 */
#include "core/arena.h"
#include "tests/fault/store/crash.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct writer {
    struct bf_store *store;
    int ledger;
    atomic_ullong next;
    atomic_flag said;
    uint64_t end;
};

static void acknowledge(struct writer *w, uint64_t request, const struct bf_receipt *r)
{
    char line[200];
    int n = snprintf(line, sizeof line, "%llu %.*s\n", (unsigned long long)request, BF_FMT(r->body));
    if (write(w->ledger, line, (size_t)n) != n)
        exit(1);
    if (!atomic_flag_test_and_set(&w->said))
        (void)!write(STDOUT_FILENO, "!", 1);
}

static void *client(void *arg)
{
    struct writer *w = arg;
    struct bf_arena *arena = bf_arena_create();
    for (uint64_t request; (request = atomic_fetch_add(&w->next, 1)) < w->end;) {
        struct bf_read reads[2];
        struct bf_receipt receipt;
        struct bf_error e = {0};
        struct bf_submission s = crash_submission(request, reads);
        s.ctx = &request;
        if (bf_submit_wait(w->store, &s, arena, &receipt, &e) != BF_OK) {
            fprintf(stderr, "crash_writer: %s\n", e.cause);
            exit(1);
        }
        acknowledge(w, request, &receipt);
        bf_arena_reset(arena);
    }
    bf_arena_destroy(&arena);
    return NULL;
}

int main(int argc, char **argv)
{
    struct bf_env env;
    struct writer w = {.end = UINT64_MAX, .said = ATOMIC_FLAG_INIT};
    struct bf_error e = {0};
    char path[4096];
    pthread_t clients[CRASH_IN_FLIGHT];
    if (argc < 4)
        return 2;
    unsigned n = (unsigned)atoi(argv[3]);
    bf_env_system(&env);
    snprintf(path, sizeof path, "%s/ledger", argv[1]);
    w.ledger = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    atomic_store(&w.next, strtoull(argv[2], NULL, 10));
    if (argc > 4)
        w.end = atomic_load(&w.next) + strtoull(argv[4], NULL, 10);
    if (w.ledger < 0 || n > CRASH_IN_FLIGHT || crash_open(&env, argv[1], &w.store, &e) != BF_OK) {
        fprintf(stderr, "crash_writer: %s\n", e.cause);
        return 1;
    }
    for (unsigned i = 0; i < n; i++)
        if (pthread_create(&clients[i], NULL, client, &w) != 0)
            return 1;
    for (unsigned i = 0; i < n; i++)
        pthread_join(clients[i], NULL);
    bf_store_close(&w.store);
    bf_env_finish(&env);
    return 0;
}
