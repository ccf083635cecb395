/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the JSON edge only: the one strict parse. */
#pragma once
#include "core/error.h"
#include "core/str.h"
#include <jansson.h>

/* Parses an object or array of at most `max` bytes; the caller gets a reference. */
enum bf_status bf__json_load(struct bf_str text, size_t max, json_t **ret, struct bf_error *e);
