// A text box with the bot's suggestions under it (the combobox pattern of ARIA).

import { say } from "./announce.js";
import { el, nextId } from "./dom.js";

const TYPING_PAUSE = 250;

let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { pressed = false; }, true);

// `suggest()` resolves to [{name, value}]. A suggestion shows its name and sends its value; other text is sent as typed.
export function combobox(box, suggest) {
  const list = el("ul", { role: "listbox", id: nextId("suggestions"), class: "suggestions", "aria-label": "Suggestions", hidden: true });
  const values = new Map();
  let timer, latest = 0;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off" })) {
    box.setAttribute(name, value);
  }

  const open = (shown) => {
    list.hidden = !shown;
    box.setAttribute("aria-expanded", String(shown));
    if (!shown) mark(null);
  };
  const mark = (option) => {
    list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
  };
  const pick = (option) => {
    box.value = option.textContent;
    open(false);
  };
  const show = (choices) => {
    for (const choice of choices) values.set(choice.name, choice.value);
    const rows = choices.map((choice) => el("li", { role: "option", id: nextId("choice"), "aria-selected": "false" }, choice.name));
    list.replaceChildren(...rows);
    open(rows.length > 0);
    list.scrollIntoView({ block: "nearest" });
    say(rows.length ? `${rows.length} suggestions` : "No suggestions");
  };
  const ask = async () => {
    const turn = ++latest;
    const choices = await suggest();
    if (turn === latest && box === document.activeElement) show(choices);
  };
  const askSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_PAUSE);
  };
  const step = (by) => {
    const rows = [...list.children], at = rows.findIndex((row) => row.id === box.getAttribute("aria-activedescendant"));
    mark(rows.at(at < 0 && by < 0 ? -1 : (at + by) % rows.length));
  };

  box.addEventListener("focus", askSoon);
  box.addEventListener("input", askSoon);
  box.addEventListener("blur", () => {
    // Closed under a press, the list would move what is pressed away from the pointer.
    if (pressed) document.addEventListener("click", () => open(false), { once: true });
    else open(false);
  });
  box.addEventListener("keydown", (event) => {
    const marked = list.querySelector("[aria-selected=true]");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !list.hidden && marked) {
      event.preventDefault();
      pick(marked);
    } else if (event.key === "Escape" && !list.hidden) {
      // Only the list closes, not the form around it.
      event.preventDefault();
      open(false);
    }
  });
  // The text box keeps the focus while the pointer is on the list.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) pick(option);
  });
  return { list, read: () => values.get(box.value) ?? box.value };
}
