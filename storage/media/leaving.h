/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "storage/media/upload.h"

/* Takes *l into the list, for BF__LEAVING_MS from now on; false when that is full. */
bool bf__leaving_add(struct bf_media *media, struct bf__leaving *l);
void bf__leaving_remove(struct bf_media *media, const struct bf__leaving *l);
/* Does the file have to stay for it? */
bool bf__leaving_has(struct bf_media *media, struct bf_uuid file);
/* Judges those whose time is over. One that fails is judged again with the next sweep. Only the sweep calls it. */
enum bf_status bf__leaving_settle(struct bf_media *media, struct bf_error *e);
/* blob.c: gives the holder a wrap again, and the blob its file where it has none. */
enum bf_status bf__blob_put_back(struct bf_media *media, const struct bf__leaving *l, struct bf_error *e);
/* blob.c: takes the wrap of an upload's user away, unless another upload of his stands for the same bytes; `later`: it can be put back for
 * BF__LEAVING_MS. */
enum bf_status bf__blob_give_back(struct bf__upload *up, bool later, struct bf_error *e);
