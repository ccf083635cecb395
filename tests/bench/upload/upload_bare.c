/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/upload/upload_bare.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TAG = 16 };

struct upload_bare {
    int fd;
    off_t pos;
    uint32_t count;
    size_t n;
    EVP_MD_CTX *hash;
    EVP_CIPHER_CTX *cipher;
    uint8_t frame[UPLOAD_BARE_FRAME + TAG];
};

static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

struct upload_bare *upload_bare_open(int dir_fd, const char *name)
{
    struct upload_bare *u = calloc(1, sizeof *u);
    static const uint8_t key[32] = {1};
    must(u != NULL, "memory");
    u->fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(u->fd >= 0, name);
    u->hash = EVP_MD_CTX_new();
    u->cipher = EVP_CIPHER_CTX_new();
    must(EVP_DigestInit_ex(u->hash, EVP_sha256(), NULL) == 1, "sha256");
    must(EVP_EncryptInit_ex(u->cipher, EVP_aes_256_gcm(), NULL, key, NULL) == 1, "aes-256-gcm");
    return u;
}

static void flush(struct upload_bare *u)
{
    uint8_t nonce[12] = {0};
    int n;
    if (u->n == 0)
        return;
    memcpy(nonce, &u->count, sizeof u->count);
    u->count++;
    must(EVP_DigestUpdate(u->hash, u->frame, u->n) == 1, "hash");
    must(EVP_EncryptInit_ex(u->cipher, NULL, NULL, NULL, nonce) == 1 && EVP_EncryptUpdate(u->cipher, u->frame, &n, u->frame, (int)u->n) == 1 &&
             EVP_EncryptFinal_ex(u->cipher, u->frame + n, &n) == 1 && EVP_CIPHER_CTX_ctrl(u->cipher, EVP_CTRL_GCM_GET_TAG, TAG, u->frame + u->n) == 1,
         "seal");
    must(pwrite(u->fd, u->frame, u->n + TAG, u->pos) == (ssize_t)(u->n + TAG), "write");
    u->pos += (off_t)(u->n + TAG);
    u->n = 0;
}

uint8_t *upload_bare_space(struct upload_bare *u, size_t *ret_n)
{
    *ret_n = UPLOAD_BARE_FRAME - u->n;
    return u->frame + u->n;
}

void upload_bare_got(struct upload_bare *u, size_t n)
{
    u->n += n;
    if (u->n == UPLOAD_BARE_FRAME)
        flush(u);
}

void upload_bare_sync(struct upload_bare *u)
{
    flush(u);
    must(fdatasync(u->fd) == 0, "fdatasync");
}

void upload_bare_close(struct upload_bare *u)
{
    close(u->fd);
    EVP_MD_CTX_free(u->hash);
    EVP_CIPHER_CTX_free(u->cipher);
    free(u);
}

double cpu_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
