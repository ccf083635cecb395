/* SPDX-License-Identifier: Apache-2.0 */
/* The examination of what a decoder child left behind: pure functions over bytes that nobody can change any more. Every failure is
 * BF_E_CORRUPT with a cause. */
#pragma once
#include "core/error.h"
#include "core/str.h"
#include "ingest/decode/wire.h"

/* Magic, operation, reason, text and the parts' places: inside `bytes`, behind the result, in order, not overlapping. */
enum bf_status bf__check_result(const void *map, size_t bytes, enum bf_decode_op op, struct bf_decode_result *ret, struct bf_error *e);
enum bf_status bf__check_photo(const struct bf_decode_photo *photo, struct bf_str preview, struct bf_str thumb, struct bf_error *e);
enum bf_status bf__check_voice(const struct bf_decode_sound *sound, struct bf_str opus, struct bf_str peaks, struct bf_error *e);
enum bf_status bf__check_wav(const struct bf_decode_sound *sound, struct bf_str wav, struct bf_error *e);
enum bf_status bf__check_text(const struct bf_decode_sound *sound, struct bf_str text, struct bf_error *e);
