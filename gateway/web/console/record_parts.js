// SPDX-License-Identifier: Apache-2.0
// What pages that name records share: where a record's page is, the words of the server's schema, the way back.
import { session } from "#lib/api.js";
import { isSaid, t } from "#lib/i18n.js";
import { navigation } from "#console/routes.js";

/** A contract is read where it is reviewed, by whom that page is for. */
export function hrefOf(type, id) {
  const reviews = type === "contract" && navigation(session.value?.user.role).some((page) => page.path === "/review");
  return reviews ? `#/review/${id}` : `#/${type}s/${id}`;
}

/** The label of a word of an enum: wordOf("customer.grade", "A"). One that is not known here is shown as it is. */
export const wordOf = (field, word) => (isSaid(`label.${field}.${word}`) ? t(`label.${field}.${word}`) : word);

/** The label of a field: labelOf("customer.grade"). */
export const labelOf = (field) => t(`label.${field}`);

let from = "#/exceptions";
/** From a record one goes back to the list as it was. */
export const comeFrom = (hash) => {
  from = hash;
};
export const backTo = () => from;
