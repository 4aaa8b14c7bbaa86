// What is wrong with a form, said at the field it belongs to.

import { el, nextId } from "./dom.js";

export function clearErrors(scope) {
  for (const node of scope.querySelectorAll(".error")) node.remove();
  for (const node of [scope, ...scope.querySelectorAll(".wrong")]) node.classList.remove("wrong");
  for (const control of scope.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    describe(control, control.dataset.hint);
  }
}

// `answer` is {error, field}; without a field of that name the sentence stands beside the button that sends.
export function showError(form, answer) {
  clearErrors(form);
  const field = answer.field ? form.querySelector(`[data-field="${CSS.escape(answer.field)}"]`) : null;
  if (field) failField(field, answer.error);
  else form.querySelector(".send").prepend(el("p", { class: "error", role: "alert" }, answer.error));
}

export function failField(field, text) {
  clearErrors(field);
  field.closest("details.more")?.setAttribute("open", "");
  field.classList.add("wrong");
  const error = el("p", { class: "error", role: "alert", id: nextId("error") }, text);
  field.append(error);
  const control = field.querySelector("input, select, textarea");
  control.setAttribute("aria-invalid", "true");
  describe(control, error.id, control.dataset.hint);
  control.focus();
  error.scrollIntoView({ block: "nearest" });
}

export function describe(control, ...ids) {
  const known = ids.filter(Boolean).join(" ");
  if (known) control.setAttribute("aria-describedby", known);
  else control.removeAttribute("aria-describedby");
}
