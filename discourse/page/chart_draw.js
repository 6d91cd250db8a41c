// The drawing of a chart: what chart_svg.py draws, for any view, width and stretch of time.
const LEFT = 48, RIGHT = 14, PLOT = 250, GAP = 40, VOLUME = 48, BOTTOM = 24, BADGE = 20;
const SVG = "http://www.w3.org/2000/svg";
const fixed = (value) => value.toFixed(1);

const make = (name, attributes, ...inside) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
};
const path = (kind, d) => make("path", { class: kind, d });
const label = (x, y, text, anchor, kind = "tick") =>
  make("text", { class: kind, x: fixed(x), y: fixed(y), ...(anchor ? { "text-anchor": anchor } : {}) }, text);

const sideClass = (side, place) => (side.includes("|") ? "sp" : side === "unknown" ? "su" : `s${place % 4}`);

const shapeOf = (kind, x, y) => {
  if (kind === "s0") return `M${fixed(x - 4)},${fixed(y)}a4,4,0,1,0,8,0a4,4,0,1,0,-8,0Z`;
  if (kind === "s1") return `M${fixed(x - 3.6)},${fixed(y - 3.6)}h7.2v7.2h-7.2Z`;
  if (kind === "su") return `M${fixed(x)},${fixed(y - 4.6)}l4.4,8h-8.8Z`;
  return `M${fixed(x)},${fixed(y - 5)}l4.6,5l-4.6,5l-4.6,-5Z`;
};

const runsOf = (rows, place) => {
  const made = [];
  let before = null;
  for (const row of rows) {
    if (row[place] === null) continue;
    if (before === null || row[0] !== before + 1) made.push([]);
    made[made.length - 1].push(row);
    before = row[0];
  }
  return made;
};

const lineOf = (points) => `M${points.map(([x, y]) => `${fixed(x)},${fixed(y)}`).join("L")}`;

const frameOf = (data, rows, known, width, begin, end) => {
  const values = rows.flatMap((row) => row.slice(2, 8)).filter((value) => value !== null);
  const every = [0, ...values, ...known];
  const ticks = valueTicks(Math.min(...every), every.length > 1 ? Math.max(...every) : 1);
  const most = valueTicks(0, Math.max(0, ...rows.map((row) => row[8] ?? 0)) || 1).at(-1);
  const x = (at) => LEFT + ((at - begin) / (end - begin)) * (width - LEFT - RIGHT);
  const events = data.events.filter((one) => one.t0 >= begin && one.t0 < end);
  const places = spaced(events.map((one) => x(one.t0)), BADGE);
  const top = 10 + BADGE * (places.length ? Math.max(...places) + 1 : 0);
  const y = (value) => top + PLOT - ((value - ticks[0]) / (ticks.at(-1) - ticks[0])) * PLOT;
  const middle = (row) => x((data.windows[row[0]][2] + data.windows[row[0]][3]) / 2);
  return { width, begin, end, ticks, most, top, x, y, middle, events, places, bottom: top + PLOT + GAP + VOLUME };
};

const drawAxes = (svg, f, share, step) => {
  const apart = f.ticks[1] - f.ticks[0];
  for (const tick of f.ticks) {
    svg.append(path(tick === 0 ? "zero" : "grid", `M${LEFT},${fixed(f.y(tick))}H${fixed(f.width - RIGHT)}`));
    svg.append(label(LEFT - 6, f.y(tick) + 4, valueText(tick, apart, share), "end"));
  }
  for (const [at, text] of timeTicks(f.begin, f.end, f.width - LEFT - RIGHT)) {
    svg.append(path("mark", `M${fixed(f.x(at))},${fixed(f.top + PLOT)}v5`));
    svg.append(path("mark", `M${fixed(f.x(at))},${fixed(f.bottom)}v5`));
    svg.append(label(f.x(at), f.bottom + 18, text, "middle"));
  }
  svg.append(label(LEFT - 6, f.bottom - VOLUME + 4, f.most.toLocaleString("en-US"), "end"));
  svg.append(label(LEFT - 6, f.bottom + 4, "0", "end"));
  svg.append(path("mark", `M${LEFT},${fixed(f.bottom)}H${fixed(f.width - RIGHT)}`));
  svg.append(label(LEFT, f.top + PLOT + GAP - 10, `Posts per ${step}`));
};

const drawBand = (svg, f, run, low, kind) => {
  if (run.some((row) => row[low] === null || row[low + 1] === null)) return;
  const below = run.map((row) => [f.middle(row), f.y(row[low])]);
  const above = run.map((row) => [f.middle(row), f.y(row[low + 1])]);
  if (run.length === 1) svg.append(path(`whisker ${kind}`, lineOf([below[0], above[0]])));
  else svg.append(path(`band ${kind}`, `${lineOf([...below, ...above.reverse()])}Z`));
};

