/* SPDX-License-Identifier: Apache-2.0 */
/* Ids made from what they stand for: the same thing has the same id, in every process and at every retry. The tenant is in each, so that
 * equal ids of two tenants never meet. */
#pragma once
#include "core/uuid.h"

struct bf_uuid bf_id_policy(struct bf_uuid tenant);                                      /* the tenant's one policy document */
struct bf_uuid bf_id_calendar(struct bf_uuid tenant, int year);                          /* what the company keeps of a year (G-02) */
struct bf_uuid bf_id_login(struct bf_uuid tenant, struct bf_str login);                  /* key: a user name (ACC-01) */
struct bf_uuid bf_id_tenant(struct bf_str code);                                         /* a tenant's own id, from its code */
struct bf_uuid bf_id_customer_name(struct bf_uuid tenant, struct bf_str folded_name);    /* key: a customer's name (CUS-12) */
struct bf_uuid bf_id_primary_contact(struct bf_uuid tenant, struct bf_uuid customer);     /* key: which contact is the primary one (CUS-08) */
struct bf_uuid bf_id_number_counter(struct bf_uuid tenant, int year, int month);         /* serials of customer numbers (G-22) */
struct bf_uuid bf_id_week_counter(struct bf_uuid tenant, struct bf_uuid rep, int year, int week); /* valid records of a week (FUP-15) */
struct bf_uuid bf_id_last_record(struct bf_uuid tenant, struct bf_uuid rep, struct bf_uuid customer); /* rep's last text on a customer (G-20) */
struct bf_uuid bf_id_capture(struct bf_uuid tenant, struct bf_uuid device);
struct bf_uuid bf_id_verdict(struct bf_uuid tenant, struct bf_uuid visit, bool from_transcript);
struct bf_uuid bf_id_transcript(struct bf_uuid tenant, struct bf_uuid media);
struct bf_uuid bf_id_reminder_of_visit(struct bf_uuid tenant, struct bf_uuid visit);
struct bf_uuid bf_id_cadence(struct bf_uuid tenant, struct bf_uuid customer);
struct bf_uuid bf_id_reminder_of_task(struct bf_uuid tenant, struct bf_uuid task);
/* What one is told of a kind (BF_NOTIFICATION_KIND_IS_DIGEST_DAILY ...) on a local date ("2026-11-27"): told once (G-12). */
struct bf_uuid bf_id_digest(struct bf_uuid tenant, struct bf_uuid user, int kind, struct bf_str date);
struct bf_uuid bf_id_digest_job(struct bf_uuid tenant, struct bf_uuid user, struct bf_str date_and_zone);
struct bf_uuid bf_id_idle_talk(struct bf_uuid tenant, struct bf_uuid rep);                 /* counter: when the last talk task was made (D-02) */
struct bf_uuid bf_id_talk(struct bf_uuid tenant, struct bf_uuid rep, int64_t since_ms);    /* the task of an idle spell */
