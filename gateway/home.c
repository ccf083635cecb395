/* SPDX-License-Identifier: Apache-2.0 */
/* GET /: a plain page in both languages that says what runs here. */
#include "core/crypto.h"
#include "gateway/routes.h"

#define STYLE                                                                                                                            \
    ":root{color-scheme:light dark}body{font:16px/1.6 system-ui,\"Noto Sans CJK SC\",sans-serif;max-width:42rem;margin:12vh auto;padding:0 1.2rem}" \
    "h1{font-size:1.9rem;margin:0 0 .4rem}h1 small{font-weight:400;opacity:.6}p{margin:.6rem 0}code{font:.9em ui-monospace,monospace}" \
    "hr{border:0;border-top:1px solid;opacity:.15;margin:1.6rem 0}"

#ifdef BF_WEB
#define CONSOLE_ZH "<p><a href=\"/console\">打开工作台</a></p>"
#define CONSOLE_EN "<p><a href=\"/console\">Open the console</a></p>"
#else
#define CONSOLE_ZH ""
#define CONSOLE_EN ""
#endif

static const char page[] =
    "<!doctype html>\n"
    "<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<title>拜访 Baifang</title>"
    "<style>" STYLE "</style></head><body>"
    "<h1>拜访 <small>Baifang " BF_VERSION "</small></h1>"
    "<p>外勤销售客户管理系统的移动后端正在运行。手机应用请使用公司代码、用户名和密码登录。</p>"
    CONSOLE_ZH
    "<p>接口说明：<a href=\"/openapi.json\"><code>/openapi.json</code></a>　运行状态：<a href=\"/readyz\"><code>/readyz</code></a></p>"
    "<hr><div lang=\"en\"><p>The mobile backend of a CRM for field sales is running. Sign in from the phone app with company, user name and password.</p>"
    CONSOLE_EN
    "<p>API: <a href=\"/openapi.json\"><code>/openapi.json</code></a>; state: <a href=\"/readyz\"><code>/readyz</code></a></p></div>"
    "</body></html>\n";

/* The page's one style is allowed by its hash (CSP Level 3, section 6.7.2). */
static const char *policy(struct bf_call *call)
{
    uint8_t hash[32];
    char text[48];
    bf_sha256(STYLE, sizeof STYLE - 1, hash);
    bf_base64url(hash, sizeof hash, text);
    for (char *p = text; *p != '\0'; p++)
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    return bf_arena_printf(call->arena, "default-src 'none'; style-src 'sha256-%s='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", text);
}

static void home(struct bf_call *call, void *service)
{
    const struct bf_header headers[] = {
        {.name = "content-type", .value = BF_STR("text/html; charset=utf-8")},
        {.name = "content-security-policy", .value = bf_strz(policy(call))},
    };
    (void)service;
    bf_reply(call->req, 200, headers, 2, bf_str(page, sizeof page - 1));
}

const struct bf_endpoint bf__home = {.run = home};
