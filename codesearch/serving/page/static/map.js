// The map of the code: pan, zoom, colours by folder or language, labels, neighbours on click, results lit up.

import { ask } from "./ask.js";
import { byId, element } from "./dom.js";
import { Points } from "./points.js";

const COLOURS = ["#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#0891b2", "#ca8a04", "#dc2626", "#4f46e5", "#65a30d"];
const OTHER = "#8b949e";
const NEAR = 8; // neighbours that are named
const POINT = 16; // bytes

let map = null; // {root, paths, languages, x, y, path, line, count}
let points = null;
let groups = "folder";
let hits = [];
let onOpen = () => {};
const view = { x: 0, y: 0, zoom: 1 };

export async function showMap(root, found, open) {
  onOpen = open;
  hits = found;
  byId("map").hidden = false;
  if (!map || map.root !== root) await load(root);
  if (map) paint();
}

export function hideMap() {
  byId("map").hidden = true;
}

export function light(hit) {
  if (!byId("map").hidden && map) paint(hit);
}

async function load(root) {
  const about = await ask("map", { root });
  if (!about.ready) {
    byId("near").textContent = "The map is being made ...";
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (!byId("map").hidden) return load(root);
    return;
  }
  byId("near").textContent = "";
  const data = new DataView(await ask("points", { root }, "bytes"));
  const count = data.byteLength / POINT;
  map = { root, ...about, count, x: new Float32Array(count), y: new Float32Array(count), path: new Uint32Array(count), line: new Uint32Array(count) };
  for (let at = 0; at < count; at++) {
    map.x[at] = data.getFloat32(at * POINT, true);
    map.y[at] = data.getFloat32(at * POINT + 4, true);
    map.path[at] = data.getUint32(at * POINT + 8, true);
    map.line[at] = data.getUint32(at * POINT + 12, true);
  }
  map.byPath = new Map(map.paths.map((path, number) => [path, number]));
  if (!points) {
    points = new Points(byId("canvas"));
    listen(byId("canvas"));
    new ResizeObserver(schedule).observe(byId("canvas"));
  }
  const places = new Float32Array(2 * count);
  for (let at = 0; at < count; at++) places.set([map.x[at], map.y[at]], 2 * at);
  points.set("place", places, 2);
}

function groupOf(number) {
  if (groups === "language") return map.languages[number] ?? "text";
  const path = map.paths[number];
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : ".";
}

function paint(extra) {
  const names = map.paths.map((_, number) => groupOf(number));
  const sizes = new Map();
  for (let at = 0; at < map.count; at++) sizes.set(names[map.path[at]], (sizes.get(names[map.path[at]]) ?? 0) + 1);
  const largest = [...sizes].sort((one, two) => two[1] - one[1]).slice(0, COLOURS.length);
  const colours = new Map(largest.map(([name], at) => [name, COLOURS[at]]));
  const lit = new Set();
  for (const hit of extra ? [...hits, extra] : hits) {
    const number = map.byPath.get(hit.path);
    for (let at = 0; number != null && at < map.count; at++) {
      if (map.path[at] === number && map.line[at] === hit.start_line) lit.add(at);
    }
  }
  const shades = new Float32Array(4 * map.count);
  const radii = new Float32Array(map.count);
  for (let at = 0; at < map.count; at++) {
    const shade = rgb(colours.get(names[map.path[at]]) ?? OTHER);
    const faint = lit.size && !lit.has(at);
    shades.set([...shade, faint ? 0.5 : 0.9], 4 * at);
    radii[at] = lit.has(at) ? 13 : 5;
  }
  points.set("colour", shades, 4);
  points.set("size", radii, 1);
  drawLegend(largest, colours, lit.size);
  drawLabels(largest, names);
  schedule();
}

