// The line under the messages: members write too, and post files.

import { byId, el, legible, megabytes } from "./dom.js";
import { act } from "./server.js";

const MOST_FILES = 10;
const form = byId("say"), text = byId("say-text"), picker = byId("say-files");

export function startComposer(limitNow) {
  picker.addEventListener("change", () => {
    complain("");
    byId("say-chosen").textContent = [...picker.files].map((one) => legible(one.name)).join(", ");
  });
  text.addEventListener("input", () => complain(""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const files = [...picker.files];
    const problem = whyNot(files, limitNow());
    const done = problem ? { error: problem } : await act("say", { text: text.value.trim() }, files.map((file) => ["files", file]));
    complain(done.error ?? "");
    if (!done.error) clearComposer();
  });
}

export function clearComposer() {
  form.reset();
  byId("say-chosen").textContent = "";
  complain("");
}

export function labelComposer(whereTo) {
  text.placeholder = `Message ${whereTo}`;
  text.setAttribute("aria-label", `Message ${whereTo}`);
}

function whyNot(files, limit) {
  if (files.length > MOST_FILES) return `${MOST_FILES} files fit in a message, and you chose ${files.length}.`;
  const big = files.find((one) => one.size > limit);
  return big ? `“${legible(big.name)}” has ${megabytes(big.size)}; ${megabytes(limit)} is the most for you.` : "";
}

function complain(problem) {
  byId("say-error")?.remove();
  if (!problem) return text.removeAttribute("aria-invalid");
  form.append(el("p", { class: "error", role: "alert", id: "say-error" }, problem));
  text.setAttribute("aria-invalid", "true");
  return text.focus();
}
