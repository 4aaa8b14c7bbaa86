// Draws messages. A message that changes is redrawn part by part, so that a playing track plays on.

import { el, megabytes, safeLink } from "./dom.js";
import { openMenu } from "./menu.js";
import { rich } from "./text.js";

const BUTTON_LOOKS = { 1: "primary", 2: "", 3: "good", 4: "bad", 5: "link" };
const LAYOUT_FLAG = 1 << 15;
const SUMMARY = 160;
const PARTS = ["head", "text", "embeds", "files", "controls"];
const stamps = new WeakMap();

// `actions` is {press(message, customId, values), menu(message, button)}.
export function drawMessage(message, scene, actions, old) {
  const node = old ?? shell(message, actions);
  node.message = message;
  node.classList.toggle("private", message.visible_to !== null);
  node.classList.toggle("for-me", message.mentions.some((one) => one.id === scene.me) || message.mention_roles.some((id) => rolesOf(scene.me, scene).includes(id)));
  const ids = message.attachments.map((file) => file.id);
  redraw(node, "head", [message.edited_timestamp, message.interaction, message.visible_to], () => head(message, scene));
  redraw(node, "text", [message.content, message.loading], () => text(message, scene));
  redraw(node, "embeds", message.embeds, () => message.embeds.map((embed) => drawEmbed(embed, scene)));
  redraw(node, "files", ids, () => (message.flags & LAYOUT_FLAG ? [] : message.attachments.map(drawFile)));
  redraw(node, "controls", [message.components, message.components.length ? ids : []],
    () => message.components.map((item) => component(item, message, scene, actions)));
  node.setAttribute("aria-label", summary(node, message, scene));
  return node;
}

function redraw(node, part, content, make) {
  const place = node.querySelector(`:scope > .body > .${part}`);
  const stamp = JSON.stringify(content);
  if (stamps.get(place) === stamp) return;
  stamps.set(place, stamp);
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.control : null;
  place.replaceChildren(...make());
  if (focused) place.querySelector(`[data-control="${CSS.escape(focused)}"]`)?.focus();
}

function shell(message, actions) {
  const badge = el("span", { class: "avatar", "aria-hidden": "true" }, message.author.username[0].toUpperCase());
  badge.classList.toggle("bot", message.author.bot);
  const node = el("li", { id: `m-${message.id}`, class: "message", tabindex: "-1" }, badge, el("div", { class: "body" }, ...PARTS.map((name) => el("div", { class: name }))));
  const apps = el("button", {
    type: "button", class: "apps small", tabindex: "-1", "aria-haspopup": "menu", "aria-expanded": "false",
    "aria-label": "Apps for this message", onclick: () => actions.menu(node.message, apps),
  }, "Apps ▾");
  node.append(apps);
  return node;
}

// One line for those who hear the page.
export function summary(node, message, scene) {
  const shown = (look) => node.querySelector(`:scope > .body > ${look}`)?.textContent.replace(/\s+/g, " ").trim();
  const words = [shown(".text"), shown(".embeds h3"), shown(".controls .words")].filter(Boolean).join(". ");
  const files = message.attachments.length ? `, ${message.attachments.length} ${message.attachments.length === 1 ? "file" : "files"}` : "";
  const whose = message.visible_to === null ? "" : " (only you see this)";
  return `${nameOf(message.author, scene)}${whose}: ${words.slice(0, SUMMARY)}${files}`;
}

// A slash command is written as it is typed, a command of a context menu as it is listed, both in the reader's words.
export function commandTitle(name, scene) {
  const listed = scene.commands.find((one) => one.name === name && one.type !== 1);
  return listed ? `“${listed.shown}”` : `/${typedAs(name.split(" "), scene.commands).join(" ")}`;
}

function typedAs([first, ...rest], commands) {
  const found = commands.find((one) => one.name === first);
  return first === undefined ? [] : [found?.shown ?? first, ...typedAs(rest, found?.options ?? [])];
}

const rolesOf = (id, scene) => scene.people.find((one) => one.id === id)?.roles ?? [];

const nameOf = (user, scene) => scene.people.find((one) => one.id === user.id)?.name ?? user.username;

function head(message, scene) {
  const nodes = [];
  if (message.interaction) {
    nodes.push(el("p", { class: "cause" }, `${nameOf(message.interaction.user, scene)} ran ${commandTitle(message.interaction.name, scene)}`));
  }
  const when = new Date(message.timestamp);
  nodes.push(
    el("strong", {}, nameOf(message.author, scene)),
    message.author.bot ? el("span", { class: "tag" }, "bot") : "",
    el("time", { datetime: message.timestamp, title: when.toLocaleString() }, when.toLocaleTimeString([], { timeStyle: "short" })),
    message.edited_timestamp ? el("span", { class: "edited" }, "edited") : "",
    message.visible_to === null ? "" : el("span", { class: "tag private" }, "Only you see this"),
  );
  return nodes.filter((node) => node !== "");
}

function text(message, scene) {
  if (message.loading) return [el("p", { class: "loading" }, "The bot is working on it")];
  return message.content ? [rich(message.content, scene)] : [];
}

function drawEmbed(embed, scene) {
  const node = el("article", { class: "embed" });
  if (Number.isInteger(embed.color)) node.style.setProperty("--stripe", `#${embed.color.toString(16).padStart(6, "0")}`);
  const title = embed.title ? rich(embed.title, scene) : null;
  const href = embed.url ? safeLink(embed.url) : null;
  node.append(
    ...[
      embed.author?.name ? el("p", { class: "by" }, embed.author.name) : null,
      title ? el("h3", {}, href ? el("a", { href, target: "_blank", rel: "noopener noreferrer" }, title) : title) : null,
      picture(embed.thumbnail, "thumbnail", ""),
      embed.description ? el("div", { class: "description" }, rich(embed.description, scene)) : null,
      embed.fields?.length ? el("dl", {}, ...embed.fields.map((field) => drawField(field, scene))) : null,
      picture(embed.image, "picture", embed.title ?? "Picture"),
      embed.footer?.text ? el("p", { class: "footer" }, embed.footer.text) : null,
    ].filter(Boolean),
  );
  return node;
}

