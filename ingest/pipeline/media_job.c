/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A medium is made ready: its bytes become the customer's, a sandboxed child decodes them, the derivatives are stored, the record says what came of it.
 * Each step may be done twice; the result is committed under the job's id, and only over a record that still waits for one.
 *
 * The uploader's own wrap goes last, once no other record of his waits for the same bytes. A record that comes after that finds them through the
 * customers whose records were served with his upload.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include "crm/ids.h"
#include "crm/media_type.h"
#include "crm/policy.h"
#include "ingest/decode/client.h"
#include "ingest/pipeline/pipeline.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Real time, far above the processor time that a child may use: a slow box is no fault of a file's. */
enum { PHOTO_MS = 5 * 60 * 1000, VOICE_MS = 30 * 60 * 1000, VARIANTS_MAX = 2 };

struct variant {
    int name;
    const char *type;
    uint8_t sha256[32];
    int64_t bytes, width, height; /* width 0: no picture */
};

/* What is written into the record. */
struct result {
    int state;
    const char *refusal;
    int64_t bytes;
    struct variant variants[VARIANTS_MAX];
    unsigned n_variants;
    char taken_at[40];
    bool has_place, has_sound, has_loudness;
    struct bf_legibility legibility;
    double latitude, longitude, loudness;
    int64_t duration_ms;
};

struct work {
    struct bf_ingest *ingest;
    const struct bf_job *job;
    struct bf_arena *arena;
    struct bf_job_again *again;
    const struct bf_doc *media;
    struct bf_uuid uploader, customer;
    const uint8_t *sha256;
    int fd; /* the original */
    struct result result;
};

/* ---- commits ---- */

static struct bf_value *make_variants(struct bf_arena *arena, const struct result *r)
{
    struct bf_value *items = bf_arena_calloc(arena, VARIANTS_MAX, sizeof *items);
    for (unsigned i = 0; i < r->n_variants; i++) {
        const struct variant *v = &r->variants[i];
        struct bf_object *o = bf_object_create(arena, &bf_variant_schema);
        bf_set_enum(o, BF_VARIANT_NAME, v->name);
        bf_set_str(o, BF_VARIANT_TYPE, bf_strz(v->type));
        bf_set_sha256(o, BF_VARIANT_SHA256, v->sha256);
        bf_set_int(o, BF_VARIANT_BYTES, v->bytes);
        if (v->width > 0) {
            bf_set_int(o, BF_VARIANT_WIDTH, v->width);
            bf_set_int(o, BF_VARIANT_HEIGHT, v->height);
        }
        items[i] = (struct bf_value){.type = BF_T_OBJECT, .object = o};
    }
    return items;
}

_Static_assert((int)BF_PHOTO_HINTS == (int)BF_PHOTO_HINT_WORDS_N, "each hint has its word");
#define X(name) _Static_assert((int)BF_PHOTO_##name == (int)BF_PHOTO_HINT_IS_##name, "in the same order");
BF_PHOTO_HINT_MAP(X)
#undef X

static struct bf_object *make_legibility(struct bf_arena *arena, const struct bf_legibility *l)
{
    struct bf_object *o = bf_object_create(arena, &bf_legibility_schema);
    struct bf_value *hints = bf_arena_calloc(arena, BF_PHOTO_HINTS, sizeof *hints);
    unsigned n = 0;
    for (unsigned i = 0; i < BF_PHOTO_HINTS; i++)
        if (l->hints & 1U << i)
            hints[n++] = (struct bf_value){.type = BF_T_ENUM, .i = i};
    if (l->has_sharpness)
        bf_set_double(o, BF_LEGIBILITY_SHARPNESS, l->sharpness / 1000.0);
    bf_set_double(o, BF_LEGIBILITY_DARK_SHARE, l->dark_share / 1000.0);
    bf_set_double(o, BF_LEGIBILITY_BRIGHT_SHARE, l->bright_share / 1000.0);
    bf_set_array(o, BF_LEGIBILITY_HINTS, hints, n);
    return o;
}

