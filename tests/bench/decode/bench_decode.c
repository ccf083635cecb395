/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_decode BAIFANG-DECODE PHOTO.jpg VOICE.ogg: processor time of the product beside the bare libraries', taken in turns in one run,
 * medians. The product's is all of it: the child, the zygote that forked it, and the calling thread.
 */
#include "core/env.h"
#include "ingest/decode/client.h"
#include "tests/bench/decode/bare.h"
#include "tests/ingest/decode/harness.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PHOTO_ROUNDS = 11, VOICE_ROUNDS = 5, ROUNDS_MAX = 11, DEADLINE_MS = 60000 };
static const double photo_goal = 1.1, voice_goal = 1.5;

struct bench {
    struct bf_env env;
    struct bf_decode_client *client;
    pid_t zygote;
};

struct input {
    int fd;
    const unsigned char *p;
    size_t n;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_decode: %s\n", what);
    exit(1);
}

static struct input open_input(const char *path)
{
    struct stat st;
    struct input in = {.fd = memfd_of_file(path)};
    if (in.fd < 0 || fstat(in.fd, &st) < 0)
        fail(path);
    in.n = (size_t)st.st_size;
    in.p = mmap(NULL, in.n, PROT_READ, MAP_SHARED, in.fd, 0);
    return in;
}

static double thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Time on the processor so far, from the scheduler, in nanoseconds. */
static double process_ms(pid_t pid)
{
    char path[64];
    uint64_t ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%" SCNu64, &ns) != 1)
        ns = 0;
    if (f != NULL)
        fclose(f);
    return (double)ns / 1e6;
}

static double ours_photo(struct bench *b, const struct input *in)
{
    struct bf_photo_result r;
    struct bf_error e;
    double before = thread_ms() + process_ms(b->zygote);
    if (bf_decode_photo(b->client, in->fd, BF_MEDIA_JPEG, DEADLINE_MS, &r, &e) != BF_OK || r.d.reason != BF_DECODE_OK)
        fail("the photo was not decoded");
    double ms = thread_ms() + process_ms(b->zygote) - before + (double)r.d.cpu_us / 1e3;
    bf_decoded_finish(&r.d);
    return ms;
}

static double ours_voice(struct bench *b, const struct input *in)
{
    struct bf_voice_result r;
    struct bf_error e;
    double before = thread_ms() + process_ms(b->zygote);
    if (bf_decode_voice(b->client, in->fd, BF_MEDIA_OGG, DEADLINE_MS, &r, &e) != BF_OK || r.d.reason != BF_DECODE_OK)
        fail("the recording was not decoded");
    double ms = thread_ms() + process_ms(b->zygote) - before + (double)r.d.cpu_us / 1e3;
    bf_decoded_finish(&r.d);
    return ms;
}

static double bare(size_t (*work)(const unsigned char *, size_t), const struct input *in)
{
    double before = thread_ms();
    if (work(in->p, in->n) == 0)
        fail("the bare libraries failed");
    return thread_ms() - before;
}

/* Both sizes, a process each, as a script would; -1 when it is not installed. */
static double vips(const char *photo)
{
    static const char *const sizes[] = {"1600", "320"};
    double ms = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct rusage u;
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            execlp("vipsthumbnail", "vipsthumbnail", photo, "--size", sizes[i], "-o", "vips.webp[Q=75]", NULL);
            _exit(127);
        }
        if (wait4(pid, &status, 0, &u) != pid || status != 0)
            return -1;
        ms += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
    }
    return ms;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

static void report(const char *name, double ours, double theirs, double goal)
{
    double ratio = ours / theirs;
    printf("bench: %s value=%.2f goal=%.2f %s\n", name, ratio, goal, ratio <= goal ? "ok" : "short");
}

static void photos(struct bench *b, const char *path)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], other[ROUNDS_MAX];
    struct input in = open_input(path);
    for (unsigned i = 0; i < PHOTO_ROUNDS; i++) {
        ours[i] = ours_photo(b, &in);
        theirs[i] = bare(bare_photo, &in);
        other[i] = vips(path);
    }
    double a = median(ours, PHOTO_ROUNDS), c = median(theirs, PHOTO_ROUNDS), v = median(other, PHOTO_ROUNDS);
    printf("12 MP JPEG (%.1f MB) to WebP of 1600 and 320 px, CPU: ours %.1f ms, bare libjpeg-turbo + libwebp %.1f ms", (double)in.n / 1e6,
           a, c);
    if (v > 0)
        printf(", vipsthumbnail %.1f ms (%.1f x ours)", v, v / a);
    printf("\n");
    report("photo_cpu", a, c, photo_goal);
    close(in.fd);
}

static void voices(struct bench *b, const char *path)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    struct input in = open_input(path);
    for (unsigned i = 0; i < VOICE_ROUNDS; i++) {
        ours[i] = ours_voice(b, &in);
        theirs[i] = bare(bare_voice, &in);
    }
    double a = median(ours, VOICE_ROUNDS), c = median(theirs, VOICE_ROUNDS);
    printf("60 s voice note to Opus, peaks, loudness, CPU: ours %.1f ms, bare libopus decode + encode %.1f ms\n", a, c);
    report("voice_cpu", a, c, voice_goal);
    close(in.fd);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    if (argc != 4)
        fail("expected BAIFANG-DECODE PHOTO.jpg VOICE.ogg");
    bf_env_system(&b.env);
    b.client = bf_decode_client_create(&b.env, zygote_start(argv[1], "--zygote", &b.zygote), 1);
    photos(&b, argv[2]);
    voices(&b, argv[3]);
    bf_decode_client_destroy(&b.client);
    zygote_wait(b.zygote);
    bf_env_finish(&b.env);
    return 0;
}
