// Filters, counted over the results. Several of one facet are alternatives.

import { byId, element } from "./dom.js";

const TITLES = { language: "Language", folder: "Folder", kind: "Kind" };

export function drawFacets(facets, state, change) {
  const sets = Object.entries(TITLES).map(([name, title]) => facetOf(name, title, facets?.[name] ?? [], state, change));
  byId("facets").replaceChildren(...sets.filter(Boolean));
}

function facetOf(name, title, counted, state, change) {
  const chosen = new Set(state[name] ? state[name].split(",") : []);
  const known = new Map(counted);
  for (const value of chosen) if (!known.has(value)) known.set(value, 0);
  if (!known.size) return null;
  const choices = [...known].map(([value, count]) => {
    const box = element("input", { type: "checkbox", checked: chosen.has(value) });
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(value);
      else chosen.delete(value);
      change({ [name]: [...chosen].join(","), file: "", line: "" });
    });
    return element("label", {}, box, value, element("output", {}, String(count)));
  });
  return element("fieldset", {}, element("legend", {}, title), ...choices);
}
