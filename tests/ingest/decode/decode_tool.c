/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_tool BAIFANG-DECODE: the client library on a command line, so that scripts can judge results with programs that are not ours.
 * Reads lines "OP<tab>TYPE<tab>INPUT<tab>PREFIX" from standard input (OP: photo, voice, wav, transcribe), writes the parts to PREFIX.0 and
 * PREFIX.1 and one JSON object per line to standard output.
 */
#include "core/env.h"
#include "ingest/decode/client.h"
#include "tests/ingest/decode/harness.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEADLINE_MS = 600 * 1000, LINE = 4096 };

struct tool {
    struct bf_env env;
    struct bf_decode_client *media, *speech;
    pid_t media_pid, speech_pid;
    const char *path;
};

static void save(const char *prefix, int part, struct bf_str s)
{
    char path[LINE + 4];
    snprintf(path, sizeof path, "%s.%d", prefix, part);
    FILE *f = fopen(path, "we");
    if (f == NULL || fwrite(s.p, 1, s.n, f) != s.n || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void print_end(const struct bf_decoded *d)
{
    printf("\"reason\":\"%s\",\"found\":\"%s\",\"detail\":\"%s\",\"cpu_us\":%" PRIu64 ",\"rss_kb\":%u}\n", bf_decode_reason_code(d->reason),
           bf_media_type_name(d->found), d->detail, d->cpu_us, d->rss_kb);
    fflush(stdout);
}

static void print_failure(enum bf_status status, const struct bf_error *e)
{
    printf("{\"status\":\"%s\",\"cause\":\"%s\"}\n", bf_status_code(status), e->cause);
    fflush(stdout);
}

static void photo(struct tool *t, int fd, enum bf_media_type type, int64_t work_ms, const char *prefix)
{
    struct bf_photo_result r;
    struct bf_error e = {0};
    enum bf_status status = bf_decode_photo(t->media, fd, type, work_ms, &r, &e);
    if (status != BF_OK) {
        print_failure(status, &e);
        return;
    }
    const struct bf_decode_photo *p = &r.photo;
    const struct bf_legibility *l = &p->legibility;
    if (r.d.reason == BF_DECODE_OK) {
        save(prefix, 0, r.preview);
        save(prefix, 1, r.thumb);
    }
    printf("{\"width\":%u,\"height\":%u,\"orientation\":%u,\"preview\":[%u,%u],\"thumb\":[%u,%u],\"gps\":%s,\"lat_e7\":%d,\"lon_e7\":%d,"
           "\"taken\":%s,\"taken_local_s\":%" PRId64 ",\"offset\":%s,\"offset_min\":%d,\"judged\":%u,\"sharpness\":%d,\"dark\":%u,\"bright\":%u,\"hints\":%u,",
           p->width, p->height, p->orientation, p->preview_w, p->preview_h, p->thumb_w, p->thumb_h, p->has_gps ? "true" : "false",
           p->lat_e7, p->lon_e7, p->has_taken ? "true" : "false", p->taken_local_s, p->has_offset ? "true" : "false", p->taken_offset_min, l->judged, l->has_sharpness ? (int)l->sharpness : -1,
           l->dark_share, l->bright_share, l->hints);
    print_end(&r.d);
    bf_decoded_finish(&r.d);
}

static void print_sound(const struct bf_decode_sound *s)
{
    printf("{\"duration_ms\":%u,\"rate\":%u,\"channels\":%u,\"loudness_clufs\":%d,\"gain_cdb\":%d,\"damaged_ms\":%u,", s->duration_ms,
           s->source_rate, s->source_channels, s->loudness_clufs, s->gain_cdb, s->damaged_ms);
}

static void voice(struct tool *t, bool wav, int fd, enum bf_media_type type, int64_t work_ms, const char *prefix)
{
    struct bf_voice_result r;
    struct bf_error e = {0};
    enum bf_status status = wav ? bf_decode_wav(t->media, fd, type, work_ms, &r, &e) : bf_decode_voice(t->media, fd, type, work_ms, &r, &e);
    if (status != BF_OK) {
        print_failure(status, &e);
        return;
    }
    if (r.d.reason == BF_DECODE_OK) {
        save(prefix, 0, r.audio);
        save(prefix, 1, r.peaks);
    }
    print_sound(&r.sound);
    print_end(&r.d);
    bf_decoded_finish(&r.d);
}

static void transcribe(struct tool *t, int fd, enum bf_media_type type, int64_t work_ms, const char *prefix)
{
    struct bf_text_result r;
    struct bf_error e = {0};
    if (t->speech == NULL)
        t->speech = bf_decode_client_create(&t->env, zygote_start(t->path, "--zygote-stt", &t->speech_pid), 2);
    enum bf_status status = bf_decode_transcribe(t->speech, fd, type, work_ms, &r, &e);
    if (status != BF_OK) {
        print_failure(status, &e);
        return;
    }
    if (r.d.reason == BF_DECODE_OK)
        save(prefix, 0, r.text);
    print_sound(&r.sound);
    print_end(&r.d);
    bf_decoded_finish(&r.d);
}

static void serve(struct tool *t, char *line)
{
    char *rest = line, *op = strsep(&rest, "\t"), *type = strsep(&rest, "\t"), *path = strsep(&rest, "\t"), *prefix = strsep(&rest, "\n");
    int fd = path == NULL ? -1 : memfd_of_file(path);
    if (prefix == NULL || fd < 0) {
        fprintf(stderr, "decode_tool: cannot do %s %s\n", op, path == NULL ? "" : path);
        exit(1);
    }
    enum bf_media_type claimed = bf_media_type_of(bf_strz(type));
    if (strcmp(op, "photo") == 0)
        photo(t, fd, claimed, DEADLINE_MS, prefix);
    else if (strcmp(op, "transcribe") == 0)
        transcribe(t, fd, claimed, DEADLINE_MS, prefix);
    else
        voice(t, strcmp(op, "wav") == 0, fd, claimed, DEADLINE_MS, prefix);
    close(fd);
}

int main(int argc, char **argv)
{
    static char line[LINE];
    struct tool t = {.path = argc > 1 ? argv[1] : ""};
    bf_env_system(&t.env);
    t.media = bf_decode_client_create(&t.env, zygote_start(t.path, "--zygote", &t.media_pid), 2);
    while (fgets(line, sizeof line, stdin) != NULL)
        serve(&t, line);
    bf_decode_client_destroy(&t.media);
    zygote_wait(t.media_pid);
    if (t.speech != NULL) {
        bf_decode_client_destroy(&t.speech);
        zygote_wait(t.speech_pid);
    }
    bf_env_finish(&t.env);
    return 0;
}
