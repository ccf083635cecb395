// SPDX-License-Identifier: Apache-2.0
// What stands beside the list when a contract is open. Fetched for itself: over a slow line the list is there before it.
export { Facts } from "#console/review_facts.js";
export { Pages } from "#console/review_pages.js";
export { Verdict } from "#console/review_verdict.js";
