// The panel "Faults and time": one small form for each knob of the stand-in, and what is in force.

import { byId, el, nextId, unseen } from "./dom.js";
import { clearErrors, showError } from "./fields.js";
import { choiceBox, labelled } from "./labelled.js";
import { act, ask } from "./server.js";

const cards = new Map();
let scene = null, recent = () => [], drawn = 0;

export async function loadKnobs(newScene, recentMessages) {
  scene = newScene;
  recent = recentMessages;
  drawKnobs((await ask("knobs")).knobs);
}

export function drawKnobs(knobs) {
  drawn += 1;
  if (knobs.map((one) => one.id).join() !== [...cards.keys()].join()) buildAll(knobs);
  for (const knob of knobs) cards.get(knob.id).update(knob);
  drawActive(knobs.filter((one) => one.active));
}

function buildAll(knobs) {
  cards.clear();
  for (const knob of knobs) cards.set(knob.id, card(knob));
  const groups = [...new Set(knobs.map((one) => one.group))];
  byId("knobs").replaceChildren(...groups.map((group) => {
    const title = el("h3", { id: nextId("group") }, group);
    const mine = knobs.filter((one) => one.group === group).map((one) => cards.get(one.id).node);
    return el("section", { "aria-labelledby": title.id }, title, ...mine);
  }));
}

// Each thing in force can be ended here, where it stays in sight.
function drawActive(active) {
  const box = byId("knobs-active"), focused = box.contains(document.activeElement);
  const rows = active.map((knob) => el("li", {}, el("span", {}, el("strong", {}, knob.label), knob.value ? `: ${knob.value}` : ""), knob.can_end ? endButton(knob) : ""));
  byId("knobs-count").replaceChildren(...(active.length ? [String(active.length), unseen(" in force")] : []));
  box.replaceChildren(rows.length ? el("ul", {}, ...rows) : el("p", { class: "hint" }, "Nothing is in force; everything works as it should."));
  if (focused) (box.querySelector("button") ?? byId("knobs-tab")).focus();
}

function endButton(knob) {
  const end = async () => {
    const done = await turn(knob.id, { off: true });
    if (done.error) byId("knobs-said").textContent = done.error;
  };
  return el("button", { type: "button", class: "small", "aria-label": `End: ${knob.label}`, onclick: end }, "End");
}

// Every change is also told on the socket; what was told meanwhile may be newer than the answer.
async function turn(id, request) {
  byId("knobs-said").textContent = "";
  const before = drawn;
  const done = await act(`knobs/${id}`, request);
  if (done.error) return done;
  byId("knobs-said").textContent = done.said;
  if (drawn === before) drawKnobs(done.knobs);
  return done;
}

function card(knob) {
  const hint = el("span", { class: "hint", id: nextId("hint") });
  const badge = el("span", { class: "badge" });
  const button = el("button", { type: "submit", class: "small", "aria-describedby": hint.id }, knob.label);
  const place = el("div", { class: "arguments" });
  const form = el("form", { novalidate: true, "aria-label": knob.label }, place, el("div", { class: "send" }, button));
  let shape = "", controls = [];
  const update = (now) => {
    const newShape = JSON.stringify([now.arguments, scene.channels.map((one) => [one.id, one.name])]);
    if (newShape !== shape) {
      controls = now.arguments.map(argument);
      place.replaceChildren(...controls.map((one) => one.node));
      shape = newShape;
    }
    hint.textContent = now.available ? now.hint : now.why;
    button.disabled = !now.available;
    badge.textContent = now.active ? now.value || "in force" : "";
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    const done = await turn(knob.id, { arguments: Object.fromEntries(controls.map((one) => [one.name, one.value()])) });
    if (done.error) showError(form, done);
  });
  return { node: knob.arguments.length ? folded(knob, badge, hint, form) : plain(form, hint), update };
}

const folded = (knob, badge, hint, form) =>
  el("details", { class: "knob" }, el("summary", {}, el("strong", {}, knob.label), badge, hint), form);

const plain = (form, hint) => el("div", { class: "knob plain" }, form, hint);

function argument(spec) {
  const box = argumentBox(spec);
  const title = spec.unit ? `${spec.label} (${spec.unit})` : spec.label;
  const value = () => (spec.kind === "number" ? Number(box.value) : box.value || null);
  return { name: spec.name, value, node: labelled(spec.name, title, "", false, box) };
}

function argumentBox(spec) {
  if (spec.kind === "number") return el("input", { type: "number", value: spec.default, min: spec.min, max: spec.max, step: "any" });
  if (spec.kind === "channel") return withDefault("this channel", scene.channels.map((one) => ({ value: one.id, label: `#${one.name}` })));
  if (spec.kind === "message") return messageBox();
  if (spec.kind === "member") return withDefault("you", scene.people.filter((one) => !one.bot).map((one) => ({ value: one.id, label: one.name })));
  const box = choiceBox(spec.choices, true);
  box.firstElementChild.remove();
  box.value = spec.default;
  return box;
}

function withDefault(label, options) {
  const box = choiceBox(options, false);
  box.firstElementChild.textContent = label;
  return box;
}

// The list is of the moment in which it is looked at.
function messageBox() {
  const box = withDefault("the bot's newest message", []);
  box.addEventListener("focus", () => {
    const before = box.value;
    const rows = recent().map((one) => el("option", { value: one.id }, one.label));
    box.replaceChildren(box.firstElementChild, ...rows);
    box.value = rows.some((row) => row.value === before) ? before : "";
  });
  return box;
}
