/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9457 problem documents. */
#include "core/http/internal.h"
#include "core/json.h"

static void write_fields(struct bf_jw *w, const struct bf_error *e, enum bf_lang lang)
{
    bf_jw_key(w, "errors");
    bf_jw_array(w);
    for (unsigned i = 0; i < e->n_fields; i++) {
        bf_jw_object(w);
        bf_jw_key(w, "pointer");
        bf_jw_str(w, bf_strz(e->fields[i].pointer));
        bf_jw_key(w, "code");
        bf_jw_str(w, bf_strz(e->fields[i].code));
        bf_jw_key(w, "detail");
        bf_jw_str(w, bf_strz(lang == BF_LANG_EN ? e->fields[i].detail : bf_field_words(e->fields[i].code, lang)));
        bf_jw_end_object(w);
    }
    bf_jw_end_array(w);
}

void bf__problem_write(struct bf_buf *out, const struct bf_error *e, struct bf_str current, enum bf_lang lang, const char *trace)
{
    struct bf_jw w;
    char type[80];
    int status = bf_status_http(e->status);
    int n = snprintf(type, sizeof type, "urn:baifang:problem:%s", bf_status_code(e->status));
    bf_jw_init(&w, out);
    bf_jw_object(&w);
    bf_jw_key(&w, "type");
    bf_jw_str(&w, bf_str(type, (size_t)n));
    bf_jw_key(&w, "title");
    bf_jw_str(&w, bf_strz(bf_status_title(e->status, lang)));
    bf_jw_key(&w, "status");
    bf_jw_int(&w, status);
    bf_jw_key(&w, "code");
    bf_jw_str(&w, bf_strz(bf_status_code(e->status)));
    /* causes are written in English; what went wrong inside is for the log alone */
    if (status < 500 || e->status == BF_E_UNAVAILABLE) {
        bf_jw_key(&w, "detail");
        bf_jw_str(&w, lang == BF_LANG_EN && e->cause[0] != '\0' ? bf_strz(e->cause) : bf_strz(bf_status_title(e->status, lang)));
    }
    if (e->n_fields > 0)
        write_fields(&w, e, lang);
    bf_jw_key(&w, "trace_id");
    bf_jw_str(&w, bf_strz(trace));
    if (current.n > 0) {
        bf_jw_key(&w, "current");
        bf_jw_raw(&w, current);
    }
    bf_jw_end_object(&w);
}