static bool write_result(struct bf_object *media, struct bf_arena *arena, void *ctx)
{
    const struct result *r = ctx;
    if (!bf__media_waits(media))
        return false;
    bf_set_enum(media, BF_MEDIA_STATE, r->state);
    if (r->bytes > 0)
        bf_set_int(media, BF_MEDIA_BYTES, r->bytes);
    if (r->refusal != NULL)
        bf_set_str(media, BF_MEDIA_REFUSAL, bf_strz(r->refusal));
    if (r->n_variants > 0)
        bf_set_array(media, BF_MEDIA_VARIANTS, make_variants(arena, r), r->n_variants);
    if (r->taken_at[0] != '\0')
        bf_set_str(media, BF_MEDIA_TAKEN_AT, bf_strz(r->taken_at));
    if (r->legibility.judged)
        bf_set_object(media, BF_MEDIA_LEGIBILITY, make_legibility(arena, &r->legibility));
    if (r->has_place) {
        bf_set_double(media, BF_MEDIA_LATITUDE, r->latitude);
        bf_set_double(media, BF_MEDIA_LONGITUDE, r->longitude);
    }
    if (r->has_sound)
        bf_set_int(media, BF_MEDIA_DURATION_MS, r->duration_ms);
    if (r->has_loudness)
        bf_set_double(media, BF_MEDIA_LOUDNESS, r->loudness);
    return true;
}

/* A recording that cannot be used has no transcript to wait for; the rep may write the text (G-03). */
static bool fail_transcript(struct bf_object *transcript, struct bf_arena *arena, void *ctx)
{
    const struct result *r = ctx;
    (void)arena;
    if (r->state != BF_MEDIA_STATE_IS_REFUSED || !bf__transcript_waits(transcript))
        return false;
    bf_set_enum(transcript, BF_TRANSCRIPT_STATE, BF_TRANSCRIPT_STATE_IS_FAILED);
    return true;
}

static enum bf_status commit_result(struct work *w, struct bf_error *e)
{
    struct bf__change change = {.tenant = w->job->tenant,
                                .media = w->job->ref,
                                .request = w->job->id,
                                .media_change = write_result,
                                .transcript_change = fail_transcript,
                                .ctx = &w->result};
    return bf__commit(w->ingest->store, &change, w->arena, e);
}

static bool write_state(struct bf_object *media, struct bf_arena *arena, void *ctx)
{
    const int *state = ctx;
    (void)arena;
    if (!bf__media_waits(media) || bf_get_enum(media, BF_MEDIA_STATE) == *state)
        return false;
    bf_set_enum(media, BF_MEDIA_STATE, *state);
    return true;
}

/* Awaited or stored, while the medium waits for its result. */
static enum bf_status commit_state(struct work *w, int state, struct bf_error *e)
{
    struct {
        struct bf_uuid job;
        int64_t fence, state;
    } name = {.job = w->job->id, .fence = w->job->fence, .state = state};
    struct bf__change change = {.tenant = w->job->tenant,
                                .media = w->job->ref,
                                .request = bf_uuid_from_name(&name, sizeof name),
                                .media_change = write_state,
                                .ctx = &state};
    if (bf_get_enum(&w->media->object, BF_MEDIA_STATE) == state)
        return BF_OK;
    return bf__commit(w->ingest->store, &change, w->arena, e);
}

/* ---- whose bytes ---- */

struct search {
    struct work *w;
    struct bf_uuid holder; /* zero: nobody yet */
    bool still_needed;
    enum bf_status status;
    struct bf_error *e;
};

/* Not to be able to look is no answer: a record is not sent back to waiting for its bytes on that. */
static enum bf_status holds(const struct work *w, struct bf_uuid holder, bool *ret, struct bf_error *e)
{
    struct bf_blob_info info;
    enum bf_status status = bf_blob_stat(w->ingest->store, w->job->tenant, holder, w->sha256, &info, e);
    *ret = status == BF_OK;
    return status == BF_E_NOT_FOUND ? BF_OK : status;
}

static bool is_sibling(const struct search *s, const struct bf_doc *media)
{
    struct bf_uuid uploader = bf_get_uuid(&media->object, BF_MEDIA_UPLOADER);
    return !media->tombstone && bf_uuid_eq(&uploader, &s->w->uploader) && !bf_uuid_eq(&media->id, &s->w->job->ref);
}

