/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a recording on its way to the recogniser and of the recogniser's words on their way back. pocketsphinx itself, loaded as
 * it is installed, is not instrumented; what is handed to it and taken from it is ours. */
#include "ingest/decode/stt.h"
#include "tests/fuzz/decode_job.h"
#include "tests/fuzz/mend.h"

/* One for all runs, as in the process that listens: loading the model takes longer than hearing a word. */
static struct bf_stt *recogniser(void)
{
    static struct bf_stt *stt;
    if (stt == NULL)
        stt = bf__stt_create(BF_STT_MODEL_DIR);
    EXPECT(stt != NULL);
    return stt;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct decode_room room;
    struct bf_decode_result r;
    struct bf_error e;
    uint8_t *in = mended_copy(data, n);
    if (decode_run(BF_DECODE_TRANSCRIBE, recogniser(), in, n, &room, &r))
        EXPECT(bf__check_text(&r.u.sound, decode_part(&room, &r, 0), &e) == BF_OK);
    free(room.out);
    free(in);
    return 0;
}
