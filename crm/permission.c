/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/permission.h"
#include "crm/entities.h"
#include "crm/preference.h"
#include <assert.h>

enum { NONE = BF_SCOPE_NONE, OWN = BF_SCOPE_OWN, TEAM = BF_SCOPE_TEAM, ALL = BF_SCOPE_ALL };

#define ACT(name) (1u << BF_ACTION_##name)
#define SEE       (ACT(READ) | ACT(LIST))
#define WRITE     (ACT(CREATE) | ACT(CHANGE))

struct rule {
    enum bf_subject subject;
    unsigned actions;
    unsigned char scope[BF_ROLE_WORDS_N]; /* in the order of BF_ROLE_WORDS */
};

/*
 * Nobody deletes (CUS-44, FUP-13, AUD-03), and a visit, a verdict or a supplement is never changed (FUP-13, FUP-14, D-03,
 * G-21). Supervisors see the team to coach it: they change and move nothing of it (PER-29). Managers allocate (ROL-06) and correct
 * (CUS-45). Administrators keep accounts and numbers (new accounts, freezes and first passwords on the box: main/admin.h), and see no customers (PER-08, ROL-15). Service staff see every customer's head
 * (D-04). An auditor reads everything and changes nothing (G-11), but may end the sessions of the own phone when it was lost.
 */
