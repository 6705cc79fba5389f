"use strict";
// Text of the data enters the page as text only (textContent, setAttribute): none of it is markup.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const ORIGINS = { new: "new", replay: "replayed", edit: "edited" };
const SVG = "http://www.w3.org/2000/svg", PAGE = 80, BINS = 24;

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key in node) node[key] = value; else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}
function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const isNumber = (value) => typeof value === "number";
const number = (value) => !isNumber(value) ? (value ?? "–")
  : Number.isInteger(value) ? String(value) : String(+value.toPrecision(3));
const words = (name) => name.replaceAll("_", " ");
const last = (list) => list.length ? list[list.length - 1] : null;
const mean = (list) => list.length ? list.reduce((a, b) => a + b, 0) / list.length : null;

// Every row of the data as an object; what can be sorted and filtered by stands in `values`.
const tasks = data.tasks.map((row, index) => {
  const [id, generation, origin, branch, times, params, features, returns, successes, score,
    regret, parents, operator, picture] = row;
  const values = {};
  data.parameters.forEach((name, i) => { values[name] = params[i]; });
  data.features.forEach((name, i) => { if (features[i] !== null) values[name] = features[i]; });
  if (isNumber(returns[0])) values["first return"] = returns[0];
  if (isNumber(last(returns))) values["last return"] = last(returns);
  if (regret !== null) values.regret = regret;
  if (score !== null) values.score = score;
  if (times) values["times played"] = times;
  const task = { index, id, generation, origin, branch, times, params, features, returns, successes,
    score, regret, parents, operator, picture, values };
  task.text = [id, ORIGINS[origin] ?? origin, branch, operator, ...parents, ...Object.entries(values)
    .map(([name, value]) => isNumber(value) ? name : `${name} ${value} ${words(String(value))}`)]
    .join(" ").toLowerCase();
  return task;
});
const byId = new Map();
for (const task of tasks) byId.set(task.id, task);
const keys = [...new Set(tasks.flatMap((task) => Object.keys(task.values)))]
  .filter((key) => new Set(tasks.map((task) => task.values[key]).filter((value) => value !== undefined)).size > 1);
const numeric = keys.filter((key) => tasks.some((task) => isNumber(task.values[key])));
const varying = data.parameters.filter((name) => keys.includes(name));
const generations = [...new Set(tasks.map((task) => task.generation))]
  .filter((generation) => generation !== null).sort((a, b) => a - b);
const about = new Map(data.generations.map((row) => [row.generation, row]));

const state = { text: "", origins: new Set(), by: "", up: true, generation: null, beside: null, ranges: {} };

const CONDITION = /^(.+?)(>=|<=|>|<|=)(-?[\d.]+(?:e-?\d+)?)$/;
const HOLDS = { ">=": (a, b) => a >= b, "<=": (a, b) => a <= b, ">": (a, b) => a > b,
  "<": (a, b) => a < b, "=": (a, b) => a === b };
function terms() {
  return state.text.toLowerCase().split(/\s+/).filter(Boolean).map((term) => {
    const found = CONDITION.exec(term);
    const key = found && numeric.find((name) => name.replaceAll(" ", "_").toLowerCase() === found[1]);
    return key ? (task) => isNumber(task.values[key]) && HOLDS[found[2]](task.values[key], +found[3])
      : (task) => task.text.includes(term);
  });
}
function selected(generation) {
  const conditions = terms(), ranges = Object.entries(state.ranges);
  const found = tasks.filter((task) => (generation === null || task.generation === generation)
    && (!state.origins.size || state.origins.has(task.origin))
    && conditions.every((holds) => holds(task))
    && ranges.every(([key, [low, high]]) => task.values[key] >= low && task.values[key] <= high));
  if (!state.by && state.up) return found;
  const sign = state.up ? 1 : -1;
  const value = state.by ? (task) => task.values[state.by] : (task) => task.index;
  return found.sort((one, other) => {
    const a = value(one), b = value(other);
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return sign * (isNumber(a) && isNumber(b) ? a - b : String(a).localeCompare(String(b)));
  });
}

