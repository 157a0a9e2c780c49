// The list of results.

import { byId, code, element } from "./dom.js";

const SHOWN = 12; // lines of a result, until asked for more

let hits = [];
let at = -1;

export const current = () => hits[at];

export function drawHits(found, actions) {
  hits = found;
  at = -1;
  byId("hits").replaceChildren(...found.map((hit, position) => item(hit, position, actions)));
}

export function move(step) {
  if (!hits.length) return;
  const items = byId("hits").children;
  items[at]?.classList.remove("current");
  at = Math.min(hits.length - 1, Math.max(0, at + step));
  items[at].classList.add("current");
  items[at].scrollIntoView({ block: "nearest" });
  items[at].querySelector("a").focus({ preventScroll: true });
  items[at].querySelector("a").blur();
}

function item(hit, position, actions) {
  const address = new URLSearchParams(location.search);
  address.set("root", hit.root);
  address.set("file", hit.path);
  address.set("line", hit.start_line);
  const follow = (event) => {
    event.preventDefault();
    actions.open(hit);
  };
  const place = element("a", { href: `?${address}`, on: { click: follow } }, `${hit.path}:${hit.start_line}-${hit.end_line}`);
  const what = [hit.kind, hit.symbol].filter(Boolean).join(" ");
  const similar = element("button", { type: "button", on: { click: () => actions.similar(hit) } }, "similar");
  return element(
    "li",
    { on: { mouseenter: () => actions.over(hit) }, "data-position": position },
    element("div", { class: "place" }, place, element("small", {}, `${what}  ${hit.score.toFixed(3)}`), similar),
    code(nameOf(hit), hit.lines, hit.start_line, undefined, SHOWN),
    hit.lines.length > SHOWN ? more(hit) : null,
    hit.why ? why(hit) : null,
  );
}

const nameOf = (hit) => `${hit.path}, lines ${hit.start_line} to ${hit.end_line}`;

function more(hit) {
  const left = hit.lines.length - SHOWN;
  const button = element("button", { type: "button", class: "more" }, left === 1 ? "1 more line" : `${left} more lines`);
  button.addEventListener("click", () => {
    button.previousElementSibling.replaceWith(code(nameOf(hit), hit.lines, hit.start_line));
    button.remove();
  });
  return button;
}

function why(hit) {
  const { lexical_rank: lexical, semantic_rank: semantic, fused, signals } = hit.why;
  const changed = signals.filter(({ times, add }) => times !== 1 || add);
  const steps = changed.map(({ name, times, add }) => `${name} ${times !== 1 ? `x${times}` : ""}${add ? `+${add}` : ""}`);
  const ranks = `lexical ${lexical ?? "-"}, semantic ${semantic ?? "-"}, fused ${fused}`;
  return element("details", { class: "why" }, element("summary", {}, "why"), [ranks, ...steps].join("; "));
}
