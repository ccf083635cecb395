/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_create DIR BEFORE CREATES GROUP: the bare SQLite loop, behind so many creates, with a shape read from standard input, a line each:
 *   doc BYTES AMONG RATE     a document (bare_sqlite.h)
 *   key BYTES RATE           an index row
 *   log HEADER PAYLOAD       bytes of a create's share of the entry
 * Prints "CPU_US RATE_PER_S".
 */
#include "tests/bench/store/bare_sqlite.h"
#include <stdio.h>
#include <stdlib.h>

static void read_shape(struct bare_shape *shape)
{
    char line[128];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct bare_doc doc;
        struct bare_key key;
        if (shape->n_docs < BARE_DOCS_MAX && sscanf(line, "doc %u %u %lf", &doc.bytes, &doc.among, &doc.rate) == 3)
            shape->docs[shape->n_docs++] = doc;
        else if (shape->n_keys < BARE_KEYS_MAX && sscanf(line, "key %u %lf", &key.bytes, &key.rate) == 2 && key.bytes >= 32 &&
                 key.bytes <= 256)
            shape->keys[shape->n_keys++] = key;
        else if (sscanf(line, "log %u %u", &shape->header_bytes, &shape->payload_bytes) != 2)
            exit(2);
    }
}

int main(int argc, char **argv)
{
    struct bare_shape shape = {.n_docs = 0};
    struct bare_result result;
    if (argc != 5)
        return 2;
    read_shape(&shape);
    bare_run(argv[1], &shape, (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]), atof(argv[4]), &result);
    printf("%.2f %.1f\n", result.cpu_us, result.creates_per_s);
    return 0;
}
