/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "the system call filter is not written for this processor"
#endif

/* The low halves of the arguments; both processors above are little-endian. */
#define ARG(i)           ((uint32_t)offsetof(struct seccomp_data, args) + 8 * (i))
#define NR               ((uint32_t)offsetof(struct seccomp_data, nr))
#define LOAD(offset)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define ALLOW            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL             BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define REFUSE(err)      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (err))
#define JEQ(k, yes, no)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (yes), (no))
#define JSET(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), (yes), (no))
/* Each row leaves the call's number loaded for the next. */
#define CALL(name)                       JEQ(__NR_##name, 0, 1), ALLOW
#define CALL_REFUSED(name, err)          JEQ(__NR_##name, 0, 1), REFUSE(err)
#define CALL_WITH(name, i, value)        JEQ(__NR_##name, 0, 4), LOAD(ARG(i)), JEQ((value), 0, 1), ALLOW, KILL
#define CALL_WITHOUT_BITS(name, i, bits) JEQ(__NR_##name, 0, 4), LOAD(ARG(i)), JSET((bits), 1, 0), ALLOW, KILL
/* mmap of anonymous memory that is not executable */
#define CALL_MMAP JEQ(__NR_mmap, 0, 6), LOAD(ARG(2)), JSET(PROT_EXEC, 3, 0), LOAD(ARG(3)), JSET(MAP_ANONYMOUS, 0, 1), ALLOW, KILL
/* A thread of this process, nothing else. */
#define CALL_CLONE JEQ(__NR_clone, 0, 4), LOAD(ARG(0)), JSET(CLONE_THREAD, 0, 1), ALLOW, KILL

bool bf__sandbox_descriptors(int in, int out)
{
    /* Away from the places they are to take, whatever numbers they have now. */
    int high_in = fcntl(in, F_DUPFD, 64), high_out = fcntl(out, F_DUPFD, 64);
    if (high_in < 0 || high_out < 0 || dup2(high_in, BF_SANDBOX_IN) < 0 || dup2(high_out, BF_SANDBOX_OUT) < 0)
        return false;
    return close_range(BF_SANDBOX_OUT + 1, ~0U, 0) == 0 && close_range(0, BF_SANDBOX_IN - 1, 0) == 0;
}

/* Bytes of address space in use; 0 when it cannot be read. */
static uint64_t mapped_now(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool limit(int what, uint64_t soft, uint64_t hard)
{
    return setrlimit((__rlimit_resource_t)what, &(struct rlimit){.rlim_cur = soft, .rlim_max = hard}) == 0;
}

bool bf__sandbox_heap(uint64_t mapped_at_entry, uint64_t heap_bytes)
{
    struct rlimit now;
    if (mapped_at_entry == 0)
        return true;
    if (getrlimit(RLIMIT_AS, &now) < 0 || mapped_at_entry + heap_bytes > now.rlim_max)
        return false;
    return limit(RLIMIT_AS, mapped_at_entry + heap_bytes, now.rlim_max);
}

static bool raise_landlock(void)
{
    const struct landlock_ruleset_attr all = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
                             LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                             LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                             LANDLOCK_ACCESS_FS_MAKE_SYM,
    };
    int rules = (int)syscall(__NR_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM;
    bool ok = syscall(__NR_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return ok;
}

/* The filter: these parts one after the other, the second where threads may be made. */
static const struct sock_filter common[] = {
    LOAD((uint32_t)offsetof(struct seccomp_data, arch)),
    JEQ(THIS_ARCH, 1, 0),
    KILL,
    LOAD(NR),
    CALL_WITH(pread64, 0, BF_SANDBOX_IN),
    CALL_WITH(pwrite64, 0, BF_SANDBOX_OUT),
    CALL_MMAP,
    CALL_WITHOUT_BITS(mprotect, 2, PROT_EXEC),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(brk),
    CALL(futex),
    CALL(clock_gettime),
    CALL(getrandom),
    CALL(getrusage) /* PocketSphinx times itself */,
    CALL(exit),
    CALL(exit_group),
    CALL(rt_sigreturn),
    CALL_WITH(prlimit64, 0, 0), /* of oneself, below the hard limits */
    CALL(rt_sigprocmask),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(gettid),
    CALL_REFUSED(write, EBADF), /* libraries print warnings to the standard error that is closed */
};
/* What glibc's pthread_create and thread exit need; clone3 hides its flags in memory, so glibc is sent back to clone. */
static const struct sock_filter for_threads[] = {
    CALL_CLONE, CALL_REFUSED(clone3, ENOSYS), CALL_WITH(rt_sigaction, 0, 33 /* SIGRT_1 */), CALL(set_robust_list), CALL(rseq),
};
static const struct sock_filter end[] = {KILL};

static bool raise_filter(bool threads)
{
    struct sock_filter rows[(sizeof common + sizeof for_threads + sizeof end) / sizeof common[0]];
    struct sock_fprog program = {.len = sizeof common / sizeof common[0], .filter = rows};
    memcpy(rows, common, sizeof common);
    if (threads) {
        memcpy(rows + program.len, for_threads, sizeof for_threads);
        program.len += sizeof for_threads / sizeof for_threads[0];
    }
    memcpy(rows + program.len, end, sizeof end);
    program.len += sizeof end / sizeof end[0];
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Who has none, as under the systemd unit, need not ask for a call that the unit forbids. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}}, now[_LINUX_CAPABILITY_U32S_3];
    if (syscall(__NR_capget, &head, now) < 0)
        return false;
    return memcmp(now, none, sizeof none) == 0 || syscall(__NR_capset, &head, none) == 0;
}

static bool limit_tasks(void)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NPROC, &now) < 0)
        return false;
    rlim_t most = now.rlim_max < BF_SANDBOX_TASKS_MAX ? now.rlim_max : BF_SANDBOX_TASKS_MAX;
    return limit(RLIMIT_NPROC, most, most);
}

bool bf__sandbox_enter(const struct bf_sandbox_limits *l, uint64_t *ret_mapped)
{
    uint64_t mapped = mapped_now();
    if (mapped == 0 || !drop_capabilities() || !limit(RLIMIT_CORE, 0, 0) || !limit_tasks() || !limit(RLIMIT_CPU, l->cpu_s, l->cpu_s + 1) ||
        !limit(RLIMIT_FSIZE, l->output_bytes, l->output_bytes) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !raise_landlock())
        return false;
    if (!limit(RLIMIT_NOFILE, 0, 0) || !limit(RLIMIT_AS, mapped + l->heap_bytes, mapped + l->heap_bytes_max) || !raise_filter(l->threads))
        return false;
    *ret_mapped = mapped;
    return true;
}