function spark(task, width, height) {
  const shown = task.returns.map((value) => value ?? 0), low = Math.min(0, ...shown), high = Math.max(...shown, low + 1e-9);
  const x = (i) => shown.length === 1 ? width / 2 : 4 + i * (width - 8) / (shown.length - 1);
  const y = (value) => height - 4 - (value - low) / (high - low) * (height - 8);
  const points = shown.map((value, i) => `${x(i)},${y(value)}`).join(" ");
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "spark", role: "img" },
    svg("polyline", { points, fill: "none", stroke: "var(--accent)", "stroke-width": 1.4, opacity: .55 }));
  picture.setAttribute("aria-label", `returns ${shown.map(number).join(", ")}`);
  if (shown.length <= 24) shown.forEach((value, i) => {
    const reached = task.successes ? task.successes[i] === "1" : true;
    picture.append(svg("circle", { cx: x(i), cy: y(value), r: 2.6, stroke: "var(--accent)",
      fill: reached ? "var(--accent)" : "var(--panel)", "stroke-width": 1.2 }));
  });
  return picture;
}
function shot(task) {
  const uri = task.picture === null ? null : data.pictures[task.picture];
  if (!uri) return el("div", { className: "shot" }, el("span", { className: "none", textContent: "no picture" }));
  const image = el("img", { alt: `task ${task.id}`, decoding: "async" });
  image.onload = () => image.classList.toggle("small", image.naturalWidth <= 80);
  image.src = uri;
  return el("div", { className: "shot" }, image);
}
function dot(origin) {
  return el("span", { className: `dot ${origin}`, title: ORIGINS[origin] ?? origin });
}

function card(task) {
  const said = varying.slice(0, 4).map((name) => isNumber(task.values[name])
    ? `${words(name)} ${number(task.values[name])}` : words(String(task.values[name]))).join(" · ");
  const box = el("button", { className: "card", title: said, onclick: () => show(task) }, shot(task));
  const top = el("div", { className: "line" },
    el("span", { className: "mono" }, dot(task.origin), task.id.slice(0, 8)));
  if (state.generation === null && generations.length > 1) {
    top.append(el("span", { className: "soft", textContent: `gen ${task.generation}` }));
  }
  const text = el("div", { className: "about" }, top);
  if (said) text.append(el("div", { className: "params", textContent: said }));
  if (task.returns.length) {
    text.append(spark(task, 120, 26));
    const earned = el("div", { className: "earned" },
      el("span", { textContent: `${number(task.returns[0])} → ${number(last(task.returns))}` }));
    if (task.regret !== null) {
      earned.append(el("div", { className: "soft", textContent: `regret ${number(task.regret)}` }));
    }
    text.append(earned);
  }
  box.append(text);
  return box;
}

function table(rows) {
  return el("table", {}, ...rows.map(([name, value]) => el("tr", {},
    el("td", { className: "soft", textContent: name }),
    el("td", {}, value instanceof Node ? value : String(number(value))))));
}
function relatives(ids) {
  const list = el("span");
  ids.forEach((id, i) => {
    const known = byId.get(id);
    if (i) list.append(", ");
    list.append(known
      ? el("button", { className: "link mono", textContent: id.slice(0, 12), onclick: () => show(known) })
      : el("code", { textContent: id.slice(0, 12) }));
  });
  return list;
}
function show(task) {
  const children = [...new Set(tasks.filter((one) => one.parents.includes(task.id)).map((one) => one.id))];
  const left = el("div", {}, shot(task)), right = el("div");
  right.append(el("h2", { className: "mono", textContent: task.id }));
  const origin = el("span", {}, dot(task.origin), ORIGINS[task.origin] ?? task.origin);
  const rows = [["origin", origin]];
  if (task.generation !== null) rows.push(["generation", task.generation]);
  if (task.branch) rows.push(["branch", task.branch]);
  if (task.times) rows.push(["times played in it", task.times]);
  if (task.parents.length) rows.push(["edit of", relatives(task.parents)], ["by", task.operator]);
  if (children.length) rows.push(["edited into", relatives(children.slice(0, 12))]);
  if (task.score !== null) rows.push([data.score || "score", task.score]);
  if (task.regret !== null) rows.push(["regret of the last (oracle − return)", task.regret]);
  right.append(table(rows));
  if (task.returns.length) {
    left.append(el("h3", { textContent: `${data.judged_by} by ${data.unit}` }), spark(task, 300, 90),
      el("p", { className: "soft", textContent: task.returns.map(number).join(", ") }));
    if (task.successes) left.append(el("p", { className: "soft", textContent: "filled: reached its goal" }));
  }
  right.append(el("h3", { textContent: "parameters" }),
    table(data.parameters.map((name, i) => [words(name), task.params[i]])));
  const described = data.features.map((name, i) => [words(name), task.features[i]]).filter((row) => row[1] !== null);
  if (described.length) right.append(el("h3", { textContent: "descriptors" }), table(described));
  if (data.hint) right.append(el("p", { className: "soft" }, el("code", { textContent: data.hint.replace("ID", task.id.slice(0, 12)) })));
  $("detail").replaceChildren(left, right);
  if (!$("dialog").open) $("dialog").showModal();
  $("dialog").scrollTop = 0;
}
$("close").onclick = () => $("dialog").close();
$("dialog").onclick = (event) => { if (event.target === $("dialog")) $("dialog").close(); };

