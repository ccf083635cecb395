/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads enter at the same time, as many clients do: what they submit together shares a transaction and its sync, which one thread, that waits for
 * each, would pay for each. Each enters a person with all of the person's records, then the next: the keys of a transaction lie together then, where those of all
 * people in the order of time lie all over the trees.
 */
#include "tests/bench/push/company.h"
#include "access/directory.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/thread.h"
#include "crm/ids.h"
#include "storage/commit.h"
#include <stdio.h>
#include <stdlib.h>

enum { FILLERS = 64, AT_ONCE = 90, CUSTOMERS = 10, OVERDUE = 2, TEAM_OF = 10, MANAGERS = 50 };
static const int64_t hour_ms = 3600000, day_ms = 24 * hour_ms, monday_ms = INT64_C(1773621000000);

struct put {
    const struct bf_collection *coll;
    struct bf_doc *doc;
};

/* A thread that enters every FILLERSth of each kind, from `first` on. */
struct filler {
    pthread_t thread;
    const struct bf_env *env;
    struct bf_store *store;
    const struct company *company;
    unsigned first;
    struct bf_uuid tenant;
    struct bf_arena *arena;
    struct put puts[AT_ONCE];
    unsigned n;
};

int64_t company_monday_ms(void) { return monday_ms; }

int64_t company_sunday_ms(void) { return monday_ms - 20 * hour_ms; }

static struct bf_uuid id_of(const char *kind, unsigned i, unsigned k)
{
    char name[64];
    return bf_uuid_from_name(name, (size_t)snprintf(name, sizeof name, "%s %u %u", kind, i, k));
}

struct bf_uuid company_tenant(void) { return bf_id_tenant(BF_STR(COMPANY_CODE)); }

struct bf_uuid company_user(unsigned i) { return id_of("user", i, 0); }

/* ---- submitting ---- */

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct filler *f = ctx;
    (void)arena;
    (void)e;
    for (unsigned i = 0; i < f->n; i++)
        bf_decision_put(d, f->puts[i].coll, f->puts[i].doc);
    bf_decision_receipt(d, 200, bf_str("", 0), bf_view_tenant(view));
    return BF_OK;
}

static void flush(struct filler *f)
{
    struct bf_read reads[AT_ONCE];
    struct bf_receipt receipt;
    struct bf_error e = {0};
    for (unsigned i = 0; i < f->n; i++)
        reads[i] = (struct bf_read){.coll = f->puts[i].coll, .id = f->puts[i].doc->id};
    struct bf_submission s = {.tenant = f->tenant, .reads = reads, .n_reads = f->n, .decide = decide, .ctx = f};
    bf_random(f->env, &s.request, sizeof s.request);
    if (f->n > 0 && bf_submit_wait(f->store, &s, f->arena, &receipt, &e) != BF_OK) {
        fprintf(stderr, "company: %s\n", e.cause);
        exit(1);
    }
    bf_arena_reset(f->arena);
    f->n = 0;
}

static struct bf_object *put(struct filler *f, const struct bf_collection *coll, struct bf_uuid id)
{
    if (f->n == AT_ONCE)
        flush(f);
    struct bf_doc *doc = bf_doc_create(f->arena, coll->schema, f->tenant, id);
    f->puts[f->n++] = (struct put){coll, doc};
    return &doc->object;
}

/* ---- what a company is made of ---- */

static int role_of(unsigned i) { return i < MANAGERS ? BF_ROLE_IS_MANAGER : i % TEAM_OF == 0 ? BF_ROLE_IS_SUPERVISOR : BF_ROLE_IS_REP; }

/* Managers share the first team: a company has a thousand at most. */
static struct bf_uuid team_of(unsigned i) { return id_of("team", i < MANAGERS ? 0 : i / TEAM_OF, 0); }

static void put_team(struct filler *f, struct bf_uuid team)
{
    struct bf_object *o = put(f, &bf_teams, team);
    struct bf_value *path = bf_arena_calloc(f->arena, 1, sizeof *path);
    path[0] = (struct bf_value){.type = BF_T_UUID, .uuid = team};
    bf_set_str(o, BF_TEAM_NAME, BF_STR("组"));
    bf_set_array(o, BF_TEAM_PATH, path, 1);
}

