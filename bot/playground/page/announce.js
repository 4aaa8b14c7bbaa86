// Says things to screen readers, politely and never as a flood.

import { byId, el } from "./dom.js";

const GATHER = 300, KEPT = 8000, MOST_AT_ONCE = 3;
let waiting = [];

export function say(text) {
  if (waiting.push(text) === 1) setTimeout(speak, GATHER);
}

// What was meant for one person is not read to the next.
export function hush() {
  waiting = [];
  byId("announcer").replaceChildren();
}

function speak() {
  const lines = waiting.length > MOST_AT_ONCE ? [`${waiting.length} new messages`, waiting.at(-1)] : waiting;
  waiting = [];
  for (const line of lines) {
    const node = el("p", {}, line);
    byId("announcer").append(node);
    setTimeout(() => node.remove(), KEPT);
  }
}
