/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/stt.h"
#include "ingest/decode/audio.h"
#include <dlfcn.h>
#include <math.h>
#include <sphinxbase/err.h>
#include <pocketsphinx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY      "libpocketsphinx.so.3"
#define BASE_LIBRARY "libsphinxbase.so.3"

/* X(name): the functions used, of the types that the header gives them. */
#define PS_FUNCTIONS(X)   X(ps_args) X(ps_init) X(ps_free) X(ps_start_utt) X(ps_end_utt) X(ps_process_raw) X(ps_get_hyp) X(ps_get_in_speech)
#define BASE_FUNCTIONS(X) X(cmd_ln_init) X(cmd_ln_free_r) X(err_set_logfp)

struct bf_stt {
    void *library, *base;
#define X(name) __typeof__(name) *name;
    PS_FUNCTIONS(X)
    BASE_FUNCTIONS(X)
#undef X
    cmd_ln_t *config;
    ps_decoder_t *decoder;
};

static bool load(struct bf_stt *s)
{
    s->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    s->base = dlopen(BASE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    bool ok = s->library != NULL && s->base != NULL;
    void *p;
    /* POSIX wants the detour: a function's address out of an object pointer. */
#define X(name) ok = ok && (p = dlsym(s->library, #name)) != NULL && (memcpy(&s->name, &p, sizeof p), true);
    PS_FUNCTIONS(X)
#undef X
#define X(name) ok = ok && (p = dlsym(s->base, #name)) != NULL && (memcpy(&s->name, &p, sizeof p), true);
    BASE_FUNCTIONS(X)
#undef X
    return ok;
}

struct bf_stt *bf__stt_create(const char *model_dir)
{
    char acoustic[512], language[512], dictionary[512];
    struct bf_stt *s = calloc(1, sizeof *s);
    snprintf(acoustic, sizeof acoustic, "%s/en-us", model_dir);
    snprintf(language, sizeof language, "%s/en-us.lm.bin", model_dir);
    snprintf(dictionary, sizeof dictionary, "%s/cmudict-en-us.dict", model_dir);
    if (s == NULL || !load(s)) {
        bf__stt_destroy(&s);
        return NULL;
    }
    s->err_set_logfp(NULL);
    s->config =
        s->cmd_ln_init(NULL, s->ps_args(), TRUE, "-hmm", acoustic, "-lm", language, "-dict", dictionary, "-logfn", "/dev/null", NULL);
    s->decoder = s->config == NULL ? NULL : s->ps_init(s->config);
    if (s->decoder == NULL)
        bf__stt_destroy(&s);
    return s;
}

void bf__stt_destroy(struct bf_stt **stt)
{
    struct bf_stt *s = stt == NULL ? NULL : *stt;
    if (s == NULL)
        return;
    if (s->decoder != NULL)
        s->ps_free(s->decoder);
    if (s->config != NULL)
        s->cmd_ln_free_r(s->config);
    if (s->library != NULL)
        dlclose(s->library);
    if (s->base != NULL)
        dlclose(s->base);
    free(s);
    *stt = NULL;
}

enum { CHUNK = 2048, UTTERANCE_MAX = 60 * BF_VOICE_RATE };

struct speech {
    struct bf_job *job;
    struct bf_stt *stt;
    int16 chunk[CHUNK];
    size_t filled;
    bool open, heard; /* an utterance runs; speech was heard in it */
    uint64_t fed;     /* samples of this utterance */
};

/* Words of an utterance; fillers and alternative pronunciations ("read(2)") are marks of the dictionary, not text. */
static bool add_words(struct speech *s, const char *words)
{
    const struct bf_decode_part *part = &s->job->result.parts[0];
    for (const char *p = words; p != NULL && *p != 0;) {
        size_t n = strcspn(p, " "), letters = strcspn(p, " (<[");
        if (letters > 0 && letters <= n) {
            if (part->bytes > 0 && !bf__part_add(s->job, 0, " ", 1))
                return false;
            if (!bf__part_add(s->job, 0, p, letters))
                return false;
        }
        p += n;
        p += strspn(p, " ");
    }
    return true;
}

static bool end_utterance(struct speech *s)
{
    if (!s->open)
        return true;
    s->open = s->heard = false;
    if (s->stt->ps_end_utt(s->stt->decoder) < 0)
        return bf__refuse(s->job, BF_DECODE_UNREADABLE, "the recogniser failed");
    return add_words(s, s->stt->ps_get_hyp(s->stt->decoder, NULL));
}

/* An utterance ends at a pause, so that the search does not grow with the recording; at the latest after a minute. */
static bool recognise(struct speech *s)
{
    size_t n = s->filled;
    s->filled = 0;
    if (n == 0)
        return true;
    if (!s->open && s->stt->ps_start_utt(s->stt->decoder) < 0)
        return bf__refuse(s->job, BF_DECODE_UNREADABLE, "the recogniser failed");
    s->fed = s->open ? s->fed + n : n;
    s->open = true;
    if (s->stt->ps_process_raw(s->stt->decoder, s->chunk, n, FALSE, FALSE) < 0)
        return bf__refuse(s->job, BF_DECODE_UNREADABLE, "the recogniser failed");
    bool speaking = s->stt->ps_get_in_speech(s->stt->decoder) != 0;
    bool pause = s->heard && !speaking;
    s->heard = s->heard || speaking;
    return pause || s->fed >= UTTERANCE_MAX ? end_utterance(s) : true;
}

static bool listen(void *ctx, const float *samples, size_t n)
{
    struct speech *s = ctx;
    for (size_t i = 0; i < n; i++) {
        long v = lrintf(samples[i] * 32767);
        s->chunk[s->filled++] = (int16)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
        if (s->filled == CHUNK && !recognise(s))
            return false;
    }
    return true;
}

bool bf__transcribe(struct bf_job *job, struct bf_stt *stt)
{
    struct speech s = {.job = job, .stt = stt};
    if (stt == NULL)
        return bf__refuse(job, BF_DECODE_UNSUPPORTED, "this process has no recogniser");
    job->result.u.sound.loudness_clufs = INT32_MIN;
    return bf__part_begin(job, 0) && bf__audio_decode(job, listen, &s) && recognise(&s) && end_utterance(&s);
}
