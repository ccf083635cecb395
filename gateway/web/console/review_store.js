// SPDX-License-Identifier: Apache-2.0
// What the review page knows: the queue as it is now, the contract that is open, what was typed into it. The server decides; this asks it and follows.
import { computed, signal } from "@preact/signals";
import { get, post, session, verb } from "#lib/api.js";
import { t } from "#lib/i18n.js";
import { follow } from "#lib/live.js";
import { bodyOf, formOf, isChanged } from "#console/review_draft.js";
import { closePictures, wantPicture } from "#console/review_pictures.js";
import { announce } from "#lib/ui.js";

const FIRST = 10, LIMIT = 50; // rows at once: what a screen shows, for the first paint (tools/build-web asks for it ahead); then as many as are read
const LEFT_MAX = 100, RENEW_MS = 3 * 60_000, SAID_MS = 6000, TICK_MS = 30_000;

const me = () => session.value?.user.id;
export const isReviewer = () => session.value?.user.role === "reviewer";

/** {items: [{contract, overdue, claimable}], names, waiting, reviewed_today, next}; null until it was read. */
export const queue = signal(null);
export const queueProblem = signal(null);
/** Only the team with this id; "": all. */
export const team = signal("");
/** The id of the contract that is open; null: none. */
export const selected = signal(null);
/** What was read of contracts: id -> contract. */
const details = signal(new Map());
export const contract = computed(() => details.value.get(selected.value) ?? null);
export const problem = signal(null);
/** The verb that is under way. */
export const busy = signal(null);
/** What was typed: id -> form; kept until the server has it. */
const forms = signal(new Map());
/** The same of rejections: {code, note}. */
export const rejections = new Map();
let typist = null; // whose all that is
export const now = signal(Date.now());
/** The last result, for those who see it; announce() tells the others. */
export const said = signal("");
/** The page that is shown, by its place, and the earlier version of it that is looked at (null: none), beside the present one where there is room. */
export const pageAt = signal(0);
export const version = signal(null);
export const beside = signal(false);
/** The reason panel is open; the mark that is meant. */
export const rejecting = signal(false);
export const activeMark = signal(null);
/** The mark to be brought into the middle: a new object each time. */
export const look = signal(null);
/** What is opened next should get the focus; who gives it says so by false. */
export const arrival = signal(false);

export const nameOf = (id) => contract.value?.names?.[id] ?? queue.value?.names[id] ?? "";

// ---- results ----

let saidTimer;
export function say(words) {
  announce(words);
  said.value = words;
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => (said.value = ""), SAID_MS);
}

// ---- the queue ----

const isHeld = (doc) => doc.state === "in_review";
export const isMine = (doc) => isHeld(doc) && doc.reviewer === me();
const isReserved = (doc) => doc.reserved_for && doc.reserved_for !== me() && Date.parse(doc.reserved_until) > now.value;

/** As the server judges it; from an event, where it has not. */
const itemOf = (doc) => ({ contract: doc, claimable: isReviewer() && (isHeld(doc) ? isMine(doc) : !isReserved(doc) && doc.uploader !== me()) });
export const isOverdue = (item) => Date.parse(item.contract.due_at) < now.value;

const left = new Map(); // what went out of the list last: id -> revision; its own event, and an older list, tell nothing new

function leave({ id, rev }) {
  left.delete(id);
  left.set(id, rev);
  if (left.size > LEFT_MAX) {
    left.delete(left.keys().next().value);
  }
}

let reading = null, readAgain = false;

/** Reads the queue from its beginning, as far as it was shown; asked meanwhile, once more after that. */
export function loadQueue(limit = LIMIT) {
  readAgain = reading !== null;
  reading ??= readQueue(limit).finally(() => {
    reading = null;
    if (readAgain) {
      loadQueue();
    }
  });
  return reading;
}

async function readQueue(limit) {
  const wanted = team.value;
  const filter = wanted ? `&team=${wanted}` : "";
  try {
    let read = (await get(`/v1/review_queue?limit=${limit}${filter}`)).data;
    while (read.next && read.items.length < (queue.value?.items.length ?? 0)) { // also of what was asked for meanwhile
      read = joined(read, (await get(`/v1/review_queue?limit=${limit}${filter}&after=${encodeURIComponent(read.next)}`)).data);
    }
    if (wanted === team.value) {
      queue.value = latest(read);
      queueProblem.value = null;
      catchUp();
    } else {
      readAgain = true;
    }
  } catch (cause) {
    queueProblem.value = cause;
  }
}

