/* SPDX-License-Identifier: Apache-2.0 */
/* Which channels there are, and what of them the configuration sets up: Web Push, webhooks and robots always, mail when it names a server. */
#include "core/config.h"
#include "core/http_client.h"
#include "crm/contact_means.h"
#include "push/internal.h"

const struct bf_channel *const bf__channels[BF__WAYS] = {[BF__WEBPUSH] = &bf_channel_webpush,
                                                         [BF__SMTP] = &bf_channel_smtp,
                                                         [BF__WEBHOOK] = &bf_channel_webhook,
                                                         [BF__WECOM] = &bf_channel_wecom};

const struct bf_config_row bf__mail_rows[] = {
    {.section = "mail", .key = "server", .type = BF_CF_STR, .def = "", .min = 0, .max = 300, .unit = "",
     .prose = "smtp://HOST:PORT (STARTTLS) or smtps://HOST:PORT; empty: no mail is sent"},
    {.section = "mail", .key = "from", .type = BF_CF_STR, .def = "", .min = 0, .max = 120, .unit = "", .prose = "the address that mail comes from"},
    {.section = "mail", .key = "name", .type = BF_CF_STR, .def = "拜访", .min = 1, .max = 60, .unit = "", .prose = "the name beside it"},
    {.section = "mail", .key = "user", .type = BF_CF_STR, .def = "", .min = 0, .max = 200, .unit = "",
     .prose = "the mail server's user name; empty: it wants none"},
    {.section = "mail", .key = "password", .type = BF_CF_SECRET, .min = 0, .max = 200, .unit = "", .prose = "its password"},
    {.section = "mail", .key = "tls", .type = BF_CF_BOOL, .def = "yes", .unit = "",
     .prose = "no: messages and password go out in the clear, for a mail server on this box only"},
};
const unsigned bf__mail_n_rows = sizeof bf__mail_rows / sizeof *bf__mail_rows;

static bool is_public_url(struct bf_str url)
{
    return bf_str_starts(url, BF_STR("https://")) && url.p[url.n - 1] != '/' && bf_client_check_url(NULL, url.p, BF_URL_CONFIG, NULL) == BF_OK;
}

enum bf_status bf__ways_check(const struct bf_config *config, struct bf_error *e)
{
    struct bf_str server = bf_config_str(config, "mail", "server"), wecom = bf_config_str(config, "push", "wecom_url");
    struct bf_str public_url = bf_config_str(config, "push", "public_url");
    bool is_mail = bf_str_starts(server, BF_STR("smtp://")) || bf_str_starts(server, BF_STR("smtps://"));
    if (bf_client_check_url(NULL, wecom.p, BF_URL_CONFIG, e) != BF_OK)
        return bf_fail(e, BF_E_CONFIG, "push.wecom_url: not a URL");
    if (public_url.n > 0 && !is_public_url(public_url))
        return bf_fail(e, BF_E_CONFIG, "push.public_url: an https URL without a slash at its end");
    if (server.n == 0)
        return BF_OK;
    if (!is_mail || bf_client_check_url(NULL, server.p, BF_URL_CONFIG, NULL) != BF_OK)
        return bf_fail(e, BF_E_CONFIG, "mail.server: smtp://HOST:PORT or smtps://HOST:PORT");
    if (!bf_email_is_valid(bf_config_str(config, "mail", "from")))
        return bf_fail(e, BF_E_CONFIG, "mail.from: the address that mail comes from");
    if (public_url.n == 0)
        return bf_fail(e, BF_E_CONFIG, "push.public_url: mail carries a link by which it is ended, so it must say where this server is found");
    return BF_OK;
}

enum bf_status bf__ways_open(struct bf_push *push, struct bf_error *e)
{
    const struct bf_config *config = push->ctx->config;
    struct bf_arena *arena = bf_arena_create();
    struct bf_channel_ctx ctx = {.env = push->ctx->env,
                                 .client = push->ctx->client,
                                 .key_file = bf_config_str(config, "push", "vapid_key_file"),
                                 .subject = bf_config_str(config, "push", "vapid_subject"),
                                 .mail_server = bf_config_str(config, "mail", "server"),
                                 .mail_from = bf_config_str(config, "mail", "from"),
                                 .mail_user = bf_config_str(config, "mail", "user"),
                                 .mail_password = bf_config_str(config, "mail", "password"),
                                 .mail_plain = !bf_config_bool(config, "mail", "tls"),
                                 .wecom_url = bf_config_str(config, "push", "wecom_url")};
    struct bf_key key;
    bool derived = ctx.key_file.n == 0 && bf_store_is_shared(push->ctx->store); /* the same for all processes of the store, wherever they run */
    if (derived)
        bf_store_derive_key(push->ctx->store, "web push", &key);
    ctx.key = derived ? &key : NULL;
    if (ctx.key_file.n == 0)
        ctx.key_file = bf_strz(bf_arena_printf(arena, "%s/vapid.key", bf_config_str(config, "server", "data").p));
    bool missing = !derived && bf__vapid_key_is_missing(ctx.key_file.p);
    enum bf_status status = bf__ways_check(config, e);
    for (unsigned way = 0; status == BF_OK && way < BF__WAYS; way++)
        if (way != BF__SMTP || ctx.mail_server.n > 0)
            status = bf__channels[way]->open(&ctx, &push->ways[way], e);
    if (status == BF_OK && missing)
        status = bf__vapid_key_made(push->ctx, ctx.key_file.p, e);
    if (status != BF_OK)
        bf__ways_close(push);
    if (derived)
        bf_key_wipe(&key);
    bf_arena_destroy(&arena);
    return status;
}

void bf__ways_close(struct bf_push *push)
{
    for (unsigned way = 0; way < BF__WAYS; way++)
        if (push->ways[way] != NULL)
            bf__channels[way]->close(push->ways[way]);
}
