/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/ids.h"
#include <assert.h>

struct name {
    unsigned char b[400];
    size_t n;
};

static void add(struct name *name, const void *p, size_t n)
{
    assert(n <= sizeof name->b - name->n);
    if (n > 0)
        memcpy(name->b + name->n, p, n);
    name->n += n;
}

static struct name begin(const char *kind, const struct bf_uuid *tenant)
{
    struct name name = {.n = 0};
    add(&name, kind, strlen(kind) + 1);
    if (tenant != NULL)
        add(&name, tenant, sizeof *tenant);
    return name;
}

static struct bf_uuid end(const struct name *name) { return bf_uuid_from_name(name->b, name->n); }

static struct bf_uuid of_uuid(const char *kind, struct bf_uuid tenant, struct bf_uuid a)
{
    struct name name = begin(kind, &tenant);
    add(&name, &a, sizeof a);
    return end(&name);
}

static struct bf_uuid of_text(const char *kind, const struct bf_uuid *tenant, struct bf_str text)
{
    struct name name = begin(kind, tenant);
    struct bf_uuid digest = bf_uuid_from_name(text.p, text.n);
    add(&name, &digest, sizeof digest);
    return end(&name);
}

static struct bf_uuid of_period(const char *kind, struct bf_uuid tenant, const struct bf_uuid *of, int year, int part)
{
    struct name name = begin(kind, &tenant);
    uint8_t period[3] = {(uint8_t)(year >> 8), (uint8_t)year, (uint8_t)part};
    if (of != NULL)
        add(&name, of, sizeof *of);
    add(&name, period, sizeof period);
    return end(&name);
}

struct bf_uuid bf_id_policy(struct bf_uuid tenant)
{
    struct name name = begin("policy", &tenant);
    return end(&name);
}

struct bf_uuid bf_id_calendar(struct bf_uuid tenant, int year) { return of_period("calendar", tenant, NULL, year, 0); }

struct bf_uuid bf_id_login(struct bf_uuid tenant, struct bf_str login) { return of_text("login", &tenant, login); }

struct bf_uuid bf_id_tenant(struct bf_str code) { return of_text("tenant", NULL, code); }

struct bf_uuid bf_id_customer_name(struct bf_uuid tenant, struct bf_str folded_name)
{
    return of_text("customer name", &tenant, folded_name);
}

struct bf_uuid bf_id_number_counter(struct bf_uuid tenant, int year, int month)
{
    return of_period("customer number", tenant, NULL, year, month);
}

struct bf_uuid bf_id_week_counter(struct bf_uuid tenant, struct bf_uuid rep, int year, int week)
{
    return of_period("valid records", tenant, &rep, year, week);
}

struct bf_uuid bf_id_last_record(struct bf_uuid tenant, struct bf_uuid rep, struct bf_uuid customer)
{
    struct name name = begin("last record", &tenant);
    add(&name, &rep, sizeof rep);
    add(&name, &customer, sizeof customer);
    return end(&name);
}

struct bf_uuid bf_id_primary_contact(struct bf_uuid tenant, struct bf_uuid customer) { return of_uuid("primary contact", tenant, customer); }

struct bf_uuid bf_id_capture(struct bf_uuid tenant, struct bf_uuid device) { return of_uuid("capture", tenant, device); }

struct bf_uuid bf_id_verdict(struct bf_uuid tenant, struct bf_uuid visit, bool from_transcript)
{
    return of_uuid(from_transcript ? "verdict on transcript" : "verdict", tenant, visit);
}

struct bf_uuid bf_id_transcript(struct bf_uuid tenant, struct bf_uuid media) { return of_uuid("transcript", tenant, media); }

struct bf_uuid bf_id_cadence(struct bf_uuid tenant, struct bf_uuid customer) { return of_uuid("cadence", tenant, customer); }

struct bf_uuid bf_id_reminder_of_task(struct bf_uuid tenant, struct bf_uuid task) { return of_uuid("reminder of task", tenant, task); }

struct bf_uuid bf_id_reminder_of_visit(struct bf_uuid tenant, struct bf_uuid visit) { return of_uuid("reminder", tenant, visit); }

struct bf_uuid bf_id_digest(struct bf_uuid tenant, struct bf_uuid user, int kind, struct bf_str date)
{
    struct name name = begin("digest", &tenant);
    uint8_t word = (uint8_t)kind;
    add(&name, &user, sizeof user);
    add(&name, &word, sizeof word);
    add(&name, date.p, date.n);
    return end(&name);
}

struct bf_uuid bf_id_digest_job(struct bf_uuid tenant, struct bf_uuid user, struct bf_str date_and_zone)
{
    struct name name = begin("digest job", &tenant);
    add(&name, &user, sizeof user);
    add(&name, date_and_zone.p, date_and_zone.n);
    return end(&name);
}

struct bf_uuid bf_id_idle_talk(struct bf_uuid tenant, struct bf_uuid rep) { return of_uuid("idle talk", tenant, rep); }

struct bf_uuid bf_id_talk(struct bf_uuid tenant, struct bf_uuid rep, int64_t since_ms)
{
    struct name name = begin("talk", &tenant);
    uint8_t since[8];
    for (int i = 0; i < 8; i++)
        since[i] = (uint8_t)((uint64_t)since_ms >> (56 - 8 * i));
    add(&name, &rep, sizeof rep);
    add(&name, since, sizeof since);
    return end(&name);
}
