/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of every type: the walk over segments and boxes, EXIF, the decoders' use and the resampler. What is decoded passes the client's
 * examination; what is not has a reason. Pictures here are too small to be judged, so bytes behind an L are looked at as luma instead. */
#include "ingest/decode/legible.h"
#include "tests/fuzz/decode_job.h"
#include "tests/fuzz/mend.h"

enum { JUDGED_SIDE = 640 };

static void look_at_as_luma(const uint8_t *data, size_t n)
{
    struct bf_plane luma;
    struct bf_legibility found;
    if (!bf__plane_create(&luma, JUDGED_SIDE + data[0] % 40U, JUDGED_SIDE + data[1] % 40U))
        return;
    for (size_t i = 0, size = (size_t)luma.w * luma.h; i < size; i++)
        luma.p[i] = data[i / 16 % n]; /* some of it as wide as writing */
    EXPECT(bf__legible(&luma, &found) && found.judged == 1);
    EXPECT(found.sharpness <= BF_PHOTO_SHARPNESS_MAX && found.dark_share <= 1000 && found.bright_share <= 1000);
    EXPECT(found.hints < 1U << BF_PHOTO_HINTS);
    bf__plane_destroy(&luma);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct decode_room room;
    struct bf_decode_result r;
    struct bf_error e;
    if (n > 2 && data[0] == 'L') {
        look_at_as_luma(data + 1, n - 1);
        return 0;
    }
    uint8_t *in = mended_copy(data, n);
    if (decode_run(BF_DECODE_PHOTO, /* stt= */ NULL, in, n, &room, &r))
        EXPECT(bf__check_photo(&r.u.photo, decode_part(&room, &r, 0), decode_part(&room, &r, 1), &e) == BF_OK);
    free(room.out);
    free(in);
    return 0;
}