/* clang-format off */
static const struct rule rules[] = {
    /*                                       rep   superv manager review service admin auditor */
    {BF_SUBJECT_TENANT, ACT(READ),          {ALL,  ALL,   ALL,    ALL,   ALL,    ALL,  ALL}},
    {BF_SUBJECT_TENANT, ACT(CHANGE),        {NONE, NONE,  NONE,   NONE,  NONE,   ALL,  NONE}},
    {BF_SUBJECT_TEAM, SEE,                  {NONE, TEAM,  ALL,    NONE,  NONE,   ALL,  ALL}},
    {BF_SUBJECT_TEAM, WRITE,                {NONE, NONE,  NONE,   NONE,  NONE,   ALL,  NONE}}, /* ACC-14 */
    {BF_SUBJECT_USER, SEE,                  {OWN,  TEAM,  ALL,    OWN,   OWN,    ALL,  ALL}},
    {BF_SUBJECT_USER, ACT(CHANGE),          {OWN,  OWN,   OWN,    OWN,   OWN,    ALL,  NONE}}, /* ACC-20; which rows: below */
    {BF_SUBJECT_CUSTOMER, ACT(CREATE),      {OWN,  OWN,   ALL,    NONE,  NONE,   NONE, NONE}},
    {BF_SUBJECT_CUSTOMER, SEE,              {OWN,  TEAM,  ALL,    NONE,  ALL,    NONE, ALL}},  /* PER-01, PER-03, PER-04, D-04 */
    {BF_SUBJECT_CUSTOMER, ACT(CHANGE),      {OWN,  OWN,   ALL,    NONE,  NONE,   NONE, NONE}},
    {BF_SUBJECT_CUSTOMER, ACT(TRANSFER),    {NONE, NONE,  ALL,    NONE,  NONE,   NONE, NONE}}, /* ROL-06, PER-29 */
    {BF_SUBJECT_CONTACT, SEE,               {OWN,  TEAM,  ALL,    NONE,  NONE,   NONE, ALL}},
    {BF_SUBJECT_CONTACT, WRITE,             {OWN,  OWN,   ALL,    NONE,  NONE,   NONE, NONE}},
    {BF_SUBJECT_VISIT, SEE,                 {OWN,  TEAM,  ALL,    NONE,  NONE,   NONE, ALL}},
    {BF_SUBJECT_VISIT, ACT(CREATE),         {OWN,  OWN,   OWN,    NONE,  NONE,   NONE, NONE}}, /* POL-01: one customer, one rep */
    {BF_SUBJECT_VERDICT, SEE,               {OWN,  TEAM,  ALL,    NONE,  NONE,   NONE, ALL}},
    {BF_SUBJECT_SUPPLEMENT, SEE,            {OWN,  TEAM,  ALL,    NONE,  NONE,   NONE, ALL}},
    {BF_SUBJECT_SUPPLEMENT, ACT(CREATE),    {OWN,  OWN,   OWN,    NONE,  NONE,   NONE, NONE}}, /* D-03 */
    {BF_SUBJECT_MEDIA, SEE,                 {OWN,  TEAM,  ALL,    NONE,  NONE,   NONE, ALL}},
    {BF_SUBJECT_TRANSCRIPT, SEE,            {OWN,  TEAM,  ALL,    NONE,  NONE,   NONE, ALL}},
    {BF_SUBJECT_TRANSCRIPT, ACT(CONFIRM) | ACT(RETRY),
                                            {OWN,  OWN,   OWN,    NONE,  NONE,   NONE, NONE}}, /* G-03 */
    {BF_SUBJECT_DEVICE, SEE,                {OWN,  OWN,   OWN,    OWN,   OWN,    ALL,  ALL}},
    {BF_SUBJECT_DEVICE, WRITE,              {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  NONE}},
    {BF_SUBJECT_DEVICE, ACT(REVOKE),        {OWN,  OWN,   OWN,    OWN,   OWN,    ALL,  OWN}},  /* ACC-08, ACC-10 */
    {BF_SUBJECT_REMINDER, SEE,              {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  ALL}},
    {BF_SUBJECT_REMINDER, WRITE | ACT(SNOOZE) | ACT(DONE) | ACT(CANCEL),
                                            {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  NONE}}, /* REM-02 */
    {BF_SUBJECT_TASK, SEE,                  {OWN,  TEAM,  ALL,    OWN,   OWN,    OWN,  ALL}},  /* REM-03 */
    {BF_SUBJECT_TASK, WRITE | ACT(CANCEL),  {OWN,  TEAM,  ALL,    OWN,   OWN,    OWN,  NONE}}, /* REM-02 */
    {BF_SUBJECT_TASK, ACT(DONE),            {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  NONE}},
    {BF_SUBJECT_NOTIFICATION, SEE,          {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  ALL}},
    {BF_SUBJECT_NOTIFICATION, ACT(CHANGE),  {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  NONE}}, /* that it was opened */
    {BF_SUBJECT_PREFERENCE, ACT(READ),      {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  ALL}},
    {BF_SUBJECT_PREFERENCE, ACT(CHANGE),    {OWN,  OWN,   OWN,    OWN,   OWN,    OWN,  NONE}},
    {BF_SUBJECT_CONTRACT, SEE,              {OWN,  TEAM,  ALL,    ALL,   NONE,   NONE, ALL}},  /* CON-04, PER-06 */
    {BF_SUBJECT_CONTRACT, WRITE,            {OWN,  OWN,   OWN,    NONE,  NONE,   NONE, NONE}}, /* CON-03 */
    {BF_SUBJECT_CONTRACT, ACT(CLAIM) | ACT(RELEASE) | ACT(NOTE) | ACT(APPROVE) | ACT(REJECT),
                                            {NONE, NONE,  NONE,   ALL,   NONE,   NONE, NONE}}, /* G-05 */
    {BF_SUBJECT_CONTRACT, ACT(REOPEN),      {NONE, NONE,  ALL,    ALL,   NONE,   NONE, NONE}}, /* G-05 */
    {BF_SUBJECT_REVIEW, SEE,                {OWN,  TEAM,  ALL,    ALL,   NONE,   NONE, ALL}},
    {BF_SUBJECT_POLICY, SEE,                {ALL,  ALL,   ALL,    ALL,   ALL,    ALL,  ALL}},  /* GOV-11 */
    {BF_SUBJECT_POLICY, ACT(CHANGE),        {NONE, NONE,  NONE,   NONE,  NONE,   ALL,  NONE}},
    {BF_SUBJECT_CALENDAR, ACT(READ),        {ALL,  ALL,   ALL,    ALL,   ALL,    ALL,  ALL}},  /* G-02 */
    {BF_SUBJECT_CALENDAR, ACT(CHANGE),      {NONE, NONE,  NONE,   NONE,  NONE,   ALL,  NONE}},
};
/* clang-format on */

static enum bf_scope scope_of(int role, enum bf_subject subject, enum bf_action action)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].subject == subject && (rules[i].actions & 1u << action))
            return rules[i].scope[role];
    return BF_SCOPE_NONE;
}

#define CLS(name) (1u << BF_C_##name)

