/* SPDX-License-Identifier: Apache-2.0 */
/* What a child that was taken over could say. Each test begins with an answer that passes and forges one thing in it. */
#include "ingest/decode/check.h"
#include "ingest/decode/client.h"
#include "tests/test.h"

enum { WEBP_BYTES = 64, ROOM = BF_DECODE_RESULT_ROOM + 1000 };

static void put32(unsigned char *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static void make_webp(unsigned char p[WEBP_BYTES], unsigned w, unsigned h)
{
    memset(p, 0, WEBP_BYTES);
    memcpy(p, "RIFF....WEBPVP8 ", 16);
    put32(p + 4, WEBP_BYTES - 8);
    put32(p + 16, WEBP_BYTES - 20);
    memcpy(p + 23, "\x9d\x01\x2a", 3);
    p[26] = (unsigned char)w, p[27] = (unsigned char)(w >> 8), p[28] = (unsigned char)h, p[29] = (unsigned char)(h >> 8);
}

struct answer {
    struct bf_decode_photo photo;
    unsigned char preview[WEBP_BYTES], thumb[WEBP_BYTES];
};

static struct answer good_photo(void)
{
    struct answer a = {
        .photo = {.width = 3024, .height = 4032, .orientation = 6, .preview_w = 1200, .preview_h = 1600, .thumb_w = 240, .thumb_h = 320}};
    a.photo.legibility = (struct bf_legibility){
        .judged = 1, .has_sharpness = 1, .sharpness = BF_PHOTO_SHARPNESS_MAX, .dark_share = 1000, .bright_share = 1000, .hints = (1 << BF_PHOTO_HINTS) - 1};
    make_webp(a.preview, 1200, 1600);
    make_webp(a.thumb, 240, 320);
    return a;
}

static enum bf_status judge_n(const struct answer *a, size_t preview_bytes)
{
    struct bf_error e;
    return bf__check_photo(&a->photo, bf_str((const char *)a->preview, preview_bytes), bf_str((const char *)a->thumb, WEBP_BYTES), &e);
}

static enum bf_status judge(const struct answer *a) { return judge_n(a, WEBP_BYTES); }

static void an_honest_photo_passes(void **state)
{
    (void)state;
    struct answer a = good_photo();
    assert_int_equal(judge(&a), BF_OK);
}

#define REFUSED(change)                                                                                                                    \
    do {                                                                                                                                   \
        struct answer a = good_photo();                                                                                                    \
        change;                                                                                                                            \
        assert_int_equal(judge(&a), BF_E_CORRUPT);                                                                                         \
    } while (0)

static void forged_figures_of_a_photo_are_refused(void **state)
{
    (void)state;
    REFUSED(a.photo.width = 0);
    REFUSED(a.photo.width = 65536);
    REFUSED(a.photo.height = 60000);
    REFUSED(a.photo.orientation = 9);
    REFUSED(a.photo.orientation = 0);
    REFUSED(a.photo.preview_w = 1300);
    REFUSED(a.photo.preview_h = 1601);
    REFUSED(a.photo.thumb_w = 320);
    REFUSED((a.photo.width = 100, a.photo.height = 133)); /* enlarged */
    REFUSED(a.photo.lat_e7 = 900000001);
    REFUSED(a.photo.lon_e7 = INT32_MIN);
    REFUSED(a.photo.has_gps = 2);
    REFUSED(a.photo.taken_offset_min = INT32_MIN + 1);
    REFUSED(a.photo.taken_local_s = -1);
    REFUSED(a.photo.taken_local_s = INT64_MAX);
    REFUSED(a.photo.legibility.judged = 2);
    REFUSED(a.photo.legibility.hints = 1 << BF_PHOTO_HINTS);
    REFUSED(a.photo.legibility.has_sharpness = 2);
    REFUSED(a.photo.legibility.sharpness = BF_PHOTO_SHARPNESS_MAX + 1);
    REFUSED(a.photo.legibility.has_sharpness = 0);
    REFUSED(a.photo.legibility.dark_share = 1001);
    REFUSED(a.photo.legibility.bright_share = UINT32_MAX);
    REFUSED(a.photo.legibility.judged = 0);
}

static void forged_derivatives_are_refused(void **state)
{
    (void)state;
    REFUSED(a.preview[0] = 'X');
    REFUSED(a.preview[4]++);
    REFUSED(a.preview[16]++);
    REFUSED(a.preview[26]++);
    REFUSED(a.thumb[28]++);
    REFUSED(a.preview[23] = 0);
    REFUSED(memcpy(a.preview + 12, "VP8X", 4)); /* room for metadata */
    REFUSED(memcpy(a.preview + 12, "VP8L", 4));
    struct answer a = good_photo();
    for (size_t n = 0; n < WEBP_BYTES; n++)
        assert_int_equal(judge_n(&a, n), BF_E_CORRUPT);
}

static void a_result_names_only_what_lies_in_the_output(void **state)
{
    (void)state;
    static unsigned char map[ROOM];
    struct bf_decode_result good = {.magic = BF_DECODE_MAGIC,
                                    .op = BF_DECODE_PHOTO,
                                    .found = BF_MEDIA_JPEG,
                                    .parts = {{BF_DECODE_RESULT_ROOM, 600}, {BF_DECODE_RESULT_ROOM + 600, 400}}},
                            out, r;
    struct bf_error e;
#define JUDGE(change) (r = good, (change), memcpy(map, &r, sizeof r), bf__check_result(map, sizeof map, BF_DECODE_PHOTO, &out, &e))
    assert_int_equal(JUDGE((void)0), BF_OK);
    assert_int_equal(JUDGE(r.magic++), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.op = BF_DECODE_VOICE), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.reason = BF_DECODE_REASON_COUNT), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.found = BF_MEDIA_COUNT), BF_E_CORRUPT);
    assert_int_equal(JUDGE(memset(r.detail, 'x', sizeof r.detail)), BF_E_CORRUPT);
    assert_int_equal(JUDGE(strcpy(r.detail, "two\nlines")), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.parts[0].offset = 0), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.parts[0].bytes = 601), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.parts[1].bytes = 401), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.parts[1].bytes = UINT64_MAX), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.parts[1].offset = UINT64_MAX - 100), BF_E_CORRUPT);
    assert_int_equal(JUDGE(r.parts[1].offset = BF_DECODE_RESULT_ROOM), BF_E_CORRUPT);
    assert_int_equal(bf__check_result(map, BF_DECODE_RESULT_ROOM - 1, BF_DECODE_PHOTO, &out, &e), BF_E_CORRUPT);
