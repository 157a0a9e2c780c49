// One file, with the result marked.

import { ask } from "./ask.js";
import { byId, code, element } from "./dom.js";
import { write } from "./state.js";

export async function openFile(root, path, line, hits) {
  const pane = byId("file");
  const file = await ask("file", { root, path });
  const hit = hits.find((one) => one.path === path && one.start_line === line);
  const last = hit?.end_line ?? line;
  const close = element("button", { type: "button" }, "Close");
  close.addEventListener("click", () => {
    write({ file: "", line: "" });
    closeFile();
  });
  const text = code(path, file.lines, 1, (number) => number >= line && number <= last);
  pane.replaceChildren(element("header", {}, element("h2", {}, path), close), text);
  pane.hidden = false;
  pane.querySelector(".marked")?.scrollIntoView({ block: "center" });
}

export function closeFile() {
  byId("file").hidden = true;
  byId("file").replaceChildren();
}
