/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of every type: the walk over segments and boxes, EXIF, the decoders' use and the resampler. What is decoded passes the client's
 * examination; what is not has a reason. */
#include "tests/fuzz/decode_job.h"
#include "tests/fuzz/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct decode_room room;
    struct bf_decode_result r;
    struct bf_error e;
    uint8_t *in = mended_copy(data, n);
    if (decode_run(BF_DECODE_PHOTO, /* stt= */ NULL, in, n, &room, &r))
        EXPECT(bf__check_photo(&r.u.photo, decode_part(&room, &r, 0), decode_part(&room, &r, 1), &e) == BF_OK);
    free(room.out);
    free(in);
    return 0;
}
