/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings in every container: the walks over boxes, elements, pages and chunks, both passes, the limiter and the Ogg writer; and WAV. */
#include "tests/fuzz/decode_job.h"
#include "tests/fuzz/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct decode_room room;
    struct bf_decode_result r;
    struct bf_error e;
    uint8_t *in = mended_copy(data, n);
    if (decode_run(BF_DECODE_VOICE, /* stt= */ NULL, in, n, &room, &r))
        EXPECT(bf__check_voice(&r.u.sound, decode_part(&room, &r, 0), decode_part(&room, &r, 1), &e) == BF_OK);
    free(room.out);
    if (decode_run(BF_DECODE_WAV, /* stt= */ NULL, in, n, &room, &r))
        EXPECT(bf__check_wav(&r.u.sound, decode_part(&room, &r, 0), &e) == BF_OK);
    free(room.out);
    free(in);
    return 0;
}
