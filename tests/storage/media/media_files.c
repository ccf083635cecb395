/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/media/media_files.h"
#include "tests/test.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void empty_dir(int fd)
{
    DIR *dir = fdopendir(dup(fd));
    const struct dirent *entry;
    assert_non_null(dir);
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_type != DT_DIR)
            unlinkat(fd, entry->d_name, 0);
    closedir(dir);
}

int open_test_dir(const char *name)
{
    char path[4096];
    const char *root = getenv("BF_TEST_DIR");
    snprintf(path, sizeof path, "%s/%s", root == NULL ? "." : root, name);
    (void)mkdir(path, 0700);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    empty_dir(fd);
    return fd;
}

void image_load(int dir_fd, const char *name, struct image *ret)
{
    struct stat st;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    image_free(ret);
    ret->n = (size_t)st.st_size;
    ret->p = malloc(ret->n + 1);
    assert_non_null(ret->p);
    assert_int_equal(read(fd, ret->p, ret->n), ret->n);
    close(fd);
}

void image_store(int dir_fd, const char *name, const struct image *image)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->p, image->n), image->n);
    close(fd);
}

void image_free(struct image *image)
{
    free(image->p);
    *image = (struct image){0};
}

/* splitmix64 */
static uint64_t next(struct dice *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint32_t roll(struct dice *dice, uint32_t sides) { return (uint32_t)((next(dice) >> 32) * sides >> 32); }

void roll_bytes(struct dice *dice, void *p, size_t n)
{
    uint8_t *to = p;
    while (n > 0) {
        uint64_t word = next(dice);
        size_t take = n < 8 ? n : 8;
        memcpy(to, &word, take);
        to += take;
        n -= take;
    }
}

uint64_t test_seed(void)
{
    const char *seed = getenv("BF_SEED");
    return seed == NULL ? 1 : strtoull(seed, NULL, 10);
}

unsigned test_rounds(unsigned usual)
{
    const char *rounds = getenv("BF_ROUNDS");
    if (rounds != NULL)
        return (unsigned)strtoul(rounds, NULL, 10);
    return getenv("BF_SOAK") == NULL ? usual : usual * 20;
}
