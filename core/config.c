/* SPDX-License-Identifier: Apache-2.0 */
/* The file is read whole and checked to be text before libinih sees it, so that line numbers are ours and no line is cut. */
#include "core/config.h"
#include "core/config_value.h"
#include "core/text.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, LINE_MAX_BYTES = 4096, VALUE_FILE_MAX = 64 * 1024 };

struct bf_config {
    struct bf_config_value *values;
    unsigned n;
};

/* ---- files ---- */

/* The content with a NUL behind it, in memory to be wiped and freed by the caller. */
static enum bf_status read_text(const char *path, size_t max, struct bf_str *ret, struct bf_error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_CONFIG, errno, "%s", path);
    char *text = malloc(max + 2);
    size_t n = 0;
    ssize_t got = 0;
    if (text == NULL)
        abort();
    while (n <= max && (got = read(fd, text + n, max + 1 - n)) > 0)
        n += (size_t)got;
    int failed = got < 0 ? errno : 0;
    close(fd);
    text[n <= max ? n : max] = '\0';
    enum bf_status status = BF_OK;
    if (failed != 0)
        status = bf_fail_errno(e, BF_E_CONFIG, failed, "%s", path);
    else if (n > max)
        status = bf_fail(e, BF_E_CONFIG, "%s: larger than %zu bytes", path, max);
    else if (!bf_text_is_utf8(bf_str(text, n)))
        status = bf_fail(e, BF_E_CONFIG, "%s: not UTF-8 text", path);
    if (status != BF_OK) {
        bf__config_free_text(text, n);
        return status;
    }
    *ret = bf_str(text, n);
    return BF_OK;
}

enum bf_status bf_config_read_value(const char *path, struct bf_str *ret, struct bf_error *e)
{
    struct bf_str text;
    enum bf_status status = read_text(path, VALUE_FILE_MAX, &text, e);
    if (status != BF_OK)
        return status;
    size_t n = text.n;
    n -= n > 0 && text.p[n - 1] == '\n';
    n -= n > 0 && n < text.n && text.p[n - 1] == '\r';
    ((char *)(uintptr_t)text.p)[n] = '\0';
    *ret = bf_str(text.p, n);
    return BF_OK;
}

void bf_config_free_value(struct bf_str *value)
{
    if (value->p != NULL)
        bf__config_free_text((char *)(uintptr_t)value->p, value->n);
    *value = bf_str(NULL, 0);
}

static enum bf_status set_from_file(struct bf_config_value *v, const char *path, struct bf_error *e)
{
    struct bf_str text;
    enum bf_status status = bf_config_read_value(path, &text, e);
    if (status != BF_OK)
        return status;
    status = bf__config_set(v, text, e);
    bf_config_free_value(&text);
    return status;
}

/* ---- the table ---- */

static struct bf_config_value *find(const struct bf_config *config, const char *section, const char *key, size_t key_n)
{
    for (unsigned i = 0; i < config->n; i++) {
        const struct bf_config_row *row = config->values[i].row;
        if (strcmp(row->section, section) == 0 && strlen(row->key) == key_n && memcmp(row->key, key, key_n) == 0)
            return &config->values[i];
    }
    return NULL;
}

static bool has_section(const struct bf_config *config, const char *section)
{
    for (unsigned i = 0; i < config->n; i++)
        if (strcmp(config->values[i].row->section, section) == 0)
            return true;
    return false;
}

static struct bf_config *create(const struct bf_config_row *const *tables, const unsigned *n_rows, unsigned n_tables)
{
    struct bf_config *config = calloc(1, sizeof *config);
    unsigned n = 0;
    for (unsigned t = 0; t < n_tables; t++)
        n += n_rows[t];
    if (config == NULL || (config->values = calloc(n + 1, sizeof *config->values)) == NULL)
        abort();
    for (unsigned t = 0; t < n_tables; t++)
        for (unsigned i = 0; i < n_rows[t]; i++) {
            const struct bf_config_row *row = &tables[t][i];
            assert(find(config, row->section, row->key, strlen(row->key)) == NULL);
            bf__config_init(&config->values[config->n++], row);
        }
    return config;
}

/* ---- the INI file ---- */

struct parse {
    struct bf_config *config;
    const char *path;
    struct bf_str rest;
    int line;
    struct bf_error error; /* the first one */
};

static char *next_line(char *out, int max, void *stream)
{
    struct parse *p = stream;
    if (p->rest.n == 0 || p->error.status != BF_OK)
        return NULL;
    const char *end = memchr(p->rest.p, '\n', p->rest.n);
    size_t n = end == NULL ? p->rest.n : (size_t)(end - p->rest.p) + 1;
    p->line++;
    if (n + 3 > (size_t)max) {
        bf_fail(&p->error, BF_E_CONFIG, "%s:%d: line is longer than %d bytes", p->path, p->line, max - 3);
        return NULL;
    }
    memcpy(out, p->rest.p, n);
    out[n] = '\0';
    p->rest = bf_str(p->rest.p + n, p->rest.n - n);
    return out;
}

/* Puts file and line before the cause. */
static int refuse(struct parse *p, const struct bf_error *why)
{
    if (p->error.status == BF_OK)
        bf_fail(&p->error, BF_E_CONFIG, "%s:%d: %s", p->path, p->line, why->cause);
    return 0;
}