/** An answer, with what happened while it was on its way. */
function latest(read) {
  const shown = new Map(queue.value?.items.map((item) => [item.contract.id, item]));
  const stays = read.items.filter(({ contract: { id, rev } }) => (left.get(id) ?? -1) < rev);
  const items = stays.map((item) => (shown.get(item.contract.id)?.contract.rev > item.contract.rev ? shown.get(item.contract.id) : item));
  const names = items.every((item, i) => item === stays[i]) ? read.names : { ...queue.value.names, ...read.names };
  return { ...read, items, names, waiting: read.waiting - read.items.length + items.length };
}

/** The open contract, where the list knows more of it than was read. */
function catchUp() {
  const open = contract.value;
  const listed = open && queue.value.items.find((item) => item.contract.id === open.id)?.contract;
  if (listed ? listed.rev > open.rev : open && !team.value && !queue.value.next && ["uploaded", "in_review"].includes(open.state)) {
    load(open.id);
  }
}

const joined = (a, b) => ({ ...b, items: [...a.items, ...b.items.filter((item) => !a.items.some((one) => one.contract.id === item.contract.id))], names: { ...a.names, ...b.names } });

export async function loadMore() {
  const wanted = team.value;
  const filter = wanted ? `&team=${wanted}` : "";
  try {
    const { data } = await get(`/v1/review_queue?limit=${LIMIT}${filter}&after=${encodeURIComponent(queue.value.next)}`);
    if (queue.value && wanted === team.value) {
      queue.value = joined(queue.value, data);
    }
  } catch (cause) {
    queueProblem.value = cause;
  }
}

export function filterBy(id) {
  team.value = id;
  loadQueue();
}

/** Puts a contract as it is now where it is listed. False: the list is to be read again: it is not listed, or not all that the list says of it is known. */
function placed(doc) {
  const at = queue.value.items.findIndex((item) => item.contract.id === doc.id);
  const known = [doc.customer, doc.uploader, isHeld(doc) && doc.reviewer, doc.reserved_for].every((id) => !id || id === me() || queue.value.names[id]);
  if (at < 0 || !known) {
    return (left.get(doc.id) ?? 0) >= doc.rev;
  }
  if ((queue.value.items[at].contract.rev ?? 0) > doc.rev) {
    return true;
  }
  const stays = doc.state === "uploaded" || doc.state === "in_review";
  if (!stays) {
    leave(doc);
  }
  const items = stays ? queue.value.items.with(at, itemOf(doc)) : queue.value.items.toSpliced(at, 1);
  queue.value = { ...queue.value, items, waiting: queue.value.waiting - (stays ? 0 : 1) };
  return !queue.value.next || items.length >= LIMIT / 2; // a list that goes on is read again before it is worked off
}

function onChange({ type, id, doc, gone }) {
  if (type !== "contract" || !queue.value) {
    return;
  }
  const open = details.value.get(id);
  if (gone || !placed(doc)) {
    loadQueue();
  }
  if (open && (gone || doc.rev > open.rev)) {
    if (gone) {
      forget(id);
    } else {
      keep({ ...partsOf(open), ...doc });
    }
    if (id === selected.value) {
      load(id);
    } else {
      forget(id);
    }
  }
}

/** Follows the server until the function that it returns is called. */
export function begin() {
  if (typist !== me()) { // somebody else sat down here
    forms.value = new Map();
    rejections.clear();
    typist = me();
  }
  const end = follow({ begin: loadQueue, change: onChange, lost: loadQueue });
  loadQueue(FIRST); // without waiting for the stream
  const timer = setInterval(() => (now.value = Date.now()), TICK_MS);
  return () => {
    end();
    clearInterval(timer);
    closePictures();
    details.value = new Map();
    queue.value = selected.value = null;
    left.clear();
  };
}

// ---- one contract ----

/** What only its own answer tells. */
const partsOf = ({ media_states, reviews, awaited, names, etag }) => ({ media_states, reviews, awaited, names, etag });

function keep(read) {
  details.value = new Map(details.value).set(read.id, read);
}

function forget(id) {
  const rest = new Map(details.value);
  rest.delete(id);
  details.value = rest;
}