static void put_person(struct filler *f, unsigned i)
{
    struct bf_object *o = put(f, &bf_users, company_user(i));
    bf_set_str(o, BF_USER_LOGIN, bf_strz(bf_arena_printf(f->arena, "u%u", i)));
    bf_set_str(o, BF_USER_NAME, BF_STR("王小明"));
    bf_set_enum(o, BF_USER_ROLE, role_of(i));
    bf_set_uuid(o, BF_USER_TEAM, team_of(i));
    bf_set_enum(o, BF_USER_STATUS, BF_USER_STATUS_IS_ACTIVE);
    bf_set_int(o, BF_USER_CREATED_AT, monday_ms - 400 * day_ms);
}

static void put_customer(struct filler *f, unsigned i, unsigned k)
{
    struct bf_uuid id = id_of("customer", i, k);
    struct bf_object *o = put(f, &bf_cadences, bf_id_cadence(f->tenant, id));
    bf_set_uuid(o, BF_CADENCE_CUSTOMER, id);
    bf_set_uuid(o, BF_CADENCE_OWNER, company_user(i));
    bf_set_uuid(o, BF_CADENCE_TEAM, team_of(i));
    bf_set_int(o, BF_CADENCE_DUE_AT, monday_ms + (k < OVERDUE ? -day_ms : 10 * day_ms));
    o = put(f, &bf_customers, id);
    bf_set_str(o, BF_CUSTOMER_NAME, BF_STR("海河贸易有限公司"));
    bf_set_str(o, BF_CUSTOMER_SORT, BF_STR("haihe"));
    bf_set_uuid(o, BF_CUSTOMER_OWNER, company_user(i));
}

/* As a phone makes them: in the order of time. */
static struct bf_uuid visit_id(unsigned v, int64_t at)
{
    struct bf_uuid id = id_of("visit", v, 0);
    for (unsigned i = 0; i < 6; i++)
        id.b[i] = (uint8_t)(at >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0f));
    return id;
}

/* The last one is of the Sunday. */
static void put_visit(struct filler *f, unsigned v)
{
    const struct company *c = f->company;
    unsigned i = v % c->people;
    int64_t at = monday_ms - (int64_t)((double)(c->visits - 1 - v) / c->visits * c->days * (double)day_ms) - 9 * hour_ms;
    struct bf_uuid id = visit_id(v, at), owner = company_user(i);
    struct bf_object *o = put(f, &bf_visits, id);
    bf_set_uuid(o, BF_VISIT_OWNER, owner);
    bf_set_uuid(o, BF_VISIT_REP, owner);
    bf_set_uuid(o, BF_VISIT_TEAM, team_of(i));
    bf_set_str(o, BF_VISIT_CONTENT, BF_STR("客户确认下季度采购两台设备，预算已批"));
    bf_set_int(o, BF_VISIT_HAPPENED_AT, at);
    o = put(f, &bf_verdicts, bf_id_verdict(f->tenant, id, false));
    bf_set_uuid(o, BF_VERDICT_VISIT, id);
    bf_set_uuid(o, BF_VERDICT_OWNER, owner);
    bf_set_enum(o, BF_VERDICT_VALIDITY, BF_VALIDITY_IS_VALID);
    bf_set_int(o, BF_VERDICT_JUDGED_AT, at);
}

/* ---- all of it ---- */

static void *fill(void *arg)
{
    struct filler *f = arg;
    const struct company *c = f->company;
    for (unsigned i = f->first; i < c->people; i += FILLERS) {
        if (i == 0 || (i >= MANAGERS && i % TEAM_OF == 0))
            put_team(f, team_of(i));
        put_person(f, i);
        for (unsigned k = 0; k < CUSTOMERS && role_of(i) == BF_ROLE_IS_REP; k++)
            put_customer(f, i, k);
        for (unsigned v = i; v < c->visits; v += c->people)
            put_visit(f, v);
    }
    flush(f);
    bf_arena_destroy(&f->arena);
    return NULL;
}

void company_fill(const struct bf_env *env, struct bf_store *store, const struct company *company)
{
    struct filler *fillers = calloc(FILLERS, sizeof *fillers);
    for (unsigned i = 0; fillers != NULL && i < FILLERS; i++)
        fillers[i] = (struct filler){.env = env, .store = store, .company = company, .first = i, .tenant = company_tenant(), .arena = bf_arena_create()};
    if (fillers == NULL)
        abort();
    for (unsigned i = 0; i < FILLERS; i++)
        if (bf_thread_start(&fillers[i].thread, "filler", fill, &fillers[i]) != 0)
            abort();
    for (unsigned i = 0; i < FILLERS; i++)
        pthread_join(fillers[i].thread, NULL);
    free(fillers);
}
