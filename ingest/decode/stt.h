/* SPDX-License-Identifier: Apache-2.0 */
/* Speech to text by PocketSphinx (English). The library and its model are loaded once in the zygote; each child works on its copy-on-write
 * image of them. The library is opened by name, so that the photo decoder does not carry it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define BF_STT_MODEL_DIR "/usr/share/pocketsphinx/model/en-us"

struct bf_stt;

struct bf_stt *bf__stt_create(const char *model_dir); /* NULL: the library or the model is missing */
void bf__stt_destroy(struct bf_stt **stt);
