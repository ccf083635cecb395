// SPDX-License-Identifier: Apache-2.0
// The pages of the console. A page is a module whose default export is a component, loaded when it is opened:
//   { path: "/review", label: "nav.review", load: () => import("#console/review.js"), roles: ["reviewer"] }
// `label` is a key of messages; `roles` says who is shown it (all, without; the server judges each request anyway); `nav: false` keeps it out of the
// navigation; `wide: true` gives it the whole width and no padding.
import { useWords } from "#lib/i18n.js";

const OVERSEE = ["manager", "supervisor", "auditor"];
const withLabels = async (module) => (await Promise.all([module, useWords("exceptions", "labels")]))[0];
const record = () => withLabels(import("#console/record.js"));

export const routes = [
  { path: "/exceptions", label: "nav.exceptions", load: () => withLabels(import("#console/exceptions.js")), roles: OVERSEE },
  { path: "/review", label: "nav.review", load: () => import("#console/review.js"), roles: ["reviewer", "manager"], wide: true },
  { path: "/customers", label: "record.customer", load: record, roles: OVERSEE, nav: false },
  { path: "/visits", label: "record.visit", load: record, roles: OVERSEE, nav: false },
  { path: "/tasks", label: "record.task", load: record, roles: OVERSEE, nav: false },
  { path: "/contracts", label: "record.contract", load: record, roles: OVERSEE, nav: false },
  { path: "/account", label: "account.title", load: () => import("#console/account.js"), nav: false },
];

const isFor = (route, role) => !route.roles || route.roles.includes(role);

export const navigation = (role) => routes.filter((route) => route.nav !== false && isFor(route, role));

/** The route of a location's hash; where there is none, the first page of the role. */
export function routeOf(hash, role) {
  const path = hash.replace(/^#/, "").split("?")[0];
  const found = routes.find((route) => (path === route.path || path.startsWith(`${route.path}/`)) && isFor(route, role));
  return found ?? routes.find((route) => isFor(route, role));
}