function drawLegend(largest, colours, lit) {
  const other = groups === "folder" ? "language" : "folder";
  const swap = element("button", { type: "button" }, `coloured by ${groups}; by ${other}?`);
  swap.addEventListener("click", () => {
    groups = other;
    paint();
  });
  const rows = largest.map(([name, count]) => {
    const dot = element("i", {});
    dot.style.background = colours.get(name);
    return element("div", {}, dot, `${name} ${count.toLocaleString()}`);
  });
  const total = `${map.count.toLocaleString()} chunks, ${map.method}${lit ? `, ${lit} of the results lit up` : ""}`;
  byId("legend").replaceChildren(swap, ...rows, element("div", {}, total));
}

function drawLabels(largest, names) {
  const wanted = new Set(largest.map(([name]) => name));
  const sums = new Map();
  for (let at = 0; at < map.count; at++) {
    const name = names[map.path[at]];
    if (!wanted.has(name)) continue;
    const sum = sums.get(name) ?? [0, 0, 0];
    sums.set(name, [sum[0] + map.x[at], sum[1] + map.y[at], sum[2] + 1]);
  }
  byId("labels").replaceChildren(
    ...[...sums].map(([name, [x, y, count]]) => element("span", { "data-x": x / count, "data-y": y / count }, name)),
  );
}

let due = false;
function schedule() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    points.draw(view);
    for (const label of byId("labels").children) {
      const [left, top] = toScreen(Number(label.dataset.x), Number(label.dataset.y));
      label.style.left = `${left}px`;
      label.style.top = `${top}px`;
    }
  });
}

function unit() {
  const canvas = byId("canvas");
  return { canvas, half: (Math.min(canvas.clientWidth, canvas.clientHeight) / 2) * view.zoom * 0.92 };
}

function toScreen(x, y) {
  const { canvas, half } = unit();
  return [canvas.clientWidth / 2 + (x - view.x) * half, canvas.clientHeight / 2 - (y - view.y) * half];
}

function toMap(left, top) {
  const { canvas, half } = unit();
  return [view.x + (left - canvas.clientWidth / 2) / half, view.y - (top - canvas.clientHeight / 2) / half];
}

function zoomAt(left, top, factor) {
  const [x, y] = toMap(left, top);
  view.zoom = Math.min(200, Math.max(0.5, view.zoom * factor));
  const [nowX, nowY] = toMap(left, top);
  view.x += x - nowX;
  view.y += y - nowY;
  schedule();
}

function listen(canvas) {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    from = { left: event.offsetX, top: event.offsetY, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const { half } = unit();
    view.x -= (event.offsetX - from.left) / half;
    view.y += (event.offsetY - from.top) / half;
    from = { left: event.offsetX, top: event.offsetY, moved: from.moved || Math.abs(event.movementX) + Math.abs(event.movementY) > 1 };
    schedule();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && !from.moved) name(...toMap(event.offsetX, event.offsetY));
    from = null;
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(event.offsetX, event.offsetY, Math.exp(-event.deltaY / 400));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = 0.2 / view.zoom;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (moves[event.key]) {
      view.x += moves[event.key][0];
      view.y += moves[event.key][1];
      schedule();
    } else if (event.key === "+" || event.key === "-") {
      zoomAt(canvas.clientWidth / 2, canvas.clientHeight / 2, event.key === "+" ? 1.5 : 1 / 1.5);
    } else if (event.key === "0") {
      Object.assign(view, { x: 0, y: 0, zoom: 1 });
      schedule();
    } else if (event.key === "Enter") {
      name(view.x, view.y);
    } else return;
    event.preventDefault();
  });
}

function name(x, y) {
  const away = Array.from({ length: map.count }, (_, at) => [(map.x[at] - x) ** 2 + (map.y[at] - y) ** 2, at]);
  away.sort((one, two) => one[0] - two[0]);
  const items = away.slice(0, NEAR).map(([, at]) => {
    const hit = { root: map.root, path: map.paths[map.path[at]], start_line: map.line[at] };
    const button = element("button", { type: "button" }, `${hit.path}:${hit.start_line}`);
    button.addEventListener("click", () => onOpen(hit));
    return element("li", {}, button);
  });
  byId("near").replaceChildren("Nearest here", element("ul", {}, ...items));
}

function rgb(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
}

export const testing = { view, schedule };
