// SPDX-License-Identifier: Apache-2.0
// Money as the API has it, {minor, currency} (G-17), and as people write it. Never through a binary fraction.
import { lang } from "#lib/i18n.js";

/** How many digits a currency has behind the point; null: there is no such currency. */
export function digitsOf(currency) {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  } catch {
    return null;
  }
}

/** "123400.00" */
export function decimalOf({ minor, currency }) {
  const digits = digitsOf(currency) ?? 0;
  const text = String(minor).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

/** "¥123,400.00" */
export function formatMoney(money) {
  try {
    return new Intl.NumberFormat(lang.value, { style: "currency", currency: money.currency }).format(decimalOf(money));
  } catch {
    return `${money.minor} ${money.currency}`;
  }
}

/** What was typed ("123,400.5"), in minor units; null: no amount of that currency. */
export function minorOf(text, currency) {
  const digits = digitsOf(currency);
  const parts = /^(\d{1,15})(?:\.(\d*))?$/.exec(text.normalize("NFKC").replace(/[\s,]/g, ""));
  if (digits === null || !parts || (parts[2] ?? "").length > digits) {
    return null;
  }
  const minor = Number(parts[1] + (parts[2] ?? "").padEnd(digits, "0"));
  return Number.isSafeInteger(minor) ? minor : null;
}
