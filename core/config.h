/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: an INI file read by libinih against one typed table. An unknown section or key, a value outside its range, a key that
 * stands twice: fatal, with file and line. Each module declares its rows (BF_CONFIG in its config table); main joins them. A value may be
 * given as KEY_file = PATH (the content of that file, one trailing newline cut) or taken from the environment as BAIFANG_SECTION_KEY;
 * secrets (BF_CF_SECRET) only so, never inline, and they are never printed; an address (BF_CF_URI) that holds a password likewise. The environment wins. A value is the whole rest of its line:
 * there are no comments behind values and no continued lines. Load it before the first thread starts (libinih keeps its options in
 * variables).
 */
#pragma once
#include "core/error.h"
#include "core/str.h"
#include <stdio.h>

struct bf_config;

enum bf_config_type { BF_CF_INT, BF_CF_BOOL, BF_CF_STR, BF_CF_PATH, BF_CF_SECRET, BF_CF_WORD, BF_CF_URI };

struct bf_config_row {
    const char *section, *key;
    enum bf_config_type type;
    const char *def;   /* default as text; NULL: none (empty string, 0, no); a WORD has one */
    int64_t min, max;  /* INT; STR, SECRET and URI: bytes, both 0 for no limit */
    const char *unit;  /* "ms", "bytes", "" */
    const char *words; /* WORD: "a|b|c" */
    const char *prose;
};

/* `path` NULL: defaults and environment only. Rows are kept by reference. */
enum bf_status bf_config_load(const char *path, const struct bf_config_row *const *tables, const unsigned *n_rows, unsigned n_tables,
                              struct bf_config **ret, struct bf_error *e);
void bf_config_destroy(struct bf_config **config); /* wipes secrets */
/* Getters assert that the row is declared. */
int64_t bf_config_int(const struct bf_config *config, const char *section, const char *key);
bool bf_config_bool(const struct bf_config *config, const char *section, const char *key);
struct bf_str bf_config_str(const struct bf_config *config, const char *section, const char *key); /* NUL-terminated; "" when not set */
/* The content of a value's own file, one trailing newline cut, a NUL behind it; wiped and freed by bf_config_free_value. */
enum bf_status bf_config_read_value(const char *path, struct bf_str *ret, struct bf_error *e);
void bf_config_free_value(struct bf_str *value);
/* Is it "SCHEME://USER:PASSWORD@...", or has it an option that is one? `uri` ends with a NUL. */
bool bf_config_has_password(struct bf_str uri);
/* A commented sample with every row, its default, range, unit and prose: `baifang --print-config`. */
void bf_config_print_sample(FILE *out, const struct bf_config_row *const *tables, const unsigned *n_rows, unsigned n_tables);
