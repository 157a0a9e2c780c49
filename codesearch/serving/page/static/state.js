// What the page shows, as the address holds it: a reload, a bookmark and the back button lead to the same.

const KEYS = ["q", "root", "language", "folder", "kind", "view", "file", "line", "like"];

export function read() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(KEYS.map((key) => [key, given.get(key) ?? ""]));
}

export function write(changes, { replace = false } = {}) {
  const next = { ...read(), ...changes };
  const query = new URLSearchParams(Object.entries(next).filter(([, value]) => value !== ""));
  const address = query.size ? `?${query}` : location.pathname;
  if (address === (location.search || location.pathname)) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
}
