/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the configuration only: one row's value. */
#pragma once
#include "core/config.h"

struct bf_config_value {
    const struct bf_config_row *row;
    char variable[80]; /* BAIFANG_SECTION_KEY */
    char *text;        /* always a string */
    size_t n;
    int64_t i; /* INT, BOOL */
    int line;  /* 0: not in the file */
};

void bf__config_init(struct bf_config_value *v, const struct bf_config_row *row); /* at its default */
void bf__config_finish(struct bf_config_value *v);
/* Checks `text` against the row and takes a copy. The cause names the key, and the text unless it is secret. */
enum bf_status bf__config_set(struct bf_config_value *v, struct bf_str text, struct bf_error *e);
void bf__config_free_text(char *text, size_t n); /* wiped first: it may be a secret */
