/* SPDX-License-Identifier: Apache-2.0 */
/* push_tool CONFIG: reads lines "ENDPOINT P256DH AUTH ID TTL PAYLOAD" (keys in base64url), sends each over the Web Push channel, waits, and
 * prints "accepted|later|retire|denied|refused HTTP_STATUS WAIT_MS DETAIL". The first line it prints is the public key. */
#include "core/config.h"
#include "core/env.h"
#include "core/http_client.h"
#include "push/channel.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct gate {
    struct bf_mailbox mailbox;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct bf_task *task;
};

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct gate *g = BF_CONTAINER(mailbox, struct gate, mailbox);
    pthread_mutex_lock(&g->lock);
    g->task = task;
    pthread_cond_signal(&g->change);
    pthread_mutex_unlock(&g->lock);
}

static void nothing(struct bf_task *task) { (void)task; }

static void run_one(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    while (g->task == NULL)
        pthread_cond_wait(&g->change, &g->lock);
    struct bf_task *task = g->task;
    g->task = NULL;
    pthread_mutex_unlock(&g->lock);
    task->run(task);
}

static void send_line(void *channel, char *line)
{
    static const char *const words[] = {"accepted", "later", "retire", "denied", "refused"};
    char endpoint[1100], key[100], auth[40], id[40], payload[5000] = "";
    struct gate gate = {.mailbox.post = post, .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};
    struct bf_push_attempt a = {.urgency = BF_URGENCY_HIGH, .home = &gate.mailbox, .done.run = nothing};
    if (sscanf(line, "%1099s %99s %39s %39s %u %4999[^\n]", endpoint, key, auth, id, &a.ttl_s, payload) < 5)
        exit(2);
    a.target.endpoint = bf_strz(endpoint);
    a.payload = bf_strz(payload);
    if (bf_unbase64url(bf_strz(key), a.target.p256dh, sizeof a.target.p256dh) != BF_P256_POINT ||
        bf_unbase64url(bf_strz(auth), a.target.auth, sizeof a.target.auth) != BF_WEBPUSH_AUTH || !bf_uuid_parse(bf_strz(id), &a.id))
        exit(2);
    if (bf_channel_webpush.send(channel, &a) == BF_OK)
        run_one(&gate);
    printf("%s %d %lld %s\n", words[a.outcome], a.http_status, (long long)a.wait_ms, a.detail);
    fflush(stdout);
}

static const struct bf_config_row rows[] = {
    {.section = "push", .key = "vapid_key_file", .type = BF_CF_PATH, .unit = "", .prose = "as the service has it"},
    {.section = "push", .key = "vapid_subject", .type = BF_CF_STR, .def = "", .max = 300, .unit = "", .prose = "as the service has it"},
};

int main(int argc, char **argv)
{
    const struct bf_config_row *tables[] = {bf_client_rows, rows};
    unsigned n[] = {bf_client_n_rows, 2};
    struct bf_client_config client_config;
    struct bf_config *config;
    struct bf_client *client;
    struct bf_env env;
    struct bf_error e;
    void *channel;
    char line[8192];
    bf_env_system(&env);
    if (argc != 2 || bf_config_load(argv[1], tables, n, 2, &config, &e) != BF_OK)
        return 2;
    bf_client_config_read(config, &client_config);
    if (bf_client_start(&env, &client_config, &client, &e) != BF_OK)
        return 2;
    struct bf_channel_ctx ctx = {.env = &env,
                                 .client = client,
                                 .key_file = bf_config_str(config, "push", "vapid_key_file"),
                                 .subject = bf_config_str(config, "push", "vapid_subject")};
    if (bf_channel_webpush.open(&ctx, &channel, &e) != BF_OK) {
        fprintf(stderr, "%s\n", e.cause);
        return 2;
    }
    printf("%s\n", bf_channel_webpush_key(channel));
    while (fgets(line, sizeof line, stdin) != NULL)
        send_line(channel, line);
    bf_client_stop(&client, 0);
    bf_channel_webpush.close(channel);
    bf_config_destroy(&config);
    bf_env_finish(&env);
    return 0;
}
