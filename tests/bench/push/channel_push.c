/* SPDX-License-Identifier: Apache-2.0 */
/* channel_push URL CA-FILE CONCURRENCY N: as bare_push, but each message is encrypted for its subscription, signed for and sent by the Web
 * Push channel. Nothing is journaled here. Prints "RATE_PER_S CPU_US_PER_OP FAILED". */
#include "core/config.h"
#include "core/env.h"
#include "core/http_client.h"
#include "push/channel.h"
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct bench {
    struct bf_mailbox mailbox; /* runs tasks at once, on the client's thread */
    sem_t places;
    atomic_uint failed;
};

struct one {
    struct bf_push_attempt attempt;
    struct bench *bench;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    (void)mailbox;
    task->run(task);
}

static void landed(struct bf_task *task)
{
    struct one *one = BF_CONTAINER(BF_CONTAINER(task, struct bf_push_attempt, done), struct one, attempt);
    if (one->attempt.outcome != BF_PUSH_ACCEPTED)
        one->bench->failed++;
    sem_post(&one->bench->places);
}

static struct bf_config *configure(const char *ca_file)
{
    const struct bf_config_row *tables[] = {bf_client_rows};
    unsigned n[] = {bf_client_n_rows};
    struct bf_config *config = NULL;
    setenv("BAIFANG_HTTP_CLIENT_CA_FILE", ca_file, 1);
    setenv("BAIFANG_HTTP_CLIENT_NAMED_HOSTS", "127.0.0.1", 1);
    setenv("BAIFANG_HTTP_CLIENT_CONNECTIONS_PER_HOST", "1", 1);
    if (bf_config_load(NULL, tables, n, 1, &config, NULL) != BF_OK)
        exit(2);
    return config;
}

static void prepare(struct one *all, unsigned n, struct bench *bench, const struct bf_env *env, const char *url)
{
    static char payload[1024];
    struct bf_p256 *curve = bf_p256_create();
    uint8_t secret[BF_P256_SECRET];
    memset(payload, 'x', sizeof payload);
    for (unsigned i = 0; i < n; i++) {
        struct bf_push_attempt *a = &all[i].attempt;
        all[i].bench = bench;
        bf_random(env, &a->id, sizeof a->id);
        a->target.endpoint = bf_strz(url);
        bf_p256_random(curve, env, secret, a->target.p256dh);
        bf_random(env, a->target.auth, sizeof a->target.auth);
        a->payload = bf_str(payload, sizeof payload);
        a->ttl_s = 60;
        a->urgency = BF_URGENCY_NORMAL;
        a->home = &bench->mailbox;
        a->done.run = landed;
    }
    bf_p256_destroy(&curve);
}

int main(int argc, char **argv)
{
    struct bf_env env;
    struct bf_client_config client_config;
    struct bf_client *client;
    struct bench bench = {.mailbox.post = post};
    void *channel;
    if (argc != 5)
        return 2;
    unsigned concurrency = (unsigned)atoi(argv[3]), n = (unsigned)atoi(argv[4]);
    struct bf_config *config = configure(argv[2]);
    bf_env_system(&env);
    bf_client_config_read(config, &client_config);
    struct bf_channel_ctx ctx = {.env = &env, .key_file = BF_STR("bench-vapid.key"), .subject = BF_STR("")};
    if (bf_client_start(&env, &client_config, &client, NULL) != BF_OK)
        return 2;
    ctx.client = client;
    if (bf_channel_webpush.open(&ctx, &channel, NULL) != BF_OK)
        return 2;
    struct one *all = calloc(n, sizeof *all);
    prepare(all, n, &bench, &env, argv[1]);
    sem_init(&bench.places, 0, concurrency);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < n; i++) {
        sem_wait(&bench.places);
        if (bf_channel_webpush.send(channel, &all[i].attempt) != BF_OK)
            landed(&all[i].attempt.done);
    }
    for (unsigned i = 0; i < concurrency; i++)
        sem_wait(&bench.places);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.0f %.1f %u\n", n / wall, cpu * 1e6 / n, bench.failed);
    bf_client_stop(&client, 0);
    bf_channel_webpush.close(channel);
    bf_config_destroy(&config);
    bf_env_finish(&env);
    free(all);
    return bench.failed > 0;
}
