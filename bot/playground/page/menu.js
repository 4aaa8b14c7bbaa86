// One popup menu for the whole page: under a button, or where the pointer is.

import { byId, el, nextId } from "./dom.js";

const EDGE = 8;
const menu = byId("menu");
let opener = null;

// `groups` is [{title, items: [{label, hint, checked, pick}]}]; `place` is an element or a {x, y}.
export function openMenu(place, groups, name, returnTo) {
  opener = returnTo;
  menu.setAttribute("aria-label", name);
  menu.replaceChildren(...groups.flatMap(drawGroup));
  menu.showPopover();
  moveTo(place);
  opener?.setAttribute("aria-expanded", "true");
  (menu.querySelector("[aria-checked=true]") ?? items()[0])?.focus();
}

function drawGroup(group) {
  const title = group.title ? el("p", { class: "menu-title", id: nextId("menu") }, group.title) : null;
  const rows = group.items.map(drawItem);
  return [el("div", { role: "group", "aria-labelledby": title?.id }, title, ...rows)];
}

function drawItem(item) {
  const radio = item.checked !== undefined;
  const pick = () => {
    menu.hidePopover();
    item.pick();
  };
  return el("button", {
    type: "button", tabindex: "-1", role: radio ? "menuitemradio" : "menuitem",
    "aria-checked": radio ? String(item.checked) : null, onclick: pick,
  }, item.label, item.hint ? el("span", { class: "hint" }, item.hint) : "");
}

function moveTo(place) {
  const box = place instanceof Element ? place.getBoundingClientRect() : { left: place.x, bottom: place.y, top: place.y };
  const fitsBelow = box.bottom + menu.offsetHeight + EDGE <= innerHeight;
  const top = fitsBelow ? box.bottom + 2 : box.top - menu.offsetHeight - 2;
  menu.style.left = `${Math.max(EDGE, Math.min(box.left, innerWidth - menu.offsetWidth - EDGE))}px`;
  menu.style.top = `${Math.max(EDGE, top)}px`;
}

const items = () => [...menu.querySelectorAll("button")];

menu.addEventListener("keydown", (event) => {
  const all = items(), at = all.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key === "Tab") {
    event.preventDefault();
    menu.hidePopover();
  } else if (event.key in steps) {
    event.preventDefault();
    all.at(steps[event.key] % all.length).focus();
  }
});
menu.addEventListener("beforetoggle", (event) => {
  if (event.newState !== "closed" || !opener) return;
  opener.setAttribute("aria-expanded", "false");
  if (menu.contains(document.activeElement)) opener.focus();
  opener = null;
});
