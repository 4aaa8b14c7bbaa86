// Builds elements; text always goes in as text.

let serial = 0;

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export const byId = (id) => document.getElementById(id);

export const nextId = (name) => `${name}-${++serial}`;

export const unseen = (text) => el("span", { class: "unseen" }, text);

export function megabytes(bytes) {
  const size = bytes / (1024 * 1024);
  return size < 0.1 ? `${Math.max(1, Math.round(bytes / 1024))} kB` : `${size.toFixed(1)} MB`;
}

// A file name without what could turn the words around it: control characters and marks of writing direction.
export const legible = (name) => name.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "�");

export function safeLink(address) {
  try {
    const url = new URL(address, location.href);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