async function load(id) {
  try {
    const { data, etag } = await get(`/v1/contracts/${id}`);
    if ((details.value.get(id)?.rev ?? 0) <= data.rev) {
      keep({ ...data, etag });
    }
    return data;
  } catch (cause) {
    if (id === selected.value) {
      problem.value = cause;
    }
    return null;
  }
}

export const pictureOf = (doc, media, variant = "large") => `/v1/contracts/${doc.id}/media/${media}/${variant}`;

/** The next one is here before it is asked for: what it says and its first page. */
async function prefetch() {
  const id = nextOf(selected.value);
  const next = id && (details.value.get(id) ?? (await load(id)));
  if (next) {
    wantPicture(pictureOf(next, next.pages[0].media));
  }
}

/** Opens a contract. `focus`: whoever works goes on there. */
export async function open(id, { focus = false } = {}) {
  if (id !== selected.value) {
    selected.value = id;
    problem.value = activeMark.value = look.value = version.value = null;
    rejecting.value = false;
    pageAt.value = 0;
  }
  arrival.value ||= focus;
  if (!id) {
    return;
  }
  const listed = queue.value?.items.find((item) => item.contract.id === id)?.contract.rev ?? Infinity;
  if ((details.value.get(id)?.rev ?? -1) < listed) {
    await load(id);
  }
  details.value = new Map([...details.value].filter(([one]) => one === selected.value || forms.value.has(one))); // a day's contracts do not pile up
  await prefetch();
}

/** The nearest one after `id` that one may work on, or the first such one; null: there is none. */
export function nextOf(id) {
  const items = queue.value?.items ?? [];
  const at = items.findIndex((item) => item.contract.id === id);
  const may = (item) => item.claimable && item.contract.id !== id;
  return (items.slice(at + 1).find(may) ?? items.find(may))?.contract.id ?? null;
}

/** One down (1) or up (-1). */
export function step(by) {
  const items = queue.value?.items ?? [];
  const at = items.findIndex((item) => item.contract.id === selected.value);
  const to = items[at < 0 ? 0 : at + by];
  if (to) {
    open(to.contract.id, { focus: true });
  }
}

export function turnPage(by) {
  const to = pageAt.value + by;
  if (contract.value?.pages[to]) {
    showPage(to);
  }
}

export function showPage(at) {
  pageAt.value = at;
  version.value = null;
}

export function showMark(mark) {
  const at = contract.value.pages.findIndex((page) => page.media === mark.media);
  if (at >= 0 && at !== pageAt.value) {
    showPage(at);
  }
  activeMark.value = mark.id;
  look.value = { id: mark.id };
}

// ---- what was typed ----

export const formOfOpen = computed(() => contract.value && (forms.value.get(contract.value.id) ?? formOf(contract.value)));
export const unsaved = computed(() => contract.value !== null && forms.value.has(contract.value.id) && isChanged(contract.value, formOfOpen.value));
export const anyUnsaved = () => [...forms.value].some(([id, form]) => details.value.has(id) && isChanged(details.value.get(id), form));

export function type(field, value) {
  forms.value = new Map(forms.value).set(contract.value.id, { ...formOfOpen.value, [field]: value });
}

export function dropForm(id = contract.value?.id) {
  const rest = new Map(forms.value);
  rest.delete(id);
  forms.value = rest;
}

// ---- verbs ----

/** The record as it is after a verb, or as a refusal shows it. */
function take(doc, etag) {
  const open = details.value.get(doc.id);
  if (open && open.rev <= doc.rev) { // an event may have told more already
    keep({ ...partsOf(open), ...doc, ...(etag && { etag }) });
  }
  if (queue.value && !placed(doc)) {
    loadQueue();
  }
}

/** Somebody else was faster, or the claim is over: says so; where there is nothing left to do, goes on. What was typed stays. */
async function refused(id, cause) {
  problem.value = cause;
  if (!cause.current) {
    return;
  }
  take(cause.current);
  const doc = (await load(id)) ?? cause.current;
  const who = doc.names?.[doc.reviewer] ?? "";
  const theirs = doc.state !== "uploaded" && doc.reviewer !== me();
  if (theirs && who) {
    await goOn(t(isHeld(doc) ? "review.held_by_said" : "review.decided_by_said", { who }));
  } else if (doc.reserved_for && isReserved(doc)) {
    await goOn(t("review.reserved_said", { who: doc.names?.[doc.reserved_for] ?? "" }));
  } else if (doc.state === "uploaded") {
    problem.value = null;
    say(t("review.lost_said"));
  }
}

