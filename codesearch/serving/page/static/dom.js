// Elements from values. Texts of files become text nodes, never markup.

export const byId = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export function code(name, lines, first, marked = () => false, limit = Infinity) {
  const rows = lines.slice(0, limit).map((pieces, at) => {
    const line = first + at;
    const parts = pieces.map(([kind, text]) => (kind ? element("i", { class: kindOf(kind) }, text) : text));
    return element("span", { "data-line": line, class: marked(line) ? "marked" : null }, ...parts);
  });
  return element("div", { class: "code", tabindex: 0, role: "group", "aria-label": name }, ...rows);
}

function kindOf(kind) {
  return kind === "nf" || kind === "nc" || kind === "nn" ? kind : kind[0];
}
