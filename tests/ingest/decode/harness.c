/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/ingest/decode/harness.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int zygote_start(const char *path, const char *mode, pid_t *ret_pid)
{
    int pair[2];
    char number[16], secret[] = "BAIFANG_MASTER_KEY=this-must-not-reach-a-decoder";
    char *environment[] = {secret, NULL};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    snprintf(number, sizeof number, "%d", pair[1]);
    pid_t pid = fork();
    if (pid == 0) {
        fcntl(pair[1], F_SETFD, 0);
        execle(path, "baifang-decode", mode, number, NULL, environment);
        _exit(127);
    }
    close(pair[1]);
    *ret_pid = pid;
    return pair[0];
}

int zygote_wait(pid_t pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

static int filtered(pid_t pid)
{
    char path[64], line[256];
    int mode = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "Seccomp: %d", &mode) == 1)
            break;
    fclose(f);
    return mode == 2;
}

pid_t zygote_find_child(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    while (fscanf(f, "%d", &child) == 1 && !filtered(child))
        child = 0;
    fclose(f);
    return child > 0 && filtered(child) ? child : 0;
}

int memfd_of_bytes(const void *p, size_t n)
{
    int fd = memfd_create("test-input", MFD_CLOEXEC);
    if (fd >= 0 && n > 0 && write(fd, p, n) != (ssize_t)n) {
        close(fd);
        return -1;
    }
    return fd;
}

int memfd_of_file(const char *path)
{
    struct stat st;
    int from = open(path, O_RDONLY | O_CLOEXEC), to = memfd_create("test-input", MFD_CLOEXEC);
    off_t done = 0;
    if (from >= 0 && to >= 0 && fstat(from, &st) == 0)
        while (done < st.st_size && sendfile(to, from, &done, (size_t)(st.st_size - done)) > 0)
            ;
    int ok = from >= 0 && to >= 0 && done == st.st_size;
    if (from >= 0)
        close(from);
    if (!ok && to >= 0)
        close(to);
    return ok ? to : -1;
}
