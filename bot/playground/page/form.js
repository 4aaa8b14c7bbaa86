// The form of the chosen slash command.

import { say } from "./announce.js";
import { ATTACHMENT, chosenFiles, optionControl, typedValues } from "./controls.js";
import { byId, el } from "./dom.js";
import { clearErrors, failField, showError } from "./fields.js";
import { catchDrops, sameFile } from "./files.js";
import { act } from "./server.js";

const SUBCOMMAND = 1, GROUP = 2, SLASH = 1;
const form = byId("command-form"), chooser = byId("command"), run = byId("run");
const drawn = { scene: null, leaves: [], key: "", controls: [] };

// `sent()` is called when the bot was asked.
export function startForm(sent) {
  chooser.addEventListener("change", drawForm);
  form.addEventListener("input", (event) => clearErrors(event.target.closest(".field") ?? form));
  form.addEventListener("files", noteSameFile);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(sent);
  });
  // A file dropped beside a field would otherwise replace the page.
  catchDrops(document.documentElement, (files) => byId("modal").open || shareOut(files));
}

export function drawCommands(scene) {
  const before = chooser.value;
  drawn.scene = scene;
  drawn.leaves = scene.commands.filter((one) => one.type === SLASH).flatMap((one) => leavesOf(one));
  chooser.replaceChildren(...drawn.leaves.map((leaf) => el("option", { value: leaf.name }, `/${leaf.shown}`)));
  const files = (leaf) => leaf.options.filter((one, index) => isSubject(leaf.options, index)).length;
  const favourite = [...drawn.leaves].sort((a, b) => files(b) - files(a))[0]?.name ?? "";
  chooser.value = drawn.leaves.some((leaf) => leaf.name === before) ? before : favourite;
  drawForm();
}

function leavesOf(command, prefix = "", shownPrefix = "") {
  const name = `${prefix}${command.name}`, shown = `${shownPrefix}${command.shown}`;
  const inner = (command.options ?? []).filter((one) => one.type === SUBCOMMAND || one.type === GROUP);
  if (inner.length) return inner.flatMap((one) => leavesOf(one, `${name} `, `${shown} `));
  return [{ name, shown, description: command.description, options: command.options ?? [] }];
}

// What a command is about: files that it requires, or asks for before any other thing that may be left out.
function isSubject(options, index) {
  const other = options.findIndex((one) => !one.required && one.type !== ATTACHMENT);
  return options[index].type === ATTACHMENT && (options[index].required || other < 0 || index < other);
}

function drawForm() {
  const leaf = drawn.leaves.find((one) => one.name === chooser.value);
  run.disabled = !leaf;
  run.textContent = leaf ? `Run /${leaf.shown}` : "No commands here";
  byId("command-hint").textContent = leaf?.description ?? "The bot offers no command to you in this channel.";
  // What was typed stays as long as the command asks the same of the same person.
  const { demo, me, upload_limit } = drawn.scene;
  const key = JSON.stringify([leaf, demo, me, upload_limit]);
  if (key === drawn.key) return;
  drawn.key = key;
  clearErrors(form);
  drawOptions(leaf);
}

function drawOptions(leaf) {
  const options = leaf?.options ?? [];
  const subjects = options.map((_, index) => isSubject(options, index));
  let order = 0;
  drawn.controls = options.map((option, index) => ({
    ...optionControl(option, drawn.scene, () => suggest(leaf, option), { subject: subjects[index], order: subjects[index] ? order++ : 0, overflow: shareOut }),
    subject: subjects[index],
  }));
  const nodes = (wanted) => drawn.controls.filter((one, index) => (subjects[index] || Boolean(options[index].required)) === wanted).map((one) => one.node);
  const more = nodes(false);
  byId("options").replaceChildren(
    ...bothDemos(),
    ...nodes(true),
    ...(more.length ? [el("details", { class: "more" }, el("summary", {}, `More options (${more.length})`), ...more)] : []),
  );
}

// Any other file is chosen at its own field.
const fileFields = () => drawn.controls.filter((one) => one.subject);

function bothDemos() {
  const fields = fileFields().filter((one) => one.useDemo);
  if (fields.length < 2 || drawn.scene.demo.length < 2) return [];
  return [el("button", { type: "button", class: "demo-both", onclick: () => fields.forEach((one) => one.useDemo()) }, "Use the two demo tracks")];
}

async function suggest(leaf, option) {
  const done = await act("autocomplete", { command: leaf.name, values: typedValues(drawn.controls), focused: option.name });
  return done.choices ?? [];
}

// Files dropped together fill the empty fields first, in order.
function shareOut(files) {
  const fields = fileFields(), empty = fields.filter((one) => !one.files().length);
  if (!fields.length) return;
  const target = empty.length >= files.length ? empty : fields;
  if (files.length > target.length) {
    failField(fields[0].node, `This command takes ${fields.length} ${fields.length === 1 ? "file" : "files"}, and you dropped ${files.length}. None was taken.`);
  } else files.forEach((file, index) => target[index].put([file]));
}

function noteSameFile() {
  byId("same-file")?.remove();
  const chosen = fileFields().filter((one) => one.files().length);
  const twin = chosen.find((one, index) => chosen.slice(0, index).some((other) => sameFile(one.files()[0], other.files()[0])));
  if (!twin) return;
  const text = "This is the same file twice. That is allowed.";
  twin.node.append(el("p", { class: "note", id: "same-file" }, text));
  say(text);
}

async function submit(sent) {
  if (run.getAttribute("aria-disabled")) return;
  clearErrors(form);
  // Only marked as disabled: a really disabled button would lose the keyboard's focus.
  run.setAttribute("aria-disabled", "true");
  byId("status").textContent = "Sending …";
  await Promise.all(drawn.controls.map((one) => one.ready?.()));
  const done = await act("slash", { command: chooser.value, values: typedValues(drawn.controls) }, chosenFiles(drawn.controls));
  run.removeAttribute("aria-disabled");
  if (done.error) {
    byId("status").textContent = "";
    showError(form, done);
  } else sent();
}