static bool find_holder_in(void *ctx, const struct bf_doc *media)
{
    struct search *s = ctx;
    struct bf_uuid customer = bf_get_uuid(&media->object, BF_MEDIA_CUSTOMER);
    bool held = false;
    if (is_sibling(s, media) && bf_get_enum(&media->object, BF_MEDIA_STATE) != BF_MEDIA_STATE_IS_AWAITED)
        s->status = holds(s->w, customer, &held, s->e);
    if (held)
        s->holder = customer;
    return s->status == BF_OK && !held;
}

/* That there is a job at all says that the uploader had uploaded these bytes; so whoever got them from that upload may give them on. */
static enum bf_status find_holder(struct work *w, struct bf_uuid *ret, struct bf_error *e)
{
    struct search s = {.w = w, .e = e};
    const struct bf_uuid own[] = {w->uploader, w->customer};
    bool held = false;
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < 2 && status == BF_OK && !held; i++) {
        status = holds(w, own[i], &held, e);
        if (held)
            s.holder = own[i];
    }
    if (status == BF_OK && !held)
        status = bf__each_media_of(w->ingest->store, w->job->tenant, w->sha256, w->arena, find_holder_in, &s, e);
    *ret = s.holder;
    return status == BF_OK ? s.status : status;
}

static bool find_need_in(void *ctx, const struct bf_doc *media)
{
    struct search *s = ctx;
    s->still_needed = is_sibling(s, media) && bf__is_open_media(media);
    return !s->still_needed;
}

static enum bf_status release_uploader(struct work *w, struct bf_error *e)
{
    struct search s = {.w = w};
    bool held = false;
    enum bf_status status = bf__each_media_of(w->ingest->store, w->job->tenant, w->sha256, w->arena, find_need_in, &s, e);
    if (status == BF_OK && !s.still_needed)
        status = holds(w, w->customer, &held, e);
    if (!held)
        return status;
    return bf_blob_release(w->ingest->store, w->job->tenant, w->uploader, w->sha256, e);
}

/* ---- decoding ---- */

static enum bf_status store_variant(struct work *w, int name, const char *type, struct bf_str bytes, int64_t width, int64_t height, struct bf_error *e)
{
    struct variant *v = &w->result.variants[w->result.n_variants];
    *v = (struct variant){.name = name, .type = type, .bytes = (int64_t)bytes.n, .width = width, .height = height};
    enum bf_status status = bf_blob_put(w->ingest->store, w->job->tenant, w->customer, bytes, v->sha256, e);
    if (status == BF_OK)
        w->result.n_variants++;
    return status;
}

static void say(const struct work *w, enum bf_log_level level, const char *event, const char *words, struct bf_log_field field)
{
    char id[BF_UUID_TEXT];
    bf_uuid_text(&w->media->id, id);
    bf_log(w->ingest->env, level, event, words, BF_L_STR("media", id), field, BF_L_END);
}

static void refuse(struct work *w, enum bf_decode_reason reason, const char *detail)
{
    w->result.state = BF_MEDIA_STATE_IS_REFUSED;
    w->result.refusal = bf_decode_reason_code(reason);
    bf_metric_add(w->ingest->env->metrics, BF_M_DECODES_REFUSED, 1);
    say(w, BF_LOG_INFO, "media.refused", detail, BF_L_STR("reason", w->result.refusal));
}

/* How often a decode may end so before the file is refused; 0: as often as it likes, since the file has nothing to do with it. Children are also killed
 * where memory is short for a while. */
static int failures_max(enum bf_status status)
{
    return status == BF_E_CORRUPT || status == BF_E_DEADLINE ? BF__FAULTS_MAX : status == BF_E_INTERNAL ? BF__FAILURES_MAX : 0;
}

/* The last failure that counts is a verdict. A job is not given up in any other way, so that no record waits for one that is. */
static enum bf_status judge_failure(struct work *w, enum bf_status status, struct bf_error *e)
{
    int max = failures_max(status);
    w->again->count = max > 0 && !bf__is_verdict(w->job, e->cause, max);
    if (max == 0 || w->again->count)
        return status;
    refuse(w, status == BF_E_DEADLINE ? BF_DECODE_TIMEOUT : BF_DECODE_CRASHED, e->cause);
    return BF_OK;
}

