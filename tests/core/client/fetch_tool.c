/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_tool CONFIG TIMES: reads lines "user URL" or "config URL", sends each TIMES times at once (a POST of 1 KB), waits for all, and
 * prints one line for each read: "CODE HTTP_STATUS N", how often the last outcome came. */
#include "core/env.h"
#include "core/http_client.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct gate {
    struct bf_mailbox mailbox;
    pthread_mutex_t lock;
    pthread_cond_t change;
    unsigned n;
};

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct gate *g = BF_CONTAINER(mailbox, struct gate, mailbox);
    (void)task;
    pthread_mutex_lock(&g->lock);
    g->n++;
    pthread_cond_signal(&g->change);
    pthread_mutex_unlock(&g->lock);
}

static void await(struct gate *g, unsigned n)
{
    pthread_mutex_lock(&g->lock);
    while (g->n < n)
        pthread_cond_wait(&g->change, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void fetch_all(struct bf_client *client, const char *from, const char *url, unsigned times)
{
    static const char body[1024];
    struct gate gate = {.mailbox.post = post, .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};
    struct bf_fetch *fetches = calloc(times, sizeof *fetches);
    struct bf_error e;
    unsigned sent = 0, same = 0;
    for (unsigned i = 0; i < times; i++) {
        bf_fetch_init(&fetches[i]);
        fetches[i].url = url;
        fetches[i].from = strcmp(from, "config") == 0 ? BF_URL_CONFIG : BF_URL_USER;
        fetches[i].body = bf_str(body, sizeof body);
        fetches[i].home = &gate.mailbox;
        enum bf_status refused = bf_client_submit(client, &fetches[i], &e);
        if (refused != BF_OK)
            fetches[i].status = refused;
        else
            sent++;
    }
    await(&gate, sent);
    enum bf_status last = fetches[times - 1].status;
    int http_status = fetches[times - 1].http_status;
    for (unsigned i = 0; i < times; i++) {
        same += fetches[i].status == last && fetches[i].http_status == http_status;
        bf_fetch_finish(&fetches[i]);
    }
    printf("%s %d %u\n", bf_status_code(last), http_status, same);
    free(fetches);
}

int main(int argc, char **argv)
{
    const struct bf_config_row *tables[] = {bf_client_rows};
    struct bf_client_config client_config;
    struct bf_config *config;
    struct bf_client *client;
    struct bf_env env;
    struct bf_error e;
    char from[16], url[1024];
    if (argc != 3)
        return 2;
    bf_env_system(&env);
    if (bf_config_load(argv[1], tables, &bf_client_n_rows, 1, &config, &e) != BF_OK) {
        fprintf(stderr, "%s\n", e.cause);
        return 2;
    }
    bf_client_config_read(config, &client_config);
    if (bf_client_start(&env, &client_config, &client, &e) != BF_OK)
        return 2;
    while (scanf("%15s %1023s", from, url) == 2)
        fetch_all(client, from, url, (unsigned)atoi(argv[2]));
    bf_client_stop(&client, 0);
    bf_config_destroy(&config);
    bf_env_finish(&env);
    return 0;
}
