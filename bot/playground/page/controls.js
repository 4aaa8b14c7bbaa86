// Form controls: one for each kind of command option and of modal field. Each is {name, node, value(), files()}.

import { combobox } from "./combobox.js";
import { el } from "./dom.js";
import { fileControl } from "./files.js";
import { choiceBox, groupControl, labelled } from "./labelled.js";
import { selectOptions } from "./messages.js";

const INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9, NUMBER = 10;
export const ATTACHMENT = 11;
const ROW = 1, TEXT_INPUT = 4, TEXT = 10, LABEL = 18, UPLOAD = 19, RADIOS = 21, CHECKBOXES = 22, CHECKBOX = 23;
const ONE_LINE = 100;

const noFiles = () => [];

export function optionControl(option, scene, suggest, { subject, order, overflow }) {
  const { name, description, required } = option;
  if (option.type === ATTACHMENT) return fileControl(name, name, description, required, scene, { demos: subject, order, overflow });
  const box = optionBox(option, scene);
  const suggestions = option.autocomplete ? combobox(box, suggest) : null;
  const node = labelled(name, name, description, required, box, suggestions ? [suggestions.list] : []);
  return { name, node, value: suggestions?.read ?? (() => box.value), files: noFiles };
}

function optionBox(option, scene) {
  const named = (list, sign) => list.map((one) => ({ value: one.id, label: sign + one.name }));
  if (option.choices?.length) return choiceBox(option.choices.map((one) => ({ value: one.value, label: one.shown })), option.required);
  if (option.autocomplete) return el("input", { type: "text", maxlength: option.max_length });
  switch (option.type) {
    case BOOLEAN: return choiceBox([{ value: "true", label: "Yes" }, { value: "false", label: "No" }], option.required);
    case USER: return choiceBox(named(scene.people, ""), option.required);
    case CHANNEL: return choiceBox(named(scene.channels, "#"), option.required);
    case ROLE: return choiceBox(named(scene.roles, ""), option.required);
    case MENTIONABLE: return choiceBox([...named(scene.people, ""), ...named(scene.roles, "@")], option.required);
    case INTEGER: case NUMBER: return numberBox(option);
    default:
      if ((option.max_length ?? 6000) <= ONE_LINE) return el("input", { type: "text", maxlength: option.max_length });
      return el("textarea", { rows: "2", maxlength: option.max_length ?? 6000 });
  }
}

function numberBox(option) {
  const whole = option.type === INTEGER;
  return el("input", { type: "number", inputmode: whole ? "numeric" : "decimal", step: whole ? "1" : "any", min: option.min_value, max: option.max_value });
}

export function modalControls(components, scene) {
  return components.flatMap((item) => {
    if (item.type === ROW) return item.components.map((one) => modalControl(one, one.label, "", scene));
    if (item.type === LABEL) return [modalControl(item.component, item.label, item.description ?? "", scene)];
    return item.type === TEXT ? [{ node: el("p", {}, item.content), value: () => undefined, files: noFiles }] : [];
  });
}

function modalControl(item, title, hint, scene) {
  const name = item.custom_id, required = item.required ?? item.type !== CHECKBOX;
  const several = item.type === CHECKBOXES || (item.max_values ?? 1) > 1;
  if (item.type === UPLOAD) return fileControl(name, title, hint, required, scene, { demos: required, most: item.max_values ?? 1 });
  if (item.type === RADIOS || item.type === CHECKBOXES) return groupControl(item, title, hint, several, required);
  if (item.type === CHECKBOX) {
    const box = el("input", { type: "checkbox", checked: item.default });
    return { name, node: labelled(name, title, hint, false, box), value: () => box.checked, files: noFiles };
  }
  if (item.type === TEXT_INPUT) {
    const box = textBox(item);
    return { name, node: labelled(name, title, hint, required, box), value: () => box.value, files: noFiles };
  }
  const options = selectOptions(item, scene);
  if (several) return groupControl({ ...item, options }, title, hint, true, required);
  const box = choiceBox(options, required);
  return { name, node: labelled(name, title, hint, required, box), value: () => (box.value ? [box.value] : []), files: noFiles };
}

function textBox(item) {
  const attributes = { maxlength: item.max_length ?? 4000, placeholder: item.placeholder };
  const box = item.style === 2 ? el("textarea", { ...attributes, rows: "4" }) : el("input", { ...attributes, type: "text" });
  box.value = item.value ?? "";
  return box;
}

export const typedValues = (controls) => Object.fromEntries(
  controls.map((one) => [one.name, one.value()]).filter(([name, value]) => name && value !== "" && value !== undefined));

export const chosenFiles = (controls) => controls.flatMap((one) => one.files().map((file) => [one.name, file]));