#undef JUDGE
}

/* One Ogg page; returns its length. */
static size_t page(unsigned char *p, unsigned flags, uint64_t granule, uint32_t sequence, const char *body, size_t n)
{
    memset(p, 0, 28);
    memcpy(p, "OggS", 4);
    p[5] = (unsigned char)flags;
    put32(p + 6, (uint32_t)granule);
    put32(p + 10, (uint32_t)(granule >> 32));
    put32(p + 14, 77);
    put32(p + 18, sequence);
    p[26] = 1;
    p[27] = (unsigned char)n;
    memcpy(p + 28, body, n);
    return 28 + n;
}

enum {
    PRE_SKIP = 312,
    TAGS_AT = 28 + 19,
    SOUND_AT = TAGS_AT + 28 + 16,
    OPUS_BYTES = SOUND_AT + 28 + 10,
    POINTS = 100,
    PEAKS_BYTES = 24 + 2 * POINTS
};

struct voice {
    struct bf_decode_sound sound;
    unsigned char opus[OPUS_BYTES], peaks[PEAKS_BYTES];
};

static struct voice good_voice(void)
{
    struct voice v = {.sound = {.duration_ms = 1000, .source_rate = 48000, .source_channels = 1, .loudness_clufs = -2000, .gain_cdb = 200}};
    size_t at = page(v.opus, 2, 0, 0, "OpusHead\x01\x01\x38\x01\x80\x3e\0\0\0\0\0", 19);
    assert_int_equal(at, TAGS_AT);
    at += page(v.opus + at, 0, 0, 1, "OpusTags\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(at, SOUND_AT);
    at += page(v.opus + at, 4, 48000 + PRE_SKIP, 2, "0123456789", 10);
    assert_int_equal(at, OPUS_BYTES);
    const uint32_t head[] = {2, 1, 16000, 160, POINTS, 1};
    for (unsigned i = 0; i < 6; i++)
        put32(v.peaks + 4 * i, head[i]);
    return v;
}

static enum bf_status judge_voice(const struct voice *v, size_t opus_bytes)
{
    struct bf_error e;
    return bf__check_voice(&v->sound, bf_str((const char *)v->opus, opus_bytes), bf_str((const char *)v->peaks, PEAKS_BYTES), &e);
}

static void an_honest_recording_passes(void **state)
{
    (void)state;
    struct voice v = good_voice();
    assert_int_equal(judge_voice(&v, OPUS_BYTES), BF_OK);
}

#define REFUSED_VOICE(change)                                                                                                              \
    do {                                                                                                                                   \
        struct voice v = good_voice();                                                                                                     \
        change;                                                                                                                            \
        assert_int_equal(judge_voice(&v, OPUS_BYTES), BF_E_CORRUPT);                                                                       \
    } while (0)

static void forged_recordings_are_refused(void **state)
{
    (void)state;
    REFUSED_VOICE(v.sound.duration_ms = 0);
    REFUSED_VOICE(v.sound.duration_ms = 2000);
    REFUSED_VOICE(v.sound.duration_ms = BF_VOICE_MS_MAX + 1000);
    REFUSED_VOICE(v.sound.damaged_ms = 1001);
    REFUSED_VOICE(v.sound.gain_cdb = 6001);
    REFUSED_VOICE(v.sound.loudness_clufs = INT32_MAX);
    REFUSED_VOICE(v.sound.source_channels = 256);
    REFUSED_VOICE(v.opus[5] = 0);       /* does not begin */
    REFUSED_VOICE(v.opus[28 + 9] = 2);  /* stereo */
    REFUSED_VOICE(v.opus[28 + 18] = 1); /* another channel mapping */
    REFUSED_VOICE(v.opus[TAGS_AT + 28] = 'X');
    REFUSED_VOICE(v.opus[TAGS_AT + 14]++);       /* another stream */
    REFUSED_VOICE(v.opus[SOUND_AT + 18]++);      /* a page is missing */
    REFUSED_VOICE(v.opus[SOUND_AT + 5] = 0);     /* does not end */
    REFUSED_VOICE(v.opus[SOUND_AT + 8]++);       /* longer than stated */
    REFUSED_VOICE(v.opus[SOUND_AT + 13] = 0x80); /* a negative time */
    REFUSED_VOICE(v.opus[SOUND_AT + 27]++);      /* reaches out of the part */
    REFUSED_VOICE(v.peaks[0] = 1);
    REFUSED_VOICE(v.peaks[16]++);
    REFUSED_VOICE(v.peaks[12]++);
    struct voice v = good_voice();
    for (size_t n = 0; n < OPUS_BYTES; n++)
        assert_int_equal(judge_voice(&v, n), BF_E_CORRUPT);
}

static void a_transcript_is_plain_text(void **state)
{
    (void)state;
    struct bf_error e;
    struct bf_decode_sound sound = {.duration_ms = 10, .loudness_clufs = INT32_MIN};
    assert_int_equal(bf__check_text(&sound, BF_STR(""), &e), BF_OK);
    assert_int_equal(bf__check_text(&sound, BF_STR("see you on monday"), &e), BF_OK);
    assert_int_equal(bf__check_text(&sound, BF_STR("see\nyou"), &e), BF_E_CORRUPT);
    assert_int_equal(bf__check_text(&sound, BF_STR("a\0b"), &e), BF_E_CORRUPT);
    assert_int_equal(bf__check_text(&sound, BF_STR("\xe6\x8b\x9c"), &e), BF_E_CORRUPT);
}

static void media_types_are_known_by_their_names(void **state)
{
    (void)state;
    assert_int_equal(bf_media_type_of(BF_STR("image/jpeg")), BF_MEDIA_JPEG);
    assert_int_equal(bf_media_type_of(BF_STR("audio/mp4")), BF_MEDIA_M4A);
    assert_int_equal(bf_media_type_of(BF_STR("application/octet-stream")), BF_MEDIA_NONE);
    assert_int_equal(bf_media_type_of(BF_STR("text/html")), BF_MEDIA_NONE);
    assert_int_equal(bf_media_type_of(BF_STR("")), BF_MEDIA_NONE);
    assert_string_equal(bf_decode_reason_code(BF_DECODE_TOO_MANY_PIXELS), "too_many_pixels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_photo_passes),         cmocka_unit_test(forged_figures_of_a_photo_are_refused),
        cmocka_unit_test(forged_derivatives_are_refused), cmocka_unit_test(a_result_names_only_what_lies_in_the_output),
        cmocka_unit_test(an_honest_recording_passes),     cmocka_unit_test(forged_recordings_are_refused),
        cmocka_unit_test(a_transcript_is_plain_text),     cmocka_unit_test(media_types_are_known_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