/* PER-05, PER-06, PER-12: finance and contract data are for named posts; a person's phone is for who works with that person. */
static const unsigned shown[BF_ROLE_WORDS_N] = {
    [BF_ROLE_IS_REP] = CLS(NORMAL) | CLS(PERSONAL),
    [BF_ROLE_IS_SUPERVISOR] = CLS(NORMAL) | CLS(PERSONAL),
    [BF_ROLE_IS_MANAGER] = CLS(NORMAL) | CLS(PERSONAL) | CLS(FINANCE) | CLS(CONTRACT),
    [BF_ROLE_IS_REVIEWER] = CLS(NORMAL) | CLS(CONTRACT),
    [BF_ROLE_IS_SERVICE] = CLS(NORMAL),
    [BF_ROLE_IS_ADMIN] = CLS(NORMAL),
    [BF_ROLE_IS_AUDITOR] = CLS(NORMAL) | CLS(PERSONAL) | CLS(FINANCE) | CLS(CONTRACT),
};

/* One's own profile is one's own, and accounts are an administrator's work. Who sees a contract at all sees what it says: the rep wrote it, the reviewer
 * compares it (CON-04: it is the rows above that name the posts). */
static unsigned classes_of(int role, enum bf_subject subject)
{
    if (subject == BF_SUBJECT_CONTRACT)
        return CLS(NORMAL) | CLS(FINANCE) | CLS(CONTRACT);
    return subject == BF_SUBJECT_USER ? shown[role] | CLS(PERSONAL) : shown[role];
}

struct bf_permission bf_permission_of(int role, enum bf_subject subject, enum bf_action action)
{
    assert(role >= 0 && role < BF_ROLE_WORDS_N && subject < BF_SUBJECT_COUNT && action < BF_ACTION_COUNT);
    enum bf_scope scope = scope_of(role, subject, action);
    return (struct bf_permission){
        .scope = scope,
        .author_only = action == BF_ACTION_CONFIRM || action == BF_ACTION_RETRY,
        .show = scope == BF_SCOPE_NONE ? 0 : classes_of(role, subject),
    };
}

#define ROW(name) (UINT64_C(1) << (name))

/* ACC-20: what a person keeps current about the own person. */
static const uint64_t profile_rows = ROW(BF_USER_PHONE) | ROW(BF_USER_EMAIL) | ROW(BF_USER_TZ) | ROW(BF_USER_LANG);
/* Who leads names who stands in. */
static const uint64_t deputy_rows = ROW(BF_USER_DEPUTY) | ROW(BF_USER_AWAY_FROM) | ROW(BF_USER_AWAY_UNTIL);

static uint64_t rows_of_profile(int role)
{
    return role == BF_ROLE_IS_SUPERVISOR || role == BF_ROLE_IS_MANAGER ? profile_rows | deputy_rows : profile_rows;
}

uint64_t bf_permission_rows(int role, enum bf_subject subject, bool self)
{
    const struct bf_schema *schema = bf_subject_schema(subject);
    uint64_t rows = 0;
    assert(schema->n_fields <= 64);
    if (scope_of(role, subject, BF_ACTION_CHANGE) == BF_SCOPE_NONE)
        return 0;
    for (unsigned row = 0; row < schema->n_fields; row++)
        if ((schema->fields[row].flags & (BF_F_SERVER | BF_F_CREATE_ONLY)) == 0)
            rows |= ROW(row);
    if (subject == BF_SUBJECT_CUSTOMER)
        rows &= ~ROW(BF_CUSTOMER_OWNER); /* by transfer only (PER-29) */
    if (subject == BF_SUBJECT_USER && (self || role != BF_ROLE_IS_ADMIN))
        rows &= rows_of_profile(role); /* PER-21 */
    return rows;
}

const struct bf_schema *bf_subject_schema(enum bf_subject subject)
{
#define X(NAME, name) [BF_SUBJECT_##NAME] = &bf_##name##_schema,
    static const struct bf_schema *const schemas[] = {BF_SUBJECT_MAP(X)};
#undef X
    assert(subject < BF_SUBJECT_COUNT);
    return schemas[subject];
}

const char *bf_subject_name(enum bf_subject subject) { return bf_subject_schema(subject)->name; }

const char *bf_action_name(enum bf_action action)
{
#define X(NAME, name) #name,
    static const char *const names[] = {BF_ACTION_MAP(X)};
#undef X
    assert(action < BF_ACTION_COUNT);
    return names[action];
}

const char *bf_scope_name(enum bf_scope scope)
{
    static const char *const names[] = {"none", "own", "team", "all"};
    assert(scope <= BF_SCOPE_ALL);
    return names[scope];
}
