"use strict";
/* memory.html: reads a report or a log by memsim, which stands in the page as WebAssembly (page.c), and draws what
   it says. Nothing is loaded and nothing is sent.

   read(bytes) gives {status, errors, map}: memsim's exit status, its sentences, and the JSON of
   `memsim map --json`, or null. */

const PAGE = 4096;
const ROWS = 40; /* of the picture, about */

/* Colours that colour-blind people tell apart (after Okabe and Ito), as the kernel's picture has them. */
const KINDS = {
  "usable": ["#009e73", "free: for the page allocator"],
  "boot services": ["#56b4e9", "the firmware's until it is left, then for the page allocator"],
  "loader": ["#0072b2", "the loader's and Mortise's own, then for the page allocator"],
  "ACPI tables": ["#e69f00", "the firmware's tables"],
  "ACPI NVS": ["#b57b00", "the firmware's, kept for sleep"],
  "runtime services": ["#cc79a7", "the firmware's, which still runs there"],
  "special purpose": ["#f0e442", "kept for a special purpose"],
  "persistent": ["#a0a000", "storage that keeps its contents"],
  "unaccepted": ["#b0b0b0", "not accepted yet"],
  "reserved": ["#808080", "reserved by the firmware: its own, or of devices"],
  "device": ["#404040", "registers of devices"],
  "faulty": ["#d55e00", "faulty, as the firmware says"],
};

/* ---- memsim ---- */

function decode(text) {
  return Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
}

let program = null;

async function machine() {
  program = program || (await WebAssembly.compile(decode(document.getElementById("machine").textContent)));
  return (await WebAssembly.instantiate(program, {})).exports;
}

async function read(bytes) {
  const m = await machine();
  try {
    const at = m.page_text(bytes.length || 1) >>> 0;
    if (at === 0) return { status: 1, errors: "memsim: the text does not fit in memory", map: null };
    new Uint8Array(m.memory.buffer, at, bytes.length).set(bytes);
    const status = m.page_map(bytes.length);
    const said = (errors) => new TextDecoder("latin1").decode(
      new Uint8Array(m.memory.buffer, m.page_said(errors) >>> 0, m.page_said_bytes(errors) >>> 0));
    return { status, errors: said(1), map: status === 0 ? JSON.parse(said(0)) : null };
  } catch (error) {
    return { status: 2, errors: "memsim: this text asks for more memory than a page of the browser has", map: null };
  }
}

/* ---- words ---- */

/* As the kernel has it: tenths, cut. */
function sizeText(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < 5) {
    bytes /= 1024;
    unit++;
  }
  return unit === 0 ? bytes + " bytes" : (Math.floor(bytes * 10) / 10).toFixed(1) + " " + units[unit];
}

function hex(address) {
  return "0x" + address.toString(16);
}

/* Our own lines of the text, without stamps: what Mortise's kernel and loader say beside the map. */
function ownLines(text) {
  const lines = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const found = /^(?:# |\[ *\d+\.\d+\] )?([a-z]+): (.*)$/.exec(line);
    if (found) lines.push({ topic: found[1], text: found[2] });
  }
  return lines;
}

function ownersOf(lines) {
  const owners = [];
  for (const line of lines) {
    const found = line.topic === "owner" && /^0x([0-9a-f]+) 0x([0-9a-f]+) (.*), \d+ pages, .*$/.exec(line.text);
    if (found) owners.push({ base: parseInt(found[1], 16), end: parseInt(found[2], 16), name: found[3] });
  }
  return owners;
}

/* What tells of bad pages: those that were kept from use, those that lie together, and those that the exerciser
   found one by one. The second number is the end, or the last page. */
const BAD = [
  [/^bad: 0x([0-9a-f]+) 0x([0-9a-f]+)/, 0],
  [/^bad: \d+ bad pages? together, from 0x([0-9a-f]+) to 0x([0-9a-f]+)/, PAGE],
  [/^exercise: BAD page at 0x([0-9a-f]+)()/, PAGE],
];

function badOf(lines) {
  const bad = [];
  for (const line of lines)
    for (const [pattern, more] of BAD) {
      const found = pattern.exec(line.topic + ": " + line.text);
      if (found) bad.push({ base: parseInt(found[1], 16), end: parseInt(found[2] || found[1], 16) + more, text: line.text });
    }
  return bad;
}

/* The words for a system: a line with its name and a colon, then one that is set in and has the words. */
function badWordsOf(lines) {
  const words = [];
  for (let i = 1; i < lines.length; i++)
    if (lines[i - 1].topic === "bad" && lines[i].topic === "bad" && /:$/.test(lines[i - 1].text) && /^ {4}/.test(lines[i].text))
      words.push({ system: lines[i - 1].text, words: lines[i].text.trim() });
  return words;
}

/* ---- the picture ---- */

/* The next power of two. */
function rowSize(map) {
  const total = map.reduce((sum, r) => sum + r.pages * PAGE, 0);
  let size = 16 * 1024 * 1024;
  while (size * ROWS < total) size *= 2;
  return size;
}

