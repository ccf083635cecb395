/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the test's own directory as byte arrays, and reproducible random numbers. */
#pragma once
#include "core/str.h"

struct image {
    uint8_t *p;
    size_t n;
};

int open_test_dir(const char *name);                             /* below BF_TEST_DIR, emptied */
void image_load(int dir_fd, const char *name, struct image *ret); /* frees what was in *ret */
void image_store(int dir_fd, const char *name, const struct image *image);
void image_free(struct image *image);

struct dice {
    uint64_t state;
};
uint32_t roll(struct dice *dice, uint32_t sides); /* 0 .. sides - 1 */
void roll_bytes(struct dice *dice, void *p, size_t n);
/* The seed of a run: BF_SEED, or 1. Rounds: BF_ROUNDS, or `usual`, twenty times that in a soak. */
uint64_t test_seed(void);
unsigned test_rounds(unsigned usual);
