/* SPDX-License-Identifier: Apache-2.0 */
#include "core/env.h"
#include "core/error.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct impl {
    _Atomic int64_t *shift_ms; /* of the wall clock; mapped or `own` */
    void *mapped;
    _Atomic int64_t own;
    /* the fake */
    _Atomic int64_t fake_wall_ms, fake_mono_ms;
    _Atomic uint64_t fake_calls;
    unsigned char seed[32];
};

enum { MAPPED_BYTES = 8 };

static int64_t clock_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t system_now(const struct bf_env *env)
{
    const struct impl *impl = env->impl;
    return clock_ms(CLOCK_REALTIME) + atomic_load_explicit(impl->shift_ms, memory_order_relaxed);
}

static int64_t system_mono(const struct bf_env *env)
{
    (void)env;
    return clock_ms(CLOCK_MONOTONIC);
}

static void system_random(const struct bf_env *env, void *out, size_t n)
{
    (void)env;
    randombytes_buf(out, n);
}

static struct impl *new_impl(void)
{
    struct impl *impl = calloc(1, sizeof *impl);
    if (impl == NULL || sodium_init() < 0)
        abort();
    impl->shift_ms = &impl->own;
    return impl;
}

void bf_env_system(struct bf_env *env)
{
    *env = (struct bf_env){.now_ms = system_now, .mono_ms = system_mono, .random = system_random, .impl = new_impl()};
}

int bf_env_shifted(struct bf_env *env, const char *path, struct bf_error *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_CONFIG, errno, "clock file %s", path);
    void *mapped = MAP_FAILED;
    int failed = 0;
    if (lseek(fd, 0, SEEK_END) < MAPPED_BYTES && ftruncate(fd, MAPPED_BYTES) < 0)
        failed = errno;
    if (failed == 0) {
        mapped = mmap(NULL, MAPPED_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        failed = mapped == MAP_FAILED ? errno : 0;
    }
    close(fd);
    if (failed != 0)
        return bf_fail_errno(e, BF_E_CONFIG, failed, "clock file %s", path);
    bf_env_system(env);
    struct impl *impl = env->impl;
    impl->mapped = mapped;
    impl->shift_ms = mapped;
    return BF_OK;
}

static int64_t fake_now(const struct bf_env *env) { return atomic_load(&((struct impl *)env->impl)->fake_wall_ms); }

static int64_t fake_mono(const struct bf_env *env) { return atomic_load(&((struct impl *)env->impl)->fake_mono_ms); }

static void fake_random(const struct bf_env *env, void *out, size_t n)
{
    struct impl *impl = env->impl;
    unsigned char nonce[crypto_stream_chacha20_NONCEBYTES];
    uint64_t call = atomic_fetch_add(&impl->fake_calls, 1);
    memset(nonce, 0, sizeof nonce);
    memcpy(nonce, &call, sizeof call);
    crypto_stream_chacha20(out, n, nonce, impl->seed);
}

void bf_env_fake(struct bf_env *env, int64_t now_ms, uint64_t seed)
{
    struct impl *impl = new_impl();
    memcpy(impl->seed, &seed, sizeof seed);
    atomic_store(&impl->fake_wall_ms, now_ms);
    atomic_store(&impl->fake_mono_ms, 1000);
    *env = (struct bf_env){.now_ms = fake_now, .mono_ms = fake_mono, .random = fake_random, .impl = impl};
}

void bf_env_fake_advance(struct bf_env *env, int64_t ms)
{
    struct impl *impl = env->impl;
    atomic_fetch_add(&impl->fake_wall_ms, ms);
    if (ms > 0)
        atomic_fetch_add(&impl->fake_mono_ms, ms);
}

void bf_env_finish(struct bf_env *env)
{
    struct impl *impl = env->impl;
    if (impl != NULL && impl->mapped != NULL)
        munmap(impl->mapped, MAPPED_BYTES);
    free(impl);
    env->impl = NULL;
}