/* Windows of `size` bytes that show something. What is empty is a gap, and so is the middle of reserved memory and
   of devices: they can be larger than all RAM. */
function windowsOf(map, size) {
  const shown = new Set();
  for (const r of map) {
    const first = Math.floor(r.base / size), last = Math.ceil(r.end / size) - 1;
    const dull = (r.kind === "reserved" || r.kind === "device") && last - first > 3;
    if (dull) shown.add(first).add(last);
    else for (let w = first; w <= last; w++) shown.add(w);
  }
  return [...shown].sort((a, b) => a - b);
}

function zoneOf(address) {
  return address < 0x1000000 ? "DMA" : address < 0x100000000 ? "DMA32" : "NORMAL";
}

function nodeOf(nodes, address) {
  for (const n of nodes)
    for (const r of n.ranges)
      if (address >= r.base && address < r.base + r.pages * PAGE) return n.node;
  return null;
}

/* The parts of a window: a region cut at owners' and nodes' borders, so that each has one answer. */
function partsOf(shown, start, end) {
  const parts = [];
  for (const r of shown.map) {
    if (r.end <= start || r.base >= end) continue;
    const cuts = new Set([Math.max(r.base, start), Math.min(r.end, end)]);
    for (const other of [...shown.owners, ...shown.ranges, { base: 0x1000000, end: 0x100000000 }])
      for (const cut of [other.base, other.end])
        if (cut > r.base && cut < r.end && cut > start && cut < end) cuts.add(cut);
    const borders = [...cuts].sort((a, b) => a - b);
    for (let i = 0; i + 1 < borders.length; i++) parts.push(describe(shown, r, borders[i], borders[i + 1]));
  }
  return parts;
}

