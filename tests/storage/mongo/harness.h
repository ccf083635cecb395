/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
struct harness;

const struct database *harness_database(const struct harness *harness);
