/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http/internal.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

static enum bf_status fail(SSL_CTX *ctx, const char *what, const char *path, struct bf_error *e)
{
    char why[120];
    unsigned long error = ERR_get_error();
    ERR_error_string_n(error, why, sizeof why);
    ERR_clear_error();
    SSL_CTX_free(ctx);
    if (ERR_SYSTEM_ERROR(error)) /* it may be there on the next try */
        return bf_fail_errno(e, BF_E_IO, ERR_GET_REASON(error), "%s %s", what, path);
    return bf_fail(e, BF_E_CONFIG, "%s %s: %s", what, path, why);
}

enum bf_status bf__tls_create(const char *cert_path, const char *key_path, SSL_CTX **ret, struct bf_error *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL)
        abort();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    /* an idle connection keeps no record buffers, and no session is kept for one that ended: tickets carry their own state */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    h2o_ssl_register_alpn_protocols(ctx, h2o_alpn_protocols);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
        return fail(ctx, "certificate", cert_path, e);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
        return fail(ctx, "private key", key_path, e);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return fail(ctx, "the private key does not belong to the certificate", cert_path, e);
    *ret = ctx;
    return BF_OK;
}
