/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a first start, so that nothing is ever served without TLS. P-256, 825 days. */
#include "core/http/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { DAYS = 825, NAME_MAX_ = 64 };

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool set_names(X509 *cert)
{
    char host[NAME_MAX_] = "", names[NAME_MAX_ + 64];
    X509_NAME *name = X509_get_subject_name(cert);
    bool has_host = gethostname(host, sizeof host - 1) == 0 && host[0] != '\0' &&
                    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == strlen(host);
    snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s", has_host ? ",DNS:" : "", has_host ? host : "");
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Baifang", -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 && add_extension(cert, NID_subject_alt_name, names) &&
           add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") && add_extension(cert, NID_ext_key_usage, "serverAuth");
}

static bool set_serial(const struct bf_env *env, X509 *cert)
{
    unsigned char bytes[16];
    bf_random(env, bytes, sizeof bytes);
    bytes[0] &= 0x7f;
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return ok;
}

static X509 *make_certificate(const struct bf_env *env, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    time_t now = (time_t)(bf_now_ms(env) / 1000);
    if (cert != NULL && X509_set_version(cert, 2) == 1 && set_serial(env, cert) &&
        X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, &now) != NULL &&
        X509_time_adj_ex(X509_getm_notAfter(cert), DAYS - 1, 0, &now) != NULL && X509_set_pubkey(cert, key) == 1 && set_names(cert) &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static enum bf_status write_pem(const char *path, mode_t mode, EVP_PKEY *key, X509 *cert, struct bf_error *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL)
        return bf_fail_errno(e, BF_E_IO, errno, "making %s", path);
    bool ok = key != NULL ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 : PEM_write_X509(f, cert) == 1;
    ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
    int saved = errno;
    fclose(f);
    if (ok)
        return BF_OK;
    unlink(path);
    return bf_fail_errno(e, BF_E_IO, saved, "writing %s", path);
}

static enum bf_status make_pair(const struct bf_env *env, const char *cert_path, const char *key_path, struct bf_error *e)
{
    bool has_cert = access(cert_path, F_OK) == 0, has_key = access(key_path, F_OK) == 0;
    if (has_cert && has_key)
        return BF_OK;
    if (has_cert)
        return bf_fail(e, BF_E_CONFIG, "%s is there, but not its key %s", cert_path, key_path);
    /* a key without a certificate is what a start that was cut short leaves */
    if (has_key && unlink(key_path) != 0)
        return bf_fail_errno(e, BF_E_IO, errno, "replacing %s", key_path);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key == NULL ? NULL : make_certificate(env, key);
    enum bf_status status =
        cert == NULL ? bf_fail(e, BF_E_INTERNAL, "OpenSSL could not make a certificate") : write_pem(key_path, 0600, key, NULL, e);
    if (status == BF_OK)
        status = write_pem(cert_path, 0644, NULL, cert, e);
    X509_free(cert);
    EVP_PKEY_free(key);
    return status;
}

/* Several processes of one box may start at the same time: one makes the pair, the others wait for it and take it. The directory is the lock. */
static int lock_directory_of(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

enum bf_status bf__self_signed(const struct bf_env *env, const char *cert_path, const char *key_path, struct bf_error *e)
{
    int lock = lock_directory_of(key_path);
    if (lock < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "locking the directory of %s", key_path);
    enum bf_status status = make_pair(env, cert_path, key_path, e);
    close(lock);
    return status;
}
