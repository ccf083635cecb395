/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer of a provider that speaks the OpenAI transcription API says. Compatible servers differ most in their errors:
 * {"error":{"message","type","param","code"}} (OpenAI, vLLM, Groq), {"error":"words"} (whisper.cpp), {"code","message","data"} or a bare
 * string (SiliconFlow). Only this file knows. Pure: no network, no clock. */
#pragma once
#include "ingest/stt/stt.h"

/* Fills *ret from an answer's status and body. `key` is blotted out of whatever the provider says (empty: none). */
void bf_openai_read(int http_status, struct bf_str body, struct bf_str key, struct bf_arena *arena, struct bf_stt_result *ret);
/* Does it say that the account is used up? Waiting for minutes will not help then. Looks at 402, 403 and 429 only. */
bool bf_openai_is_used_up(int http_status, struct bf_str body);
/* How long one request may take: a minute, and `minute_s` seconds for each minute of the recording, up to `ms_max`. */
unsigned bf_openai_try_ms(int64_t duration_ms, unsigned minute_s, unsigned ms_max);
/* A duration as x-ratelimit-reset-* has it ("1s", "6m0s", "20ms", "1h2m3.5s") in ms, at most a day; -1: it is none. */
int64_t bf_openai_duration_ms(struct bf_str text);
