/* SPDX-License-Identifier: Apache-2.0 */
/* A file of requests, "METHOD PATH TOKEN BODY" a line ("-": none). Whatever goes wrong ends the program. */
#pragma once
#include "tests/bench/client/h2.h"

struct line {
    char *method, *path, *token, *body;
};
struct lines {
    char *text;
    struct line *of;
    unsigned n;
};

struct lines lines_read(const char *path);
void lines_free(struct lines *lines);
struct h2_request lines_request(const struct line *line);
