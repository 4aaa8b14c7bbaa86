// Message text to elements: the basic marks, mentions, timestamps, links, code.

import { el, safeLink } from "./dom.js";

const INLINE = new RegExp(
  [
    /\\([^A-Za-z0-9\s])/, // 1 escaped character
    /`([^`\n]+)`/, // 2 code
    /\*\*([\s\S]+?)\*\*/, // 3 bold
    /__([\s\S]+?)__/, // 4 underline
    /~~([\s\S]+?)~~/, // 5 struck out
    /\|\|([\s\S]+?)\|\|/, // 6 spoiler
    /\*(?!\s)([^*]+?)\*/, // 7 italic
    /(?<!\w)_([^_]+?)_(?!\w)/, // 8 italic
    /\[([^\]]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, // 9, 10 named link
    /<?(https?:\/\/[^\s<>]+[^\s<>.,:;!?)"'])>?/, // 11 link
    /<@!?(\d+)>/, // 12 member
    /<#(\d+)>/, // 13 channel
    /<@&(\d+)>/, // 14 role
    /<t:(-?\d+)(?::([tTdDfFRsS]))?>/, // 15, 16 time
    /<\/([^:>]+):\d+>/, // 17 command
  ].map((part) => part.source).join("|"),
  "g",
);
const DATES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};
const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function rich(text, scene) {
  const out = document.createDocumentFragment();
  text.split(/```(?:\w*\n)?([\s\S]*?)```/).forEach((part, index) => {
    if (index % 2) out.append(el("pre", {}, el("code", {}, part.replace(/\n$/, ""))));
    else if (part.trim()) out.append(...lines(index ? part.replace(/^\n/, "") : part, scene));
  });
  return out;
}

function lines(text, scene) {
  const nodes = [];
  const all = text.split("\n");
  all.forEach((line, index) => {
    const [, mark, rest] = /^(#{1,3}|-#|>|[-*]) (.*)$/.exec(line) ?? [null, null, line];
    if (mark === null) {
      nodes.push(...inline(line, scene));
      if (index < all.length - 1) nodes.push(el("br"));
    } else if (mark === "-#") nodes.push(el("small", { class: "line" }, ...inline(rest, scene)));
    else if (mark === ">") nodes.push(el("blockquote", {}, ...inline(rest, scene)));
    else if (mark.startsWith("#")) nodes.push(el("strong", { class: "line heading" }, ...inline(rest, scene)));
    else nodes.push(el("span", { class: "line bullet" }, ...inline(rest, scene)));
  });
  return nodes;
}

function inline(text, scene) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) nodes.push(text.slice(end, match.index));
    nodes.push(marked(match, scene));
    end = match.index + match[0].length;
  }
  if (end < text.length) nodes.push(text.slice(end));
  return nodes;
}

function marked(match, scene) {
  const within = (tag, content, attributes) => el(tag, attributes, ...inline(content, scene));
  if (match[1]) return match[1];
  if (match[2]) return el("code", {}, match[2]);
  if (match[3]) return within("strong", match[3]);
  if (match[4]) return within("u", match[4]);
  if (match[5]) return within("s", match[5]);
  if (match[6]) return within("span", match[6], { class: "spoiler", tabindex: "0", title: "Hidden text" });
  if (match[7] || match[8]) return within("em", match[7] || match[8]);
  if (match[9]) return link(match[10], match[9]);
  if (match[11]) return link(match[11], match[11]);
  if (match[12]) return mention("@", scene.people.find((one) => one.id === match[12])?.name);
  if (match[13]) return mention("#", scene.channels.find((one) => one.id === match[13])?.name);
  if (match[14]) return mention("@", scene.roles.find((one) => one.id === match[14])?.name);
  if (match[15]) return time(Number(match[15]), match[16] || "f", scene.locale);
  return mention("/", match[17]);
}

const MESSAGE = /^https:\/\/discord\.com\/channels\/\d+\/\d+\/(\d+)$/;

function link(address, label) {
  const href = safeLink(address), jump = MESSAGE.exec(address);
  if (href && jump) return el("a", { href, onclick: (event) => goTo(event, jump[1]) }, label);
  return href ? el("a", { href, target: "_blank", rel: "noopener noreferrer" }, label) : label;
}

// A message that is on this page is shown here, not at Discord.
function goTo(event, id) {
  event.preventDefault();
  const message = document.getElementById(`m-${id}`);
  message?.scrollIntoView({ block: "center" });
  message?.focus({ preventScroll: true });
}

const mention = (sign, name) => el("span", { class: "mention" }, `${sign}${name ?? "unknown"}`);

export function time(seconds, style, locale) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `<t:${seconds}>`;
  const node = el("time", { datetime: date.toISOString(), title: date.toLocaleString() });
  if (style === "R") Object.assign(node.dataset, { relative: seconds, locale });
  node.textContent = style === "R" ? relative(seconds, locale) : date.toLocaleString(locale, DATES[style] ?? DATES.f);
  return node;
}

function relative(seconds, locale) {
  const away = seconds - Date.now() / 1000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(away) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(away / size), unit);
}

setInterval(() => {
  for (const node of document.querySelectorAll("time[data-relative]")) {
    node.textContent = relative(Number(node.dataset.relative), node.dataset.locale);
  }
}, 1000);
