/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the labels of records that pages show, from the schema tables, for tools/build-web: {"zh-CN": {"label.customer.grade": "客户等级", ...}, "en": ...}.
 * A word of an enum stands below its field: "label.task.state.open". Runs while the program is built. */
#include "core/json.h"
#include "crm/entities.h"
#include <stdio.h>

enum { LABELS_MAX = 1 << 20, KEY_MAX = 200 };

static const struct bf_schema *const shown[] = {&bf_customer_schema, &bf_contact_schema,  &bf_visit_schema,   &bf_next_step_schema,   &bf_verdict_schema,
                                                &bf_task_schema,     &bf_contract_schema, &bf_rejection_schema, &bf_transcript_schema, &bf_digest_line_schema};

static void label(struct bf_jw *w, const char *key, bool english, const char *zh, const char *en)
{
    bf_jw_key(w, key);
    bf_jw_str(w, bf_strz(english ? en : zh));
}

static void write_field(struct bf_jw *w, const struct bf_schema *schema, const struct bf_field *field, bool english)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, "label.%s.%s", schema->name, field->name);
    label(w, key, english, field->zh, field->en);
    for (unsigned i = 0; field->words != NULL && i < field->words->n_words; i++) {
        const struct bf_word *word = &field->words->words[i];
        snprintf(key, sizeof key, "label.%s.%s.%s", schema->name, field->name, word->word);
        label(w, key, english, word->zh, word->en);
    }
}

static void write_language(struct bf_jw *w, const char *name, bool english)
{
    bf_jw_key(w, name);
    bf_jw_object(w);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        for (unsigned k = 0; k < shown[i]->n_fields; k++)
            if ((shown[i]->fields[k].flags & (BF_F_HIDDEN | BF_F_WRITE_ONLY)) == 0)
                write_field(w, shown[i], &shown[i]->fields[k], english);
    bf_jw_end_object(w);
}

int main(void)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, LABELS_MAX);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    write_language(&w, "zh-CN", false);
    write_language(&w, "en", true);
    bf_jw_end_object(&w);
    struct bf_str json = bf_buf_str(&out);
    bool written = fwrite(json.p, 1, json.n, stdout) == json.n && fflush(stdout) == 0;
    bf_buf_finish(&out);
    return written ? 0 : 1;
}
