// A control with its label and its hint, tied together for everyone.

import { el, nextId } from "./dom.js";
import { describe } from "./fields.js";

// `name` is the option's name or the field's custom_id; `shown` is what stands under the label, if not the control itself.
export function labelled(name, title, hint, required, control, extra = [], shown = control) {
  control.id ||= nextId("field");
  control.required = Boolean(required);
  const note = hint ? el("p", { class: "hint", id: nextId("hint") }, hint) : "";
  if (note) {
    control.dataset.hint = note.id;
    describe(control, note.id);
  }
  const label = el("label", { for: control.id }, title, required ? el("span", { class: "required", "aria-hidden": "true" }, " required") : "");
  return el("div", { class: "field", "data-field": name }, label, shown, ...extra, note);
}

export function choiceBox(options, required) {
  const box = el("select", {}, el("option", { value: "" }, required ? "Choose …" : "–"));
  for (const option of options) box.append(el("option", { value: option.value, selected: option.default }, option.label));
  return box;
}

export function groupControl(item, title, hint, several, required) {
  const group = nextId("group");
  const boxes = item.options.map((option) => el("input", { type: several ? "checkbox" : "radio", name: group, value: option.value, checked: option.default }));
  const rows = boxes.map((box, index) => el("label", { class: "option" }, box, item.options[index].label));
  const legend = el("legend", {}, title, required ? el("span", { class: "required" }, " required") : "");
  const node = el("fieldset", { class: "field", "data-field": item.custom_id }, legend, ...rows, hint ? el("p", { class: "hint" }, hint) : "");
  const ticked = () => boxes.filter((box) => box.checked).map((box) => box.value);
  return { name: item.custom_id, node, value: () => (several ? ticked() : ticked()[0] ?? ""), files: () => [] };
}
