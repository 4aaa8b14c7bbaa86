// A field for files: choose, drop, or take a demo track. What does not fit is refused here, at the field.

import { el, legible, megabytes, nextId } from "./dom.js";
import { clearErrors, failField } from "./fields.js";
import { labelled } from "./labelled.js";

// `order` chooses which demo track is offered where `demos` are; `overflow` takes files that were dropped on a field for one.
export function fileControl(name, title, hint, required, scene, { demos = false, order = 0, most = 1, overflow = null } = {}) {
  const input = el("input", { type: "file", id: nextId("file"), multiple: most > 1 });
  const chosen = el("p", { class: "chosen", "aria-live": "polite" });
  const remove = el("button", { type: "button", class: "small", "aria-label": `Remove the file of ${title}` }, "Remove");
  const tracks = !demos ? [] : most > 1 ? scene.demo : scene.demo.slice(order % scene.demo.length || 0).slice(0, 1);
  const buttons = tracks.map((track) => el("button", { type: "button", class: "small", onclick: () => useDemo(track) }, `Use “${track.replace(/\.\w+$/, "")}”`));
  const zone = el("div", { class: "drop" }, el("div", { class: "chosen-row" }, chosen, remove), el("div", { class: "demos" }, input, ...buttons));
  const node = labelled(name, title, hint, required, input, [], zone);
  let files = [];

  const show = () => {
    const names = files.map((file) => `${legible(file.name)} (${megabytes(file.size)})`).join(", ");
    chosen.textContent = names || `No file yet. Choose ${most > 1 ? "some" : "one"} or drop it here.`;
    zone.classList.toggle("full", files.length > 0);
    remove.hidden = files.length === 0;
    node.dispatchEvent(new CustomEvent("files", { bubbles: true }));
  };
  const keep = (wanted) => {
    const transfer = new DataTransfer();
    for (const file of wanted) transfer.items.add(file);
    files = [...transfer.files];
    input.files = transfer.files;
    show();
  };
  // Takes all of them or none, so that nobody has to guess which ones went in.
  const put = (given) => {
    const problem = whyNot(given, most, scene);
    keep(problem ? files : given);
    if (problem) failField(node, `${title}: ${problem}`);
    else clearErrors(node);
  };
  const add = (given) => put(most > 1 ? [...files, ...given] : given);
  let coming = Promise.resolve();
  const useDemo = (track) => {
    coming = demoFile(track).then((file) => add([file]), (problem) => failField(node, `${title}: ${problem.message}`));
  };

  input.addEventListener("change", () => put([...input.files]));
  remove.addEventListener("click", () => {
    keep([]);
    input.focus();
  });
  catchDrops(zone, (dropped) => (overflow && dropped.length > most ? overflow(dropped) : add(dropped)));
  show();
  return { name, node, value: () => undefined, files: () => files, ready: () => coming, put, useDemo: tracks[0] ? () => useDemo(tracks[0]) : null };
}

function whyNot(files, most, scene) {
  if (files.length > most) return `${most === 1 ? "one file fits" : `${most} files fit`} here, and you gave ${files.length}. None was taken.`;
  const big = files.find((file) => file.size > scene.upload_limit);
  if (!big) return "";
  const me = scene.people.find((one) => one.id === scene.me).name;
  return `“${legible(big.name)}” has ${megabytes(big.size)}; ${me} may upload ${megabytes(scene.upload_limit)}. Choose a smaller file.`;
}

export function catchDrops(zone, take) {
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (event.defaultPrevented || !event.dataTransfer.files.length) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
}

async function demoFile(track) {
  const answer = await fetch(`page/demo/${encodeURIComponent(track)}`);
  if (!answer.ok) throw new Error("The demo track is not there.");
  return new File([await answer.blob()], track, { type: "audio/mpeg" });
}

export const sameFile = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