function drawField(field, scene) {
  return el("div", { class: field.inline ? "inline" : "wide" }, el("dt", {}, rich(field.name, scene)), el("dd", {}, rich(field.value, scene)));
}

function picture(media, look, alt) {
  const src = media?.url ? safeLink(media.url) : null;
  return src ? el("img", { class: look, src, alt: media.description ?? alt, loading: "lazy" }) : null;
}

function drawFile(file) {
  const name = el("figcaption", {}, el("a", { href: safeLink(file.url), download: file.filename }, file.filename), ` ${megabytes(file.size)}`);
  if (file.content_type?.startsWith("audio/")) {
    const player = el("audio", { controls: true, preload: "metadata", src: safeLink(file.url), "aria-label": `Play ${file.filename}` });
    player.addEventListener("play", () => pauseOthers(player));
    return el("figure", { class: "track" }, name, player);
  }
  if (file.content_type?.startsWith("image/")) {
    return el("figure", {}, el("img", { class: "picture", src: safeLink(file.url), alt: file.description ?? file.filename }));
  }
  return el("figure", { class: "file" }, name);
}

function pauseOthers(playing) {
  for (const other of document.querySelectorAll("audio")) if (other !== playing) other.pause();
}

function component(item, message, scene, actions) {
  const inner = (items) => items.map((one) => component(one, message, scene, actions));
  const file = (media) => message.attachments.find((one) => media?.url?.includes(`/${one.id}/`));
  switch (item.type) {
    case 1: return el("div", { class: "row" }, ...inner(item.components));
    case 2: return button(item, message, actions);
    case 3: case 5: case 6: case 7: case 8: return select(item, message, scene, actions);
    case 9: return el("div", { class: "section" }, el("div", {}, ...inner(item.components)), component(item.accessory, message, scene, actions));
    case 10: return el("div", { class: "words" }, rich(item.content, scene));
    case 11: return picture(item.media, "thumbnail", item.description ?? "") ?? "";
    case 12: return el("div", { class: "gallery" }, ...item.items.map((one) => picture(one.media, "picture", one.description ?? "Picture") ?? ""));
    case 13: return drawFile(file(item.file) ?? { url: item.file.url, filename: item.name ?? "file", size: item.size ?? 0 });
    case 14: return el("hr");
    case 17: {
      const box = el("div", { class: "embed" }, ...inner(item.components));
      if (Number.isInteger(item.accent_color)) box.style.setProperty("--stripe", `#${item.accent_color.toString(16).padStart(6, "0")}`);
      return box;
    }
    default: return "";
  }
}

function button(item, message, actions) {
  const label = [item.emoji?.name, item.label].filter(Boolean).join(" ");
  if (item.style === 5) {
    return el("a", { class: "button", href: safeLink(item.url), target: "_blank", rel: "noopener noreferrer" }, label);
  }
  return el("button", {
    type: "button", class: BUTTON_LOOKS[item.style] ?? "", disabled: item.disabled, "data-control": item.custom_id,
    onclick: () => actions.press(message, item.custom_id),
  }, label);
}

function select(item, message, scene, actions) {
  const label = item.placeholder || "Choose";
  const options = selectOptions(item, scene);
  const send = (values) => actions.press(message, item.custom_id, values);
  return (item.max_values ?? 1) > 1 ? pickSeveral(item, label, options, send) : pickOne(item, label, options, send);
}

// A menu and not a <select>: that one would send at every press of an arrow key.
function pickOne(item, label, options, send) {
  const now = options.find((one) => one.default);
  const button = el("button", {
    type: "button", class: "select", "aria-haspopup": "menu", "aria-expanded": "false", disabled: item.disabled,
    "data-control": item.custom_id, "aria-label": now ? `${label}: ${now.label}` : null,
  }, el("span", {}, now?.label ?? label), el("span", { "aria-hidden": "true" }, "▾"));
  const items = options.map((one) => ({ label: one.label, hint: one.description, checked: one === now, pick: () => send([one.value]) }));
  if (item.min_values === 0) items.push({ label: "Nothing", checked: !now, pick: () => send([]) });
  button.addEventListener("click", () => openMenu(button, [{ items }], label, button));
  return button;
}

function pickSeveral(item, label, options, send) {
  const boxes = options.map((one) => el("input", { type: "checkbox", value: one.value, checked: one.default, disabled: item.disabled }));
  const rows = boxes.map((box, index) => el("label", { class: "option" }, box, options[index].label));
  const choose = () => send(boxes.filter((box) => box.checked).map((box) => box.value));
  return el("fieldset", { class: "several" }, el("legend", {}, label), ...rows,
    el("button", { type: "button", onclick: choose, disabled: item.disabled, "data-control": item.custom_id }, "Choose"));
}

export function selectOptions(item, scene) {
  const chosen = new Set((item.default_values ?? []).map((one) => one.id));
  const named = (list, sign) => list.map((one) => ({ value: one.id, label: sign + one.name, default: chosen.has(one.id) }));
  if (item.type === 3) return item.options;
  if (item.type === 8) return named(scene.channels, "#");
  const roles = named(scene.roles, "@"), people = named(scene.people, "");
  return item.type === 5 ? people : item.type === 6 ? roles : [...people, ...roles];
}