async function goOn(words) {
  await open(nextOf(selected.value), { focus: true });
  say(words);
}

const NOTES = new Set(["mark", "unmark", "draft"]);
let running = null;

/**
 * One verb on the open contract, one at a time: the record after it, or null. A claim, and what is noted on the way to a verdict, is waited for: the page may
 * know what came of it before the answer is here. What comes while anything else is under way is dropped, so that a key pressed twice decides once. `ifSame`:
 * only if the contract is still what is shown.
 */
export async function act(name, body, ifSame = false) {
  const { id } = contract.value ?? {};
  while (NOTES.has(busy.value) || (busy.value === "claim" && name !== "claim")) {
    await running;
  }
  if (!id || busy.value || contract.value?.id !== id) {
    return null;
  }
  running = perform(id, name, body, ifSame ? contract.value.etag : undefined);
  return running;
}

async function perform(id, name, body, etag) {
  busy.value = name;
  problem.value = null;
  try {
    const answer = await verb(`/v1/contracts/${id}/${name}`, body, etag);
    renewedAt = Date.now();
    take(answer.data, answer.etag);
    return answer.data;
  } catch (cause) {
    if (cause.status === undefined) {
      throw cause;
    }
    await refused(id, cause);
    return null;
  } finally {
    busy.value = null;
  }
}

export async function claim() {
  if (await act("claim")) {
    say(t("review.claimed_said"));
  }
}

export async function release() {
  if (isMine(contract.value ?? {}) && (await act("release"))) {
    say(t("review.released_said"));
  }
}

/** Holds the open contract, or says that it must be claimed first. */
export function holds() {
  const mine = contract.value !== null && isMine(contract.value);
  if (contract.value && !mine) {
    say(t("review.claim_first"));
  }
  return mine;
}

/** False when it was refused. What was typed is the form's until the server has it. */
export async function saveDraft() {
  const { body, faults } = bodyOf(contract.value, formOfOpen.value);
  if (faults) {
    problem.value = { status: 422, message: t("review.faulty"), fields: faults };
    return false;
  }
  const { id } = contract.value;
  const saved = await act("draft", body);
  if (saved) {
    dropForm(id);
  }
  return saved !== null;
}

/** At least so many were reviewed today: a list that was read meanwhile may know it already, one that is on its way not yet. */
function count(done) {
  queue.value = queue.value && { ...queue.value, reviewed_today: Math.max(queue.value.reviewed_today, done) };
  if (reading) {
    loadQueue();
  }
}

async function decide(name, body, words) {
  const next = nextOf(selected.value), before = queue.value?.reviewed_today ?? 0;
  const doc = await act(name, body, true);
  if (doc) {
    dropForm(doc.id);
    count(before + 1);
    open(next, { focus: true });
    say(t(words, { number: doc.number }));
  }
  return doc !== null;
}

export async function approve() {
  if (!rejecting.value && holds() && (!unsaved.value || (await saveDraft()))) {
    await decide("approve", undefined, "review.approved_said");
  }
}

export const reject = (body) => decide("reject", body, "review.rejected_said");

export async function reopen(reason) {
  if (await act("reopen", { reason })) {
    say(t("review.reopened_said"));
  }
}

// ---- the claim is kept by whoever works ----

let renewedAt = 0;

/** Called at each key and touch: renews the claim, at most every few minutes. */
export async function active() {
  const doc = contract.value;
  if (!doc || !isMine(doc) || busy.value || Date.now() - renewedAt < RENEW_MS) {
    return;
  }
  renewedAt = Date.now();
  try {
    const { claimed_until } = (await post(`/v1/contracts/${doc.id}/renew`)).data;
    const open = details.value.get(doc.id);
    if (open && isMine(open)) {
      keep({ ...open, claimed_until });
    }
  } catch (cause) {
    if (cause.current) {
      await refused(doc.id, cause);
    } else if (cause.status === 409) {
      await load(doc.id);
      say(t("review.lost_said"));
    } else {
      renewedAt = 0; // at the next key again
      problem.value = cause;
    }
  }
}
