// SPDX-License-Identifier: Apache-2.0
// What the reviewer reads on the paper, as it is typed: a form of strings, and the draft that it makes.
import { t } from "#lib/i18n.js";
import { decimalOf, minorOf } from "#lib/money.js";

const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const formOfFacts = ({ number, amount, signed_on, parties }, reason) => ({ number, amount: decimalOf(amount), currency: amount.currency, signed_on, parties: parties.join("\n"), reason });

/** What the fields show to begin with: the draft, where there is one, over what the rep typed. */
export const formOf = (doc) => formOfFacts({ ...doc, ...doc.draft }, doc.draft?.reason ?? "");

/** What the rep typed. */
export const typedBy = (doc) => formOfFacts(doc, "");

export const isChanged = (doc, form) => !same(formOf(doc), form);

/** Does it say something else than the rep? */
export const differs = (doc, form) => !same({ ...typedBy(doc), reason: form.reason }, form);

/** {body} of the draft, holding what differs; or {faults}: words by JSON pointer. */
export function bodyOf(doc, form) {
  const body = {};
  const currency = form.currency.trim().toUpperCase();
  const minor = minorOf(form.amount, currency);
  const facts = { number: form.number.trim(), amount: { minor, currency }, signed_on: form.signed_on.trim(), parties: linesOf(form.parties) };
  if (minor === null) {
    return { faults: { "/amount": t("review.faulty_amount") } };
  }
  for (const [name, value] of Object.entries(facts)) {
    if (!same(value, name === "amount" ? { minor: doc.amount.minor, currency: doc.amount.currency } : doc[name])) {
      body[name] = value;
    }
  }
  if (Object.keys(body).length > 0) {
    if (!form.reason.trim()) {
      return { faults: { "/reason": t("review.faulty_reason") } };
    }
    body.reason = form.reason.trim();
  }
  return { body };
}
