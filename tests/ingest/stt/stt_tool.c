/* SPDX-License-Identifier: Apache-2.0 */
/* stt_tool CONFIG AUDIO TYPE TIMES PROMPT DEADLINE_MS [BAIFANG-DECODE]: transcribes a file TIMES times in one process with the configured
 * provider and prints one JSON line for each: outcome, text, detail, wait_ms, reached, requests (sent so far). */
#include "core/arena.h"
#include "core/env.h"
#include "core/http_client.h"
#include "core/json.h"
#include "ingest/decode/client.h"
#include "ingest/stt/stt.h"
#include "tests/ingest/decode/harness.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tool {
    struct bf_env env;
    struct bf_stt_ctx ctx;
    struct bf_config *config;
    struct bf_client *client;
    struct bf_stt *stt;
    pid_t zygotes[2];
};

static void must(enum bf_status status, const struct bf_error *e)
{
    if (status == BF_OK)
        return;
    fprintf(stderr, "stt_tool: %s\n", e->cause);
    exit(2);
}

static void print(const struct bf_stt_result *r, struct bf_client *client)
{
    struct bf_client_stats stats;
    struct bf_buf line;
    struct bf_jw w;
    bf_client_stats(client, &stats);
    bf_buf_init(&line, 1 << 20);
    bf_jw_init(&w, &line);
    bf_jw_object(&w);
    bf_jw_key(&w, "outcome");
    bf_jw_str(&w, bf_strz(bf_stt_outcome_code(r->outcome)));
    bf_jw_key(&w, "text");
    bf_jw_str(&w, r->text);
    bf_jw_key(&w, "detail");
    bf_jw_str(&w, bf_strz(r->detail));
    bf_jw_key(&w, "wait_ms");
    bf_jw_int(&w, r->wait_ms);
    bf_jw_key(&w, "reached");
    bf_jw_bool(&w, r->reached);
    bf_jw_key(&w, "requests");
    bf_jw_int(&w, (int64_t)stats.tries);
    bf_jw_end_object(&w);
    printf("%.*s\n", BF_FMT(bf_buf_str(&line)));
    fflush(stdout);
    bf_buf_finish(&line);
}

static void set_up(struct tool *t, const char *config_path, const char *decode)
{
    const struct bf_config_row *tables[] = {bf_stt_rows, bf_client_rows};
    unsigned n[] = {bf_stt_n_rows, bf_client_n_rows};
    struct bf_client_config client_config;
    struct bf_error e;
    bf_env_system(&t->env);
    must(bf_config_load(config_path, tables, n, 2, &t->config, &e), &e);
    bf_client_config_read(t->config, &client_config);
    must(bf_client_start(&t->env, &client_config, &t->client, &e), &e);
    t->ctx = (struct bf_stt_ctx){.env = &t->env, .config = t->config, .client = t->client};
    if (decode != NULL) {
        t->ctx.decoder = bf_decode_client_create(&t->env, zygote_start(decode, "--zygote", &t->zygotes[0]), 1);
        t->ctx.speech = bf_decode_client_create(&t->env, zygote_start(decode, "--zygote-stt", &t->zygotes[1]), 1);
    }
    must(bf_stt_open(&t->ctx, &t->stt, &e), &e);
}

static void tear_down(struct tool *t)
{
    bf_stt_close(&t->stt);
    bf_client_stop(&t->client, 0);
    bf_decode_client_destroy(&t->ctx.decoder);
    bf_decode_client_destroy(&t->ctx.speech);
    for (int i = 0; i < 2 && t->zygotes[i] > 0; i++)
        zygote_wait(t->zygotes[i]);
    bf_config_destroy(&t->config);
    bf_env_finish(&t->env);
}

int main(int argc, char **argv)
{
    struct tool t = {0};
    if (argc < 7)
        return 2;
    set_up(&t, argv[1], argc > 7 ? argv[7] : NULL);
    int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < atoi(argv[4]); i++) {
        struct bf_arena *arena = bf_arena_create();
        struct bf_stt_result result;
        struct bf_stt_request request = {
            .audio_fd = fd, .type = bf_media_type_of(bf_strz(argv[3])), .prompt = bf_strz(argv[5]), .within_ms = atoi(argv[6])};
        bf_stt_transcribe(t.stt, &request, arena, &result);
        print(&result, t.client);
        bf_arena_destroy(&arena);
    }
    close(fd);
    tear_down(&t);
    return 0;
}