// Cards are made a page at a time, when the end of the grid comes into sight.
function column(generation) {
  const found = selected(generation), grid = el("div", { className: "grid" });
  const box = el("section", { className: "column" });
  if (generations.length > 1 || state.beside !== null) box.append(head(generation, found));
  box.append(grid);
  if (!found.length) box.append(el("p", { className: "none-left", textContent: "No task is like that." }));
  let drawn = 0;
  const end = el("div"), more = () => {
    grid.append(...found.slice(drawn, drawn + PAGE).map(card));
    drawn = Math.min(drawn + PAGE, found.length);
    if (drawn >= found.length) watcher.disconnect();
  };
  const watcher = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) more(); },
    { rootMargin: "600px" });
  more();
  box.append(end);
  if (drawn < found.length) watcher.observe(end);
  return { box, found };
}
function head(generation, found) {
  const earned = mean(found.map((task) => last(task.returns)).filter(isNumber));
  const regret = mean(found.filter((task) => task.regret !== null).map((task) => task.regret));
  const parts = [`${found.length} task${found.length === 1 ? "" : "s"}`];
  if (earned !== null) parts.push(`mean last return ${number(earned)}`);
  if (regret !== null) parts.push(`mean regret ${number(regret)}`);
  return el("div", { className: "head" },
    el("b", { textContent: generation === null ? "all generations" : `generation ${generation}` }),
    el("span", { className: "soft", textContent: parts.join(" · ") }));
}
function draw() {
  const wanted = state.beside === null ? [state.generation] : [state.generation, state.beside];
  const made = wanted.map(column);
  $("columns").className = made.length > 1 ? "two" : "";
  $("columns").replaceChildren(...made.map((one) => one.box));
  const shown = made.map((one) => one.found.length).join(" and ");
  $("count").textContent = `${shown} of ${tasks.length}`;
  $("direction").textContent = state.up ? "↑" : "↓";
  $("reset").hidden = !(state.text || state.origins.size || Object.keys(state.ranges).length);
  document.body.dataset.shown = made.map((one) => one.found.length).join("+");
}

// The bars of a number: how many tasks are where; dragging over them keeps a range.
const panels = [];
function panel(key) {
  const known = tasks.map((task) => task.values[key]).filter(isNumber);
  const low = Math.min(...known), high = Math.max(...known), counts = new Array(BINS).fill(0);
  const bin = (value) => Math.min(Math.floor((value - low) / (high - low) * BINS), BINS - 1);
  known.forEach((value) => { counts[bin(value)] += 1; });
  const most = Math.max(...counts), picture = svg("svg", { viewBox: "0 0 240 44", preserveAspectRatio: "none" });
  const bars = counts.map((count, i) => svg("rect", { x: i * 10 + .5, width: 9, y: 44 - 44 * count / most,
    height: 44 * count / most, rx: 1 }));
  picture.append(svg("rect", { width: 240, height: 44, fill: "transparent" }), ...bars);
  const ends = [el("input", { type: "number", step: "any", "aria-label": `${key} at least` }),
    el("input", { type: "number", step: "any", "aria-label": `${key} at most` })];
  ends[0].placeholder = number(low); ends[1].placeholder = number(high);
  const update = () => {
    const range = state.ranges[key];
    bars.forEach((bar, i) => {
      const centre = low + (i + .5) * (high - low) / BINS, half = .5 * (high - low) / BINS;
      const inside = !range || (centre + half >= range[0] && centre - half <= range[1]);
      bar.setAttribute("fill", inside ? "var(--accent)" : "var(--line)");
    });
    ends.forEach((end, i) => { end.value = range && Number.isFinite(range[i]) ? +range[i].toPrecision(4) : ""; });
  };
  const keep = (from, to) => { state.ranges[key] = [Math.min(from, to), Math.max(from, to)]; update(); draw(); };
  const at = (event) => {
    const box = picture.getBoundingClientRect();
    return low + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * (high - low);
  };
  let from = null;
  picture.onpointerdown = (event) => { from = at(event); picture.setPointerCapture(event.pointerId); };
  picture.onpointermove = (event) => { if (from !== null) keep(from, at(event)); };
  picture.onpointerup = (event) => {
    if (Math.abs(at(event) - from) < (high - low) / 100) { delete state.ranges[key]; update(); draw(); }
    from = null;
  };
  ends.forEach((end) => { end.onchange = () => {
    if (!ends[0].value && !ends[1].value) delete state.ranges[key];
    else state.ranges[key] = [ends[0].value ? +ends[0].value : -Infinity, ends[1].value ? +ends[1].value : Infinity];
    update(); draw();
  }; });
  update();
  panels.push(update);
  return el("figure", {}, el("figcaption", {}, el("span", { textContent: words(key), title: key })),
    picture, el("div", { className: "ends" }, ...ends));
}

