// Symbols below the question box, for a single word.

import { ask } from "./ask.js";
import { byId, element } from "./dom.js";
import { read } from "./state.js";

const WAIT = 120; // milliseconds after the last key

let chosen = -1;
let timer = 0;

export function attach(choose) {
  const box = byId("query");
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => suggest(choose), WAIT);
  });
  box.addEventListener("blur", () => setTimeout(hide, 150));
  box.addEventListener("keydown", (event) => {
    const items = [...byId("suggestions").children];
    if (event.key === "Escape") return hide();
    if (!items.length || byId("suggestions").hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      pick(items, (chosen + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length);
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      items[chosen].dispatchEvent(new Event("mousedown"));
    }
  });
  byId("form").addEventListener("submit", hide);
}

async function suggest(choose) {
  const typed = byId("query").value.trim();
  if (typed.length < 2 || /\s/.test(typed)) return hide();
  const found = await ask("symbols", { q: typed, root: read().root }).catch(() => []);
  if (!found.length || document.activeElement !== byId("query")) return hide();
  const items = found.map(({ name, kind, path }, at) => {
    const item = element("li", { role: "option", id: `suggestion-${at}`, "aria-selected": "false" });
    item.append(name, " ", element("small", {}, `${kind} in ${path}`));
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      hide();
      choose(name);
    });
    return item;
  });
  byId("suggestions").replaceChildren(...items);
  byId("suggestions").hidden = false;
  byId("query").setAttribute("aria-expanded", "true");
  chosen = -1;
}

function pick(items, next) {
  items[chosen]?.setAttribute("aria-selected", "false");
  chosen = next;
  items[chosen].setAttribute("aria-selected", "true");
  byId("query").setAttribute("aria-activedescendant", items[chosen].id);
}

function hide() {
  byId("suggestions").hidden = true;
  byId("suggestions").replaceChildren();
  byId("query").setAttribute("aria-expanded", "false");
  byId("query").removeAttribute("aria-activedescendant");
  chosen = -1;
}
