/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what (PER-01 to PER-10, D-04, D-05, G-11, the ROL rows): one table of entity x action with a scope per role, one function that
 * reads it. What is not in the table is not allowed (PER-08). Scope is about the record: own (its owner or user is the caller), team (its
 * team is the caller's or below it), all. Applying it to records, queries and grants is access/'s. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"

#define BF_SUBJECT_MAP(X)                                                                                                                  \
    X(TENANT, tenant)                                                                                                                      \
    X(TEAM, team)                                                                                                                          \
    X(USER, user)                                                                                                                          \
    X(CUSTOMER, customer)                                                                                                                  \
    X(CONTACT, contact)                                                                                                                    \
    X(VISIT, visit)                                                                                                                        \
    X(VERDICT, verdict)                                                                                                                    \
    X(SUPPLEMENT, supplement)                                                                                                              \
    X(MEDIA, media)                                                                                                                        \
    X(TRANSCRIPT, transcript)                                                                                                              \
    X(DEVICE, device)                                                                                                                      \
    X(REMINDER, reminder)                                                                                                                  \
    X(NOTIFICATION, notification)                                                                                                          \
    X(PREFERENCE, preference)                                                                                                            \
    X(TASK, task)                                                                                                                               \
    X(CONTRACT, contract)                                                                                                                   \
    X(REVIEW, review)                                                                                                                       \
    X(POLICY, policy)                                                                                                                      \
    X(CALENDAR, calendar)

/* transfer: give a customer another owner. confirm: a transcript, or write it. retry: ask for a transcript again. revoke: a device and its
 * sessions. claim to reopen: of a contract's review (G-05); note: a draft or a mark. */
#define BF_ACTION_MAP(X)                                                                                                                   \
    X(CREATE, create)                                                                                                                      \
    X(READ, read)                                                                                                                          \
    X(LIST, list)                                                                                                                          \
    X(CHANGE, change)                                                                                                                      \
    X(DELETE, delete)                                                                                                                      \
    X(TRANSFER, transfer)                                                                                                                  \
    X(CONFIRM, confirm)                                                                                                                    \
    X(RETRY, retry)                                                                                                                        \
    X(SNOOZE, snooze)                                                                                                                      \
    X(DONE, done)                                                                                                                          \
    X(CANCEL, cancel)                                                                                                                      \
    X(REVOKE, revoke)                                                                                                                       \
    X(CLAIM, claim)                                                                                                                         \
    X(RELEASE, release)                                                                                                                     \
    X(NOTE, note)                                                                                                                           \
    X(APPROVE, approve)                                                                                                                     \
    X(REJECT, reject)                                                                                                                       \
    X(REOPEN, reopen)

#define X(NAME, name) BF_SUBJECT_##NAME,
enum bf_subject { BF_SUBJECT_MAP(X) BF_SUBJECT_COUNT };
#undef X
#define X(NAME, name) BF_ACTION_##NAME,
enum bf_action { BF_ACTION_MAP(X) BF_ACTION_COUNT };
#undef X

enum bf_scope { BF_SCOPE_NONE, BF_SCOPE_OWN, BF_SCOPE_TEAM, BF_SCOPE_ALL };

struct bf_permission {
    enum bf_scope scope;
    bool author_only; /* and only to the person who wrote the visit (FUP-14): confirm and retry */
    unsigned show;    /* bits 1 << BF_C_...: field classes an answer shows (PER-05, PER-06, PER-12) */
};

/* `role`: BF_ROLE_IS_.... */
struct bf_permission bf_permission_of(int role, enum bf_subject subject, enum bf_action action);

/* The rows of the subject's schema that this role may set in a change: bit n is row n. `self`: the record is the caller's own user; nobody
 * changes the own rights (PER-21), everybody keeps the own profile (ACC-20). 0 when the role may not change the subject. */
uint64_t bf_permission_rows(int role, enum bf_subject subject, bool self);

const struct bf_schema *bf_subject_schema(enum bf_subject subject);
const char *bf_subject_name(enum bf_subject subject);
const char *bf_action_name(enum bf_action action);
const char *bf_scope_name(enum bf_scope scope);
