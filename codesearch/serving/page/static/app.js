// The page: state in the address, views that draw it, keys.

import { ask, overtaken } from "./ask.js";
import { byId, element } from "./dom.js";
import { drawFacets } from "./facets.js";
import { closeFile, openFile } from "./file.js";
import { drawHits, current, move } from "./hits.js";
import { showMap, hideMap, light } from "./map.js";
import { read, write } from "./state.js";
import { attach as attachSuggestions } from "./suggestions.js";

let answer = { hits: [] };

async function show() {
  const state = read();
  byId("query").value = state.q;
  document.title = state.q ? `${state.q} - codesearch` : "codesearch";
  const onMap = state.view === "map";
  byId("show-list").setAttribute("aria-pressed", String(!onMap));
  byId("show-map").setAttribute("aria-pressed", String(onMap));
  byId("hits").hidden = onMap;
  await searched(state);
  if (onMap) await showMap(state.root, answer.hits, open);
  else hideMap();
  if (state.file) await openFile(state.root, state.file, Number(state.line) || 1, answer.hits).catch(tell);
  else closeFile();
}

async function searched(state) {
  try {
    if (state.like) {
      const [path, line] = [state.like.replace(/:\d+$/, ""), state.like.match(/\d+$/)?.[0]];
      answer = await ask("similar", { root: state.root, path, line });
    } else if (state.q) {
      say("searching ...");
      const { q, root, language, folder, kind } = state;
      answer = await ask("search", { q, root, language, folder, kind });
    } else {
      answer = { hits: [] };
      drawRoots(await ask("roots"));
      return;
    }
    drawHits(answer.hits, actions);
    drawFacets(answer.facets, state, (changes) => go(changes));
    say(summary());
  } catch (error) {
    tell(error);
  }
}

function drawRoots(roots) {
  byId("facets").replaceChildren();
  byId("hits").replaceChildren(
    ...roots.map((root) =>
      element("li", {}, element("div", { class: "place" }, root.root, element("small", {}, freshness(root)))),
    ),
  );
  const embedded = roots.reduce((sum, root) => sum + root.embedded, 0);
  const total = roots.reduce((sum, root) => sum + root.total, 0);
  say(total ? `${embedded.toLocaleString()} of ${total.toLocaleString()} chunks embedded` : "nothing is indexed yet: ask something");
  if (embedded < total) setTimeout(() => !read().q && show(), 1500);
}

const freshness = (root) => `${root.files.toLocaleString()} files, ${root.total.toLocaleString()} chunks, ${root.model}`;

function summary() {
  const count = answer.hits.length ? `${answer.hits.length} results` : "nothing found";
  if (answer.total == null) return count;
  const share = answer.total ? Math.floor((100 * answer.embedded) / answer.total) : 0;
  const state = answer.embedded < answer.total ? `, ${share} % embedded so far` : "";
  const age = answer.age == null ? ", not all files are read yet" : "";
  return `${count} in ${answer.files.toLocaleString()} files${state}${age}`;
}

function go(changes, options) {
  write(changes, options);
  show();
}

function open(hit) {
  go({ root: hit.root, file: hit.path, line: String(hit.start_line) });
}

const actions = {
  open,
  similar: (hit) => go({ q: "", root: hit.root, like: `${hit.path}:${hit.start_line}`, file: "", line: "" }),
  over: (hit) => light(hit),
};

const say = (text) => (byId("status").textContent = text);

function tell(error) {
  if (!overtaken(error)) say(error.message);
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  go({ q: byId("query").value.trim(), like: "", file: "", line: "", language: "", folder: "", kind: "" });
  byId("main").focus();
});
byId("show-list").addEventListener("click", () => go({ view: "" }));
byId("show-map").addEventListener("click", () => go({ view: "map" }));
byId("show-help").addEventListener("click", () => byId("help").showModal());
byId("close-help").addEventListener("click", () => byId("help").close());
addEventListener("popstate", show);
attachSuggestions((name) => go({ q: name, like: "", file: "", line: "" }));

const KEYS = {
  "/": () => byId("query").select(),
  j: () => move(1),
  k: () => move(-1),
  Enter: () => current() && open(current()),
  s: () => current() && actions.similar(current()),
  e: () => document.querySelector("#hits > .current details summary")?.click(),
  m: () => go({ view: read().view === "map" ? "" : "map" }),
  "?": () => byId("help").showModal(),
};

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !byId("help").open) {
    byId("main").focus();
    if (read().file) go({ file: "", line: "" });
    return;
  }
  const busy = event.target.closest("input, button, a, summary, dialog, canvas");
  if (event.ctrlKey || event.metaKey || event.altKey || (busy && event.target.id !== "canvas")) return;
  if (busy && event.key === "Enter") return;
  if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

show();