/* The camera's wall time, with its offset where the picture states one. */
static void write_taken(const struct bf_decode_photo *photo, char out[40])
{
    time_t t = (time_t)photo->taken_local_s;
    int offset = photo->taken_offset_min;
    struct tm tm;
    char text[24] = "";
    if (!photo->has_taken || gmtime_r(&t, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        return;
    if (photo->has_offset)
        snprintf(out, 40, "%s%c%02d:%02d", text, offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
    else
        snprintf(out, 40, "%s", text);
}

static enum bf_status take_photo(struct work *w, const struct bf_photo_result *found, struct bf_error *e)
{
    const struct bf_decode_photo *p = &found->photo;
    struct result *r = &w->result;
    enum bf_status status = store_variant(w, BF_VARIANT_IS_LARGE, "image/webp", found->preview, p->preview_w, p->preview_h, e);
    if (status == BF_OK)
        status = store_variant(w, BF_VARIANT_IS_SMALL, "image/webp", found->thumb, p->thumb_w, p->thumb_h, e);
    write_taken(p, r->taken_at);
    r->legibility = p->legibility;
    r->has_place = p->has_gps != 0;
    r->latitude = p->lat_e7 / 1e7;
    r->longitude = p->lon_e7 / 1e7;
    return status;
}

static enum bf_status decode_photo(struct work *w, enum bf_media_type claimed, struct bf_error *e)
{
    struct bf_photo_result found;
    enum bf_status status = bf_decode_photo(w->ingest->decoder, w->fd, claimed, PHOTO_MS, &found, e);
    if (status != BF_OK)
        return judge_failure(w, status, e);
    if (found.d.reason != BF_DECODE_OK)
        refuse(w, found.d.reason, found.d.detail);
    else
        status = take_photo(w, &found, e);
    bf_decoded_finish(&found.d);
    return status;
}

static enum bf_status take_voice(struct work *w, const struct bf_voice_result *found, struct bf_error *e)
{
    struct result *r = &w->result;
    enum bf_status status = store_variant(w, BF_VARIANT_IS_VOICE, "audio/ogg", found->audio, 0, 0, e);
    if (status == BF_OK)
        status = store_variant(w, BF_VARIANT_IS_PEAKS, "application/octet-stream", found->peaks, 0, 0, e);
    if (found->sound.damaged_ms > 0)
        say(w, BF_LOG_WARN, "media.damaged", "parts of a recording could not be read and are silent", BF_L_INT("ms", found->sound.damaged_ms));
    r->has_sound = true;
    r->duration_ms = found->sound.duration_ms;
    r->has_loudness = found->sound.loudness_clufs != INT32_MIN;
    r->loudness = found->sound.loudness_clufs / 100.0;
    return status;
}

static enum bf_status decode_voice(struct work *w, enum bf_media_type claimed, struct bf_error *e)
{
    struct bf_voice_result found;
    enum bf_status status = bf_decode_voice(w->ingest->decoder, w->fd, claimed, VOICE_MS, &found, e);
    if (status != BF_OK)
        return judge_failure(w, status, e);
    if (found.d.reason != BF_DECODE_OK)
        refuse(w, found.d.reason, found.d.detail);
    else
        status = take_voice(w, &found, e);
    bf_decoded_finish(&found.d);
    return status;
}

static enum bf_status decode(struct work *w, struct bf_error *e)
{
    int kind = bf_get_enum(&w->media->object, BF_MEDIA_KIND);
    enum bf_media_type claimed = bf_media_type_of(bf_media_type_canonical(kind, bf_get_str(&w->media->object, BF_MEDIA_TYPE)));
    w->result.state = BF_MEDIA_STATE_IS_READY;
    if (claimed == BF_MEDIA_NONE) {
        refuse(w, BF_DECODE_UNSUPPORTED, "no decoder takes this type");
        return BF_OK;
    }
    bf_metric_add(w->ingest->env->metrics, BF_M_DECODES, 1);
    return kind == BF_MEDIA_KIND_IS_PHOTO ? decode_photo(w, claimed, e) : decode_voice(w, claimed, e);
}

/* ---- consent ---- */

/* A recording is not listened to without consent, if the company asks for one (G-04). The visit was checked when it was logged; bytes may come much
 * later, under another policy. */
static enum bf_status check_consent(struct work *w, struct bf_error *e)
{
    struct bf_uuid tenant = w->job->tenant;
    struct bf_doc *visit, *policy;
    if (bf_get_enum(&w->media->object, BF_MEDIA_KIND) != BF_MEDIA_KIND_IS_VOICE)
        return BF_OK;
    enum bf_status status = bf_store_get(w->ingest->store, &bf_visits, tenant, bf_get_uuid(&w->media->object, BF_MEDIA_VISIT), w->arena, &visit, e);
    if (status == BF_OK)
        status = bf_store_get(w->ingest->store, &bf_policies, tenant, bf_id_policy(tenant), w->arena, &policy, e);
    if (status != BF_OK || visit == NULL)
        return status;
    struct bf_object *numbers = policy == NULL ? bf_policy_create(w->arena) : &policy->object;
    bf_policy_fill(w->arena, numbers);
    struct bf_array media = bf_get_array(&visit->object, BF_VISIT_MEDIA);
    for (unsigned i = 0; i < media.n; i++) {
        struct bf_uuid id = bf_get_uuid(media.items[i].object, BF_VISIT_MEDIA_ID);
        if (bf_uuid_eq(&id, &w->job->ref) && !bf_has(media.items[i].object, BF_VISIT_MEDIA_CONSENT_AT) &&
            bf_get_bool(numbers, BF_POLICY_CONSENT_REQUIRED)) {
            w->result.state = BF_MEDIA_STATE_IS_REFUSED;
            w->result.refusal = "consent_required";
        }
    }
    return BF_OK;
}

/* ---- the job ---- */

static enum bf_status process(struct work *w, struct bf_error *e)
{
    struct bf_blob_info info = {0};
    enum bf_status status = bf_blob_stat(w->ingest->store, w->job->tenant, w->customer, w->sha256, &info, e);
    if (status == BF_OK)
        status = check_consent(w, e);
    if (status == BF_OK && w->result.refusal == NULL)
        status = bf__blob_file(w->ingest->store, w->job->tenant, w->customer, w->sha256, &w->fd, e);
    w->result.bytes = info.size;
    if (w->fd >= 0 && bf__ends_the_process(w->job))
        refuse(w, BF_DECODE_CRASHED, "no run of its job came to an end");
    else if (w->fd >= 0)
        status = decode(w, e);
    if (w->fd >= 0)
        close(w->fd);
    return status == BF_OK ? commit_result(w, e) : status;
}

static enum bf_status make_ready(struct work *w, struct bf_error *e)
{
    struct bf_uuid holder;
    enum bf_status status = find_holder(w, &holder, e);
    if (status != BF_OK)
        return status;
    if (bf_uuid_is_zero(&holder)) /* its sender took the upload back before the record was there: another one makes another job */
        return commit_state(w, BF_MEDIA_STATE_IS_AWAITED, e);
    status = bf_blob_bind(w->ingest->store, w->job->tenant, holder, w->customer, w->sha256, e);
    if (status == BF_OK)
        status = commit_state(w, BF_MEDIA_STATE_IS_STORED, e);
    if (status == BF_OK)
        status = process(w, e);
    return status;
}

enum bf_status bf__run_media(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct work w = {.ingest = ctx, .job = job, .arena = arena, .again = again, .fd = -1};
    struct bf_doc *media;
    again->count = false; /* what is wrong with the store or the sandbox passes */
    enum bf_status status = bf_store_get(w.ingest->store, &bf_media, job->tenant, job->ref, arena, &media, e);
    if (status != BF_OK || media == NULL || media->tombstone)
        return status;
    w.media = media;
    w.uploader = bf_get_uuid(&media->object, BF_MEDIA_UPLOADER);
    w.customer = bf_get_uuid(&media->object, BF_MEDIA_CUSTOMER);
    w.sha256 = bf_get_sha256(&media->object, BF_MEDIA_SHA256);
    if (bf__is_open_media(media))
        status = make_ready(&w, e);
    if (status == BF_OK)
        status = release_uploader(&w, e);
    return status;
}
