/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/service.h"
#include "core/config.h"
#include "core/http_client.h"
#include "ingest/decode/client.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/stt/stt.h"
#include <stdlib.h>
#include <unistd.h>

/* Every job's thread finds its sandbox: media, and conversions for a speech-to-text provider beside them. */
enum { THREADS_MAX = 16 };

_Static_assert(2 * THREADS_MAX <= BF_DECODE_JOBS_MAX, "no job waits for another's child");
_Static_assert(BF_PHOTO_BYTES_MAX == 25000000 && BF_VOICE_BYTES_MAX == 100000000, "as the rows below have it");

static const struct bf_config_row rows[] = {
    {.section = "uploads", .key = "photo_bytes", .type = BF_CF_INT, .def = "25000000", .min = 1000, .max = BF_PHOTO_BYTES_MAX, .unit = "bytes",
     .prose = "the largest picture (G-04)"},
    {.section = "uploads", .key = "voice_bytes", .type = BF_CF_INT, .def = "100000000", .min = 1000, .max = BF_VOICE_BYTES_MAX, .unit = "bytes",
     .prose = "the largest recording (G-04)"},
    {.section = "uploads", .key = "sweep", .type = BF_CF_INT, .def = "60", .min = 1, .max = 3600, .unit = "seconds",
     .prose = "how often expired uploads are looked for"},
    {.section = "ingest", .key = "listen", .type = BF_CF_STR, .def = "127.0.0.1:8444", .min = 0, .max = 100, .unit = "",
     .prose = "address and port of `baifang ingest`; empty: [http] listen"},
    {.section = "ingest", .key = "public_url", .type = BF_CF_STR, .def = "", .min = 0, .max = 200, .unit = "",
     .prose = "https URL at which clients reach ingest, told by GET /v1/me; empty: the one they know"},
    {.section = "ingest", .key = "media_threads", .type = BF_CF_INT, .def = "2", .min = 1, .max = THREADS_MAX,
     .prose = "pictures and recordings made ready at a time"},
    {.section = "ingest", .key = "transcribe_threads", .type = BF_CF_INT, .def = "2", .min = 1, .max = THREADS_MAX, .prose = "recordings transcribed at a time"},
    {.section = "ingest", .key = "lease", .type = BF_CF_INT, .def = "15000", .min = 1000, .max = 600000, .unit = "ms",
     .prose = "after a crash, work that was under way is taken up again after so long"},
    {.section = "ingest", .key = "away", .type = BF_CF_INT, .def = "2000", .min = 100, .max = 600000, .unit = "ms",
     .prose = "a speech-to-text provider that is away is asked again after so long; doubles"},
    {.section = "ingest", .key = "away_max", .type = BF_CF_INT, .def = "120000", .min = 100, .max = 3600000, .unit = "ms", .prose = "and at the latest then"},
};

static const struct bf_config_row *stt_rows(unsigned *ret_n)
{
    *ret_n = bf_stt_n_rows;
    return bf_stt_rows;
}

static enum bf_status check_config(const struct bf_config *config, struct bf_error *e)
{
    struct bf_str url = bf_config_str(config, "ingest", "public_url");
    if (url.n > 0 && (!bf_str_starts(url, BF_STR("https://")) || url.p[url.n - 1] == '/' || bf_client_check_url(NULL, url.p, BF_URL_CONFIG, NULL) != BF_OK))
        return bf_fail(e, BF_E_CONFIG, "ingest.public_url: an https URL without a slash at its end");
    return bf_stt_check(config, e);
}

static void close_ingest(void **service)
{
    struct bf_ingest *in = *service;
    if (in == NULL)
        return;
    bf__sweeper_stop(&in->sweeper);
    bf_job_runner_stop(&in->jobs);
    bf_stt_close(&in->stt);
    bf__breaker_destroy(&in->breaker);
    bf_decode_client_destroy(&in->decoder);
    bf_decode_client_destroy(&in->speech);
    free(in);
    *service = NULL;
}

static const struct bf_collection *const derived_from[] = {&bf_media, &bf_transcripts, NULL};

static enum bf_status open_ingest(const struct bf_service_ctx *ctx, void **ret, struct bf_error *e)
{
    const struct bf_config *config = ctx->config;
    struct bf_ingest *in = calloc(1, sizeof *in);
    if (in == NULL)
        abort();
    in->api.access = ctx->access;
    in->env = ctx->env;
    in->store = ctx->store;
    in->photo_bytes_max = bf_config_int(config, "uploads", "photo_bytes");
    in->voice_bytes_max = bf_config_int(config, "uploads", "voice_bytes");
    in->sweep_s = bf_config_int(config, "uploads", "sweep");
    in->consumer = (struct bf_consumer){.name = "ingest", .docs = derived_from, .consume = bf__derive, .ctx = in};
    in->breaker = bf__breaker_create(ctx->env, bf_config_int(config, "ingest", "away"), bf_config_int(config, "ingest", "away_max"));
    in->decoder = bf_decode_client_create(ctx->env, -1, BF_DECODE_JOBS_MAX);
    in->speech = bf_decode_client_create(ctx->env, -1, BF_DECODE_JOBS_MAX);
    struct bf_stt_ctx stt = {.env = ctx->env, .config = config, .client = ctx->client, .decoder = in->decoder, .speech = in->speech};
    enum bf_status status = bf_stt_open(&stt, &in->stt, e);
    *ret = in;
    if (status != BF_OK) {
        close_ingest(ret);
        return status;
    }
    in->jobs = bf__jobs_create(in, (unsigned)bf_config_int(config, "ingest", "media_threads"),
                               (unsigned)bf_config_int(config, "ingest", "transcribe_threads"), bf_config_int(config, "ingest", "lease"));
    bf_stage_set_needed(in->store, bf__media_needed, in);
    return BF_OK;
}

static const struct bf_consumer *consumers(void *service, unsigned *ret_n)
{
    *ret_n = 1;
    return &((struct bf_ingest *)service)->consumer;
}

static enum bf_status run(void *service, struct bf_error *e)
{
    struct bf_ingest *in = service;
    (void)e;
    bf_job_runner_start(in->jobs);
    in->sweeper = bf__sweeper_start(in);
    return BF_OK;
}

static void take_zygote(void *service, enum bf_zygote kind, int fd)
{
    struct bf_ingest *in = service;
    bf_decode_client_replace(kind == BF_ZYGOTE_MEDIA ? in->decoder : in->speech, fd);
}

/* Decoders may have minutes to go: their work is given up, and done once more after the next start. */
static void drain(void *service)
{
    struct bf_ingest *in = service;
    in->is_draining = true;
    bf_job_runner_drain(in->jobs);
    bf_decode_client_replace(in->decoder, -1);
    bf_decode_client_replace(in->speech, -1);
}

static const char *const consumer_names[] = {"ingest", NULL};

const struct bf_service bf_ingest_service = {
    .name = "ingest",
    .config = rows,
    .n_config = sizeof rows / sizeof *rows,
    .more_config = stt_rows,
    .check_config = check_config,
    .routes = bf__upload_routes,
    .n_routes = BF__UPLOAD_ROUTES,
    .open = open_ingest,
    .consumer_names = consumer_names,
    .consumers = consumers,
    .run = run,
    .take_zygote = take_zygote,
    .drain = drain,
    .close = close_ingest,
};
