/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/client/lines.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t n = (size_t)ftell(f);
    char *text = malloc(n + 1);
    rewind(f);
    if (text == NULL || fread(text, 1, n, f) != n)
        exit(1);
    text[n] = '\0';
    fclose(f);
    return text;
}

struct lines lines_read(const char *path)
{
    struct lines lines = {.text = read_all(path)};
    unsigned room = 1;
    for (const char *s = lines.text; *s != '\0'; s++)
        room += *s == '\n';
    lines.of = calloc(room, sizeof *lines.of);
    if (lines.of == NULL)
        exit(1);
    for (char *save, *s = strtok_r(lines.text, "\n", &save); s != NULL; s = strtok_r(NULL, "\n", &save)) {
        char *inner;
        struct line *l = &lines.of[lines.n++];
        l->method = strtok_r(s, " ", &inner);
        l->path = strtok_r(NULL, " ", &inner);
        l->token = strtok_r(NULL, " ", &inner);
        l->body = inner;
    }
    return lines;
}

void lines_free(struct lines *lines)
{
    free(lines->of);
    free(lines->text);
}

struct h2_request lines_request(const struct line *l)
{
    struct h2_request r = {.method = l->method, .path = l->path, .token = strcmp(l->token, "-") == 0 ? NULL : l->token};
    if (strcmp(l->body, "-") != 0) {
        r.headers[r.n_headers++] = (struct h2_header){"content-type", "application/json"};
        r.body = (const uint8_t *)l->body;
        r.body_n = strlen(l->body);
        r.body_repeat = 1;
    }
    return r;
}