function describe(shown, region, base, end) {
  const owner = shown.owners.find((o) => o.base <= base && o.end >= end);
  const name = owner ? owner.name : region.label;
  const node = nodeOf(shown.nodes, base);
  const why = KINDS[region.kind] ? KINDS[region.kind][1] : region.kind;
  return {
    base, end, kind: region.kind, owner: name, node,
    words: `${hex(base)} to ${hex(end)}, ${sizeText(end - base)}: ${region.kind}, ${why}` +
      `; zone ${zoneOf(base)}` + (name ? `; owner: ${name}` : "") + (node === null ? "" : `; node ${node}`),
  };
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

const WIDTH = 1000, LEFT = 150, HIGH = 22, STRIP = 4;

/* One window: its parts, below them a strip in the tint of the node, and the owners and bad pages over them. */
function drawWindow(svg, shown, start, y) {
  const scale = (WIDTH - LEFT) / shown.size;
  const x = (address) => LEFT + (address - start) * scale;
  svg.append(element("text", { x: 0, y: y + 15 }, hex(start)));
  for (const part of partsOf(shown, start, start + shown.size)) {
    const width = Math.max((part.end - part.base) * scale, 0.7);
    const rect = element("rect", { class: "part", x: x(part.base), y, width, height: HIGH, fill: (KINDS[part.kind] || ["#ffffff"])[0] });
    rect.append(element("title", {}, part.words));
    part.rect = rect;
    shown.parts.push(part);
    svg.append(rect);
    if (part.owner) svg.append(element("rect", { x: x(part.base), y: y + HIGH - 5, width, height: 5, fill: "#000000", "pointer-events": "none" }));
    if (part.node !== null)
      svg.append(element("rect", { class: "node", x: x(part.base), y: y + HIGH, width, height: STRIP, fill: ["#404080", "#c0c0f0", "#804040", "#f0c0c0"][part.node % 4] }));
  }
  for (const bad of shown.bad) {
    if (bad.end <= start || bad.base >= start + shown.size) continue;
    const rect = element("rect", { class: "bad", x: x(Math.max(bad.base, start)) - 1, y: y - 2, width: Math.max((bad.end - bad.base) * scale, 4), height: HIGH + 4, fill: "#ff0000" });
    rect.append(element("title", {}, "bad: " + bad.text));
    svg.append(rect);
  }
}

function draw(shown) {
  const windows = windowsOf(shown.map, shown.size);
  const svg = element("svg", { role: "img", "aria-label": `${windows.length} rows of ${sizeText(shown.size)}` });
  let y = 4, next = 0;
  for (const w of windows) {
    if (w > next) {
      svg.append(element("text", { x: LEFT, y: y + 12 }, `${sizeText((w - next) * shown.size)}: no RAM`));
      y += 18;
    }
    drawWindow(svg, shown, w * shown.size, y);
    y += HIGH + STRIP + 4;
    next = w + 1;
  }
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${y}`);
  return svg;
}

/* ---- the page ---- */

const $ = (id) => document.getElementById(id);

function fill(id, items) {
  $(id).replaceChildren(...items.map((text) => {
    const li = document.createElement("li");
    li.textContent = text;
    return li;
  }));
}

function table(id, head, rows) {
  const line = (cells, kind) => {
    const tr = document.createElement("tr");
    for (const cell of cells) tr.append(Object.assign(document.createElement(kind), { textContent: cell }));
    return tr;
  };
  $(id).replaceChildren(line(head, "th"), ...rows.map((row) => line(row, "td")));
}

function showLegend(shown) {
  const used = Object.keys(KINDS).filter((kind) => shown.map.some((r) => r.kind === kind));
  $("legend").replaceChildren(...used.map((kind) => {
    const li = document.createElement("li"), box = document.createElement("span");
    box.style.background = KINDS[kind][0];
    li.append(box, kind);
    return li;
  }));
}

function copyButton({ system, words }) {
  const row = document.createElement("div"), name = document.createElement("span"), code = document.createElement("code"), button = document.createElement("button");
  row.className = "words";
  code.textContent = words;
  button.textContent = "Copy";
  button.addEventListener("click", () => {
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
    $("said").textContent = "Copied.";
  });
  name.textContent = system;
  row.append(name, code, button);
  return row;
}

function showBad(shown, words) {
  $("bad-section").hidden = shown.bad.length === 0 && words.length === 0;
  fill("bad-pages", shown.bad.map((bad) => bad.text));
  $("bad-words").replaceChildren(...words.map(copyButton));
}

function anomalyWords(j) {
  const words = j.notes.map((note) => `line ${note.line} ${note.text}`);
  for (const a of j.anomalies)
    if (a.first_base !== undefined)
      words.push(`${a.count} times: ${a.kind}; the first at ${hex(a.first_base)}, ${sizeText(a.first_size)}`);
  return words.length > 0 ? words : ["Nothing."];
}

let chosen = null;

function choose(shown, index) {
  if (chosen !== null && shown.parts[chosen]) shown.parts[chosen].rect.classList.remove("chosen");
  chosen = Math.min(Math.max(index, 0), shown.parts.length - 1);
  const part = shown.parts[chosen];
  if (!part) return;
  part.rect.classList.add("chosen");
  $("detail").textContent = part.words;
}

function listen(shown, picture) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 };
  picture.onkeydown = (event) => {
    if (step[event.key] === undefined) return;
    event.preventDefault();
    choose(shown, (chosen === null ? -1 : chosen) + step[event.key]);
  };
  picture.onpointermove = picture.onclick = (event) => {
    const index = shown.parts.findIndex((part) => part.rect === event.target);
    if (index >= 0) choose(shown, index);
  };
}

function show(name, text, j) {
  const lines = ownLines(text);
  const map = j.map.map((r) => ({ ...r, end: r.base + r.pages * PAGE }));
  const ranges = j.nodes.flatMap((n) => n.ranges.map((r) => ({ base: r.base, end: r.base + r.pages * PAGE })));
  const shown = { map, ranges, nodes: j.nodes, owners: ownersOf(lines), bad: badOf(lines), parts: [], size: rowSize(map) };
  chosen = null;
  $("detail").textContent = "\u00a0";
  $("name").textContent = j.machine || name;
  fill("facts", [`${j.entries} entries, read as: ${j.styles.join(", ")}`,
    `usable: ${sizeText(j.usable_pages * PAGE)}, ${j.usable_pages} pages; the page allocator's tables take ${j.metadata_pages} of them`,
    ...(j.partial ? ["this map is not whole: lines of it are missing"] : []), `audit: ${j.audit}`]);
  $("picture").replaceChildren(draw(shown));
  listen(shown, $("picture"));
  showLegend(shown);
  $("ram-section").hidden = j.ram === null;
  fill("ram", j.ram === null ? [] : j.ram.lines);
  showBad(shown, badWordsOf(lines));
  table("zones", ["zone", "pages", ""], j.zones.map((z) => [z.name, z.pages, sizeText(z.pages * PAGE)]));
  $("nodes-section").hidden = j.nodes.length === 0;
  table("nodes", ["node", "pages of RAM", "usable"], j.nodes.map((n) => [n.node, n.ram_pages, n.usable_pages]));
  fill("anomalies", anomalyWords(j));
  $("result").hidden = false;
}

/* A text that came in: show it, or say what memsim says of it. */
async function take(name, bytes) {
  $("said").textContent = "Reading...";
  const got = await read(bytes);
  $("result").hidden = got.map === null;
  $("said").textContent = got.errors.replace(/^memsim: /gm, "").trim();
  if (got.map !== null) show(name, new TextDecoder("latin1").decode(bytes), got.map);
  return got;
}

async function takeFile(file) {
  if (file) await take(file.name, new Uint8Array(await file.arrayBuffer()));
}

function start() {
  $("file").addEventListener("change", () => takeFile($("file").files[0]));
  $("paste").addEventListener("click", () => {
    $("text").hidden = false;
    $("text").focus();
  });
  $("text").addEventListener("input", () => take("The text", new TextEncoder().encode($("text").value)));
  for (const name of ["dragenter", "dragover", "dragleave", "drop"])
    document.addEventListener(name, (event) => {
      event.preventDefault();
      $("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
    });
  document.addEventListener("drop", (event) => takeFile(event.dataTransfer.files[0]));
}

start();
