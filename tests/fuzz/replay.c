/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of a corpus directory, and over prefixes of each: the cheapest mutation that finds anything. */
#include "tests/fuzz/fuzz.h"
#include <dirent.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, PREFIXES_MAX = 256 };

static size_t read_file(const char *path, uint8_t *out)
{
    FILE *f = fopen(path, "rb");
    EXPECT(f != NULL);
    size_t n = fread(out, 1, FILE_MAX, f);
    fclose(f);
    return n;
}

/* Each run gets memory of exactly its size, so that AddressSanitizer sees a read past the end. */
static void run(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    EXPECT(copy != NULL);
    memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void replay(const char *path, uint8_t *room)
{
    size_t n = read_file(path, room), step = n / PREFIXES_MAX + 1;
    for (size_t prefix = 0; prefix < n; prefix += step)
        run(room, prefix);
    run(room, n);
}

int main(int argc, char **argv)
{
    uint8_t *room = malloc(FILE_MAX);
    unsigned files = 0;
    EXPECT(argc == 2 && room != NULL);
    DIR *dir = opendir(argv[1]);
    EXPECT(dir != NULL);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        EXPECT(snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name) < (int)sizeof path);
        replay(path, room);
        files++;
    }
    closedir(dir);
    free(room);
    printf("replayed %u files\n", files);
    return files > 0 ? 0 : 1;
}
