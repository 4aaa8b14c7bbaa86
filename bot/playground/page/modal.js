// The form that the bot opens in answer to a press or a command.

import { chosenFiles, modalControls, typedValues } from "./controls.js";
import { byId } from "./dom.js";
import { clearErrors, showError } from "./fields.js";
import { act } from "./server.js";

const dialog = byId("modal"), form = byId("modal-form");
const open = { id: null, interaction: "", controls: [] };

export function openModal(event, scene) {
  if (event.modal.id === open.id) return;
  Object.assign(open, { id: event.modal.id, interaction: event.interaction, controls: modalControls(event.modal.components, scene) });
  byId("modal-title").textContent = event.modal.title;
  byId("modal-fields").replaceChildren(...open.controls.map((one) => one.node));
  clearErrors(form);
  if (!dialog.open) dialog.showModal();
  byId("modal-fields").querySelector("input, select, textarea")?.focus();
}

// `returnFocus()` is called when the element that had the focus before is gone.
export function startModal(returnFocus) {
  byId("modal-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => document.activeElement === document.body && returnFocus());
  form.addEventListener("input", (event) => clearErrors(event.target.closest(".field") ?? form));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    await Promise.all(open.controls.map((one) => one.ready?.()));
    const done = await act("submit", { interaction: open.interaction, values: typedValues(open.controls) }, chosenFiles(open.controls));
    if (done.error) showError(form, done);
    else dialog.close();
  });
}