// Each moved parameter's interval over generations, the target behind it.
const strips = [];
function strip(name) {
  const rows = data.generations.filter((row) => row.regions[name]);
  const scale = data.log.includes(name) ? Math.log : (value) => value;
  const ends = rows.flatMap((row) => [...row.regions[name], ...(row.aims[name] ?? [])]).map(scale);
  const low = Math.min(...ends), high = Math.max(...ends, low + 1e-9);
  const width = 260, height = 54, first = rows[0].generation, step = width / (last(rows).generation - first + 1);
  const y = (value) => 2 + (1 - (scale(value) - low) / (high - low)) * (height - 4);
  const band = (region, x, fill) => svg("rect", { x, width: step, y: y(region[1]) - 1, fill,
    height: y(region[0]) - y(region[1]) + 2 });
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", height });
  for (const row of rows) {
    const x = (row.generation - first) * step;
    if (row.aims[name]) picture.append(band(row.aims[name], x, "var(--target)"));
  }
  const shown = rows.map((row) => {
    const rect = band(row.regions[name], (row.generation - first) * step, "var(--accent)");
    rect.style.cursor = "pointer";
    rect.onclick = () => at(row.generation);
    picture.append(rect);
    return [row, rect];
  });
  const value = el("span", { className: "soft" });
  strips.push(() => {
    const row = about.get(state.generation) ?? last(rows), region = row.regions[name] ?? last(rows).regions[name];
    value.textContent = `${number(region[0])} – ${number(region[1])}`;
    for (const [one, rect] of shown) rect.setAttribute("opacity", state.generation === null || one === row ? .85 : .3);
  });
  return el("figure", {}, el("figcaption", {}, el("span", { textContent: words(name) }), value), picture);
}
function at(generation) {
  state.generation = generation;
  const row = about.get(generation);
  $("all").setAttribute("aria-pressed", String(generation === null));
  $("at").textContent = generation === null ? "all" : String(generation);
  if (generation !== null) $("slider").value = String(nearest(generation));
  $("told").textContent = row ? row.told : data.told;
  strips.forEach((update) => update());
  draw();
}
const nearest = (generation) => Math.max(generations.findLastIndex((one) => one <= generation), 0);

function option(value, text) { return el("option", { value, textContent: text }); }
function start() {
  $("by").append(option("", data.order), ...keys.map((key) => option(key, words(key))));
  $("by").onchange = () => { state.by = $("by").value; draw(); };
  $("direction").onclick = () => { state.up = !state.up; draw(); };
  let waiting = 0;
  $("text").oninput = () => { clearTimeout(waiting); waiting = setTimeout(() => { state.text = $("text").value; draw(); }, 80); };
  const origins = [...new Set(tasks.map((task) => task.origin))];
  const chips = origins.length < 2 ? [] : origins.map((origin) => {
    const num = tasks.filter((task) => task.origin === origin).length;
    const chip = el("button", { className: "chip" }, dot(origin), `${ORIGINS[origin] ?? origin} ${num}`);
    chip.setAttribute("aria-pressed", "false");
    chip.onclick = () => {
      if (!state.origins.delete(origin)) state.origins.add(origin);
      chip.setAttribute("aria-pressed", String(state.origins.has(origin)));
      draw();
    };
    return chip;
  });
  $("origins").append(...chips.flatMap((chip) => [chip, " "]));
  $("reset").onclick = () => {
    Object.assign(state, { text: "", ranges: {} });
    state.origins.clear();
    $("text").value = "";
    chips.forEach((chip) => chip.setAttribute("aria-pressed", "false"));
    panels.forEach((update) => update());
    draw();
  };
  if (numeric.length) $("filters").append(...numeric.map(panel)); else $("ranges").hidden = true;
  if (generations.length > 1) {
    $("timeline").hidden = $("beside-label").hidden = false;
    $("slider").min = 0; $("slider").max = generations.length - 1; $("slider").value = generations.length - 1;
    $("slider").oninput = () => at(generations[+$("slider").value]);
    $("all").onclick = () => at(null);
    $("beside").append(option("", "none"), ...generations.map((one) => option(one, `generation ${one}`)));
    $("beside").onchange = () => {
      state.beside = $("beside").value === "" ? null : +$("beside").value;
      if (state.beside !== null && state.generation === null) at(last(generations)); else draw();
    };
    $("strips").append(...data.moved.map(strip));
  } else state.generation = generations[0] ?? null;
  at(generations.length > 1 ? null : state.generation);
  document.onkeydown = (event) => {
    if (event.key === "/" && document.activeElement.tagName !== "INPUT") { event.preventDefault(); $("text").focus(); }
  };
}
start();
