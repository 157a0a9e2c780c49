// The server's questions. An answer that a newer question has overtaken is dropped.

const running = new Map();

export async function ask(name, parameters = {}, type = "json") {
  running.get(name)?.abort();
  const abort = new AbortController();
  running.set(name, abort);
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value != null));
  const response = await fetch(`/api/${name}?${query}`, { signal: abort.signal });
  if (!response.ok) throw new Error((await response.json()).error);
  return type === "json" ? response.json() : response.arrayBuffer();
}

export const overtaken = (error) => error.name === "AbortError";