static int take(struct parse *p, struct bf_config_value *v, bool from_file, const char *text)
{
    struct bf_error why;
    enum bf_status status;
    if (v->line != 0)
        status = bf_fail(&why, BF_E_CONFIG, "%s.%s was already given in line %d", v->row->section, v->row->key, v->line);
    else if (from_file && text[0] == '\0')
        status = BF_OK; /* as in the sample: not set */
    else if (from_file)
        status = set_from_file(v, text, &why);
    else if (v->row->type == BF_CF_SECRET)
        status = bf_fail(&why, BF_E_CONFIG, "%s.%s is a secret: give %s_file = PATH or set %s", v->row->section, v->row->key, v->row->key,
                         v->variable);
    else if (v->row->type == BF_CF_URI && bf_config_has_password(bf_strz(text)))
        status = bf_fail(&why, BF_E_CONFIG, "%s.%s holds a password: give %s_file = PATH or set %s", v->row->section, v->row->key, v->row->key,
                         v->variable);
    else
        status = bf__config_set(v, bf_strz(text), &why);
    v->line = p->line;
    return status == BF_OK ? 1 : refuse(p, &why);
}

static int on_pair(void *user, const char *section, const char *key, const char *text)
{
    static const char suffix[] = "_file";
    struct parse *p = user;
    struct bf_error why;
    size_t n = strlen(key), s = sizeof suffix - 1;
    if (p->error.status != BF_OK)
        return 0;
    struct bf_config_value *v = find(p->config, section, key, n);
    if (v != NULL)
        return take(p, v, false, text);
    if (n > s && strcmp(key + n - s, suffix) == 0 && (v = find(p->config, section, key, n - s)) != NULL)
        return take(p, v, true, text);
    if (has_section(p->config, section))
        bf_fail(&why, BF_E_CONFIG, "there is no key %s in section [%s]", key, section);
    else
        bf_fail(&why, BF_E_CONFIG, "there is no section [%s] (key %s)", section, key);
    return refuse(p, &why);
}

/* libinih keeps its options in variables of its own. A continued line or a cut comment would change a value silently: both are off. */
static void set_inih_options(void)
{
    ini_max_line = LINE_MAX_BYTES;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
}

static enum bf_status parse_text(struct bf_config *config, const char *path, struct bf_str text, struct bf_error *e)
{
    struct parse p = {.config = config, .path = path, .rest = text};
    set_inih_options();
    int line = ini_parse_stream(next_line, &p, on_pair, &p);
    if (p.error.status != BF_OK)
        return bf_fail(e, BF_E_CONFIG, "%s", p.error.cause);
    if (line != 0)
        return bf_fail(e, BF_E_CONFIG, "%s:%d: neither [section] nor key = value", path, line);
    return BF_OK;
}

static enum bf_status parse_file(struct bf_config *config, const char *path, struct bf_error *e)
{
    struct bf_str text;
    enum bf_status status = read_text(path, FILE_MAX, &text, e);
    if (status != BF_OK)
        return status;
    status = parse_text(config, path, text, e);
    bf__config_free_text((char *)(uintptr_t)text.p, text.n);
    return status;
}

static enum bf_status take_environment(struct bf_config *config, struct bf_error *e)
{
    for (unsigned i = 0; i < config->n; i++) {
        struct bf_config_value *v = &config->values[i];
        const char *text = getenv(v->variable);
        struct bf_error why;
        if (text == NULL)
            continue;
        if (!bf_text_is_utf8(bf_strz(text)))
            return bf_fail(e, BF_E_CONFIG, "environment variable %s: not UTF-8 text", v->variable);
        if (bf__config_set(v, bf_strz(text), &why) != BF_OK)
            return bf_fail(e, BF_E_CONFIG, "environment variable %s: %s", v->variable, why.cause);
    }
    return BF_OK;
}

enum bf_status bf_config_load(const char *path, const struct bf_config_row *const *tables, const unsigned *n_rows, unsigned n_tables,
                              struct bf_config **ret, struct bf_error *e)
{
    struct bf_config *config = create(tables, n_rows, n_tables);
    enum bf_status status = path == NULL ? BF_OK : parse_file(config, path, e);
    if (status == BF_OK)
        status = take_environment(config, e);
    if (status != BF_OK) {
        bf_config_destroy(&config);
        return status;
    }
    *ret = config;
    return BF_OK;
}

void bf_config_destroy(struct bf_config **config)
{
    if (config == NULL || *config == NULL)
        return;
    for (unsigned i = 0; i < (*config)->n; i++)
        bf__config_finish(&(*config)->values[i]);
    free((*config)->values);
    free(*config);
    *config = NULL;
}

static const struct bf_config_value *declared(const struct bf_config *config, const char *section, const char *key)
{
    const struct bf_config_value *v = find(config, section, key, strlen(key));
    assert(v != NULL);
    return v;
}

int64_t bf_config_int(const struct bf_config *config, const char *section, const char *key)
{
    const struct bf_config_value *v = declared(config, section, key);
    assert(v->row->type == BF_CF_INT);
    return v->i;
}

bool bf_config_bool(const struct bf_config *config, const char *section, const char *key)
{
    const struct bf_config_value *v = declared(config, section, key);
    assert(v->row->type == BF_CF_BOOL);
    return v->i != 0;
}

struct bf_str bf_config_str(const struct bf_config *config, const char *section, const char *key)
{
    const struct bf_config_value *v = declared(config, section, key);
    assert(v->row->type != BF_CF_INT && v->row->type != BF_CF_BOOL);
    return bf_str(v->text, v->n);
}
