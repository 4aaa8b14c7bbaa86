// The messages of one channel: in order, kept at the end, walked through with the arrow keys.

import { say } from "./announce.js";
import { byId, el } from "./dom.js";
import { drawMessage, summary } from "./messages.js";

const NEAR_THE_END = 120;
const list = byId("messages"), box = byId("scroller");
let atEnd = true;

export function startFeed() {
  box.addEventListener("scroll", () => watchEnd(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_THE_END), { passive: true });
  const follow = new ResizeObserver(() => atEnd && toEnd());
  follow.observe(list);
  follow.observe(box);
  list.addEventListener("keydown", walk);
  list.addEventListener("focusin", (event) => makeCurrent(event.target.closest(".message")));
  byId("to-newest").addEventListener("click", focusNewest);
  byId("skip-to-newest").addEventListener("click", (event) => {
    event.preventDefault();
    focusNewest();
  });
}

export function clearFeed() {
  list.replaceChildren();
  watchEnd(true);
}

// All that is to be seen, in place of what is there; what has not changed stays, so a track plays on.
export function showHistory(messages, scene, actions) {
  const kept = new Set(messages.map((one) => `m-${one.id}`));
  for (const node of [...list.children]) if (!kept.has(node.id)) node.remove();
  for (const message of messages) put(message, scene, actions);
  byId("empty").hidden = messages.length > 0;
  if (!list.contains(document.activeElement)) makeCurrent(list.lastElementChild);
  toEnd();
}

export function placeMessage(message, scene, actions) {
  const before = byId(`m-${message.id}`)?.message;
  const node = put(message, scene, actions);
  byId("empty").hidden = true;
  // Edits of a card that shows progress are not read out; an answer that was awaited is.
  if (!before || (before.loading && !message.loading)) say(summary(node, message, scene));
  if (!before && !list.contains(document.activeElement)) makeCurrent(node);
}

function put(message, scene, actions) {
  const old = byId(`m-${message.id}`);
  const node = drawMessage(message, scene, actions, old);
  if (!old) list.insertBefore(node, firstAfter(message.id));
  return node;
}

// Nearly always nothing comes later, so the search begins at the end.
function firstAfter(id) {
  let later = null;
  for (let node = list.lastElementChild; node; node = node.previousElementSibling) {
    if (node.message && BigInt(node.message.id) < BigInt(id)) break;
    if (node.message) later = node;
  }
  return later;
}

export function removeMessage(id) {
  const node = byId(`m-${id}`);
  if (!node) return;
  const near = node.nextElementSibling ?? node.previousElementSibling;
  const focused = node.contains(document.activeElement);
  node.remove();
  makeCurrent(near);
  if (focused) (near ?? box).focus();
  byId("empty").hidden = list.children.length > 0;
}

export function notice(text) {
  list.append(el("li", { class: "notice" }, el("p", { role: "alert" }, text)));
  toEnd();
}

// The newest messages first, as {id, label}.
export const recentMessages = () => [...list.querySelectorAll(".message")].reverse().slice(0, 10)
  .map((node) => ({ id: node.message.id, label: node.getAttribute("aria-label") }));

export function focusNewest() {
  toEnd();
  const newest = [...list.querySelectorAll(".message")].at(-1);
  makeCurrent(newest);
  (newest ?? box).focus({ preventScroll: true });
}

function watchEnd(reached) {
  atEnd = reached;
  byId("to-newest").hidden = reached;
}

function toEnd() {
  box.scrollTop = box.scrollHeight;
  watchEnd(true);
}

// One message at a time is a stop for the Tab key; the arrow keys go from one to the next.
function makeCurrent(node) {
  if (!node?.message || node.tabIndex === 0) return;
  for (const other of list.querySelectorAll(".message[tabindex='0']")) setStop(other, "-1");
  setStop(node, "0");
}

function setStop(node, value) {
  node.setAttribute("tabindex", value);
  node.querySelector(":scope > .apps").setAttribute("tabindex", value);
}

function walk(event) {
  if (!event.target.classList.contains("message")) return;
  const all = [...list.querySelectorAll(".message")], at = all.indexOf(event.target);
  const steps = { ArrowDown: at + 1, ArrowUp: Math.max(0, at - 1), Home: 0, End: all.length - 1 };
  if (!(event.key in steps)) return;
  event.preventDefault();
  all[steps[event.key]]?.focus();
}