const drawBaseline = (svg, f, rows) => {
  for (const run of runsOf(rows, 5)) {
    drawBand(svg, f, run, 6, "base");
    svg.append(path("line base", lineOf(run.map((row) => [f.middle(row), f.y(row[5])]))));
  }
};

const drawCurve = (svg, data, f, rows, kind) => {
  const lines = [];
  for (const run of runsOf(rows, 2)) {
    drawBand(svg, f, run, 3, kind);
    const points = run.map((row) => [f.middle(row), f.y(row[2])]);
    if (points.length > 1) lines.push(path(`line ${kind}`, lineOf(points)));
    run.forEach((row, i) => {
      const hollow = data.flags[row[11]].includes("covered in part") ? " hollow" : "";
      lines.push(path(`dot ${kind}${hollow}`, shapeOf(kind, ...points[i])));
    });
  }
  svg.append(...lines.filter((one) => one.matches(".line")), ...lines.filter((one) => one.matches(".dot")));
};

const drawTruth = (svg, f, known, kind) => {
  const rows = Object.keys(known).map(Number).sort((a, b) => a - b).map((window) => [window, 0, known[window]]);
  for (const run of runsOf(rows, 2)) {
    const points = run.map((row) => [f.middle(row), f.y(row[2])]);
    svg.append(path(`truth ${kind}`, lineOf(points)));
    for (const [x, y] of points) svg.append(path(`cross ${kind}`, `M${fixed(x - 3.5)},${fixed(y - 3.5)}l7,7m0,-7l-7,7`));
  }
};

const drawVolume = (svg, data, f, rows, sides) => {
  for (const row of rows) {
    if (!row[8]) continue;
    const [, , begin, end] = data.windows[row[0]];
    const room = (f.x(end) - f.x(begin)) * 0.8;
    const wide = room / sides.length;
    const x = f.x(begin) + room / 8 + wide * sides.indexOf(row[1]);
    const high = (row[8] / f.most) * VOLUME;
    const kind = sideClass(data.sides[row[1]][0], row[1]);
    svg.append(path(`bar ${kind}`, `M${fixed(x)},${fixed(f.bottom)}v${fixed(-high)}h${fixed(wide)}v${fixed(high)}Z`));
  }
};

const drawEvents = (svg, f) => {
  f.events.forEach((one, i) => {
    const x = f.x(one.t0);
    const y = f.top - BADGE / 2 - BADGE * f.places[i];
    svg.append(path("event", `M${fixed(x)},${fixed(y)}V${fixed(f.top + PLOT)}`));
    svg.append(make("circle", { class: "badge", cx: fixed(x), cy: fixed(y), r: "8.5" }));
    svg.append(label(x, y + 4, String(one.n), "middle", "number"));
  });
};

const drawChart = (data, view, { name, sides, known, measure, width, begin, end }) => {
  const rows = view.rows.filter((row) => sides.includes(row[1]));
  const values = sides.flatMap((side) => Object.values(known[side] ?? {}));
  const f = frameOf(data, rows, values, width, begin, end);
  const height = f.bottom + BOTTOM;
  const svg = make("svg", { class: "drawing", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const room = { x: LEFT, y: 0, width: width - LEFT - RIGHT, height };
  svg.append(make("defs", {}, make("clipPath", { id: `clip-${name}` }, make("rect", room))));
  const inside = make("g", { "clip-path": `url(#clip-${name})` });
  const under = make("g", { "clip-path": `url(#clip-${name})` });
  for (const one of data.events.filter((event) => event.long && event.t1 > begin && event.t0 < end)) {
    const size = { x: fixed(f.x(one.t0)), y: fixed(f.top), height: PLOT, width: fixed(f.x(one.t1) - f.x(one.t0)) };
    under.append(make("rect", { class: "lasting", ...size }));
  }
  svg.append(under);
  drawAxes(svg, f, data.measures[measure].share, data.step);
  const own = (side) => rows.filter((row) => row[1] === side);
  for (const side of sides) drawBaseline(inside, f, own(side));
  for (const side of sides) drawCurve(inside, data, f, own(side), sideClass(data.sides[side][0], side));
  for (const side of sides) drawTruth(inside, f, known[side] ?? {}, sideClass(data.sides[side][0], side));
  drawVolume(inside, data, f, rows, sides);
  svg.append(inside);
  drawEvents(svg, f);
  return { svg, frame: f };
};
