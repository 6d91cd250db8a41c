// Switches, zoom, pointer and keys of a chart. Without this script the page shows the first view of each chart.
const data = JSON.parse(document.getElementById("chart-data").textContent);
const SHORTEST = 2;

const keyOf = (state) => [state.measure, state.method, state.weight, state.group].join(".");

// The view that was asked for; where there is none, what else was chosen gives way, never what was chosen last.
const settled = (state, changed) => {
  const ways = [[], ["weight"], ["method"], ["group"], ["weight", "method"], ["weight", "group"], ["method", "group"],
    ["weight", "method", "group"]];
  for (const way of ways) {
    if (way.includes(changed)) continue;
    for (let place = 0; place < (way[0] === undefined ? 1 : data[`${way[0]}s`].length); place += 1) {
      const tried = { ...state };
      for (const name of way) tried[name] = 0;
      if (way.length) tried[way[0]] = place;
      if (data.views[keyOf(tried)]) return tried;
    }
  }
  return null;
};

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.find = (selector) => figure.querySelector(selector);
    this.plot = this.find(".plot");
    this.full = [data.windows[0][2], Math.max(...data.windows.map((one) => one[3]))];
    this.range = [...this.full];
    this.window = null;
    const measure = Number(figure.dataset.measure);
    this.state = { measure, method: 0, weight: 0, group: 0, truth: figure.dataset.truth === "yes" };
    this.sides = new Set(this.boxes().filter((box) => box.checked).map((box) => Number(box.value)));
    for (const one of figure.querySelectorAll("[hidden]")) one.hidden = false;
    for (const one of figure.querySelectorAll(".still")) one.hidden = true;
    this.listen();
    this.show();
    new ResizeObserver(() => this.width !== this.plot.clientWidth && this.draw()).observe(this.plot);
  }

  boxes() {
    return [...this.figure.querySelectorAll("[name=side]")];
  }

  get view() {
    return data.views[keyOf(this.state)];
  }

  listen() {
    for (const select of this.figure.querySelectorAll("select")) {
      select.addEventListener("change", () => this.change(select.name, Number(select.value)));
    }
    for (const box of this.boxes()) {
      box.addEventListener("change", () => {
        this.sides[box.checked ? "add" : "delete"](Number(box.value));
        this.draw();
        this.read();
      });
    }
    this.find("[name=truth]")?.addEventListener("change", (event) => {
      this.state.truth = event.target.checked;
      this.show();
    });
    for (const button of this.figure.querySelectorAll("button")) {
      button.addEventListener("click", () => this.move(button.value));
    }
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "application");
    this.plot.addEventListener("keydown", (event) => this.key(event));
    this.plot.addEventListener("focus", () => this.window ?? this.point(this.seen()[0]));
    this.point_at();
  }

  change(name, value) {
    this.state = settled({ ...this.state, [name]: value }, name) ?? this.state;
    for (const select of this.figure.querySelectorAll("select")) select.value = String(this.state[select.name]);
    this.show();
  }

  get known() {
    const on = this.state.truth && this.state.group === 0;
    return on ? data.truth[this.state.measure] ?? {} : {};
  }

  get shown() {
    return { ...this.state, truth: Object.keys(this.known).length > 0, sides: [...this.sides].sort((a, b) => a - b) };
  }

  show() {
    const measure = data.measures[this.state.measure];
    this.find(".deck").textContent = measure.title;
    if (this.figure.dataset.truth !== "yes") this.find("h3").textContent = measure.heading;
    this.find(".behind caption").textContent = `Numbers behind the chart: ${this.find("h3").textContent}`;
    this.find(".said").textContent = this.view.caption;
    this.plot.setAttribute("aria-label", `${this.view.alt} Arrow keys move, plus and minus zoom, 0 shows all.`);
    const truth = this.find("[name=truth]");
    if (truth) truth.disabled = !data.truth[this.state.measure] || this.state.group !== 0;
    const held = this.shown.truth ? data.coverage[`${this.state.measure}.${this.state.weight}`] : null;
    this.find(".coverage").textContent = held?.said ?? "";
    for (const option of this.figure.querySelectorAll("[name=group] option")) {
      option.disabled = !settled({ ...this.state, group: Number(option.value) }, "group");
    }
    fillTable(this.find(".behind table"), data, this.shown, this.view);
    this.draw();
    this.read();
  }

  draw() {
    this.width = this.plot.clientWidth;
    const { svg, frame } = drawChart(data, this.view, {
      name: this.figure.id, sides: this.shown.sides, known: this.known, measure: this.state.measure,
      width: Math.max(this.width, 260), begin: this.range[0], end: this.range[1],
    });
    this.frame = frame;
    this.line = path("here", "");
    svg.append(this.line);
    this.plot.replaceChildren(svg);
    this.find("[value=reset]").disabled = this.range[0] === this.full[0] && this.range[1] === this.full[1];
    this.place();
  }

  seen() {
    const middle = ([, , begin, end]) => (begin + end) / 2;
    const inside = (one) => middle(one) >= this.range[0] && middle(one) <= this.range[1];
    return data.windows.map((one, i) => (inside(one) ? i : -1)).filter((i) => i >= 0);
  }

  point(window) {
    if (window === undefined) return;
    this.window = window;
    this.place();
    this.read();
  }

  place() {
    if (this.window === null || !this.seen().includes(this.window)) return this.line.setAttribute("d", "");
    const x = fixed(this.frame.middle([this.window]));
    return this.line.setAttribute("d", `M${x},${fixed(this.frame.top)}V${fixed(this.frame.bottom)}`);
  }

  read() {
    if (this.window === null) return;
    const [first, ...rest] = readoutText(data, this.shown, this.view, this.window);
    const head = document.createElement("strong");
    head.textContent = `${first}. `;
    const parts = rest.map((text) => Object.assign(document.createElement("span"), { textContent: `${text}. ` }));
    this.find(".readout").replaceChildren(head, ...parts);
  }

  key(event) {
    const many = this.seen();
    const place = many.indexOf(this.window);
    const shift = event.shiftKey;
    const ways = {
      ArrowLeft: () => (shift ? this.move("back") : this.step(-1)),
      ArrowRight: () => (shift ? this.move("on") : this.step(1)),
      Home: () => this.point(many[0]),
      End: () => this.point(many.at(-1)),
      "+": () => this.move("in"), "=": () => this.move("in"), "-": () => this.move("out"),
      0: () => this.move("reset"), Escape: () => this.move("reset"),
    };
    if (!ways[event.key] || event.ctrlKey || event.metaKey || event.altKey || (place < 0 && !many.length)) return;
    event.preventDefault();
    ways[event.key]();
  }

  step(by) {
    const next = Math.min(Math.max((this.window ?? 0) + by, 0), data.windows.length - 1);
    const [, , begin, end] = data.windows[next];
    const past = Math.min(0, begin - this.range[0]) || Math.max(0, end - this.range[1]);
    if (past) this.zoom(this.range[0] + past, this.range[1] + past);
    this.point(next);
  }

  move(way) {
    const [begin, end] = this.range;
    const length = end - begin;
    const held = this.window === null ? (begin + end) / 2 : (data.windows[this.window][2] + data.windows[this.window][3]) / 2;
    const centre = held < begin || held > end ? (begin + end) / 2 : held;
    if (way === "in") this.zoom(centre - length / 4, centre + length / 4);
    if (way === "out") this.zoom(centre - length, centre + length);
    if (way === "back") this.zoom(begin - length / 4, end - length / 4);
    if (way === "on") this.zoom(begin + length / 4, end + length / 4);
    if (way === "reset") this.zoom(...this.full);
  }

  zoom(begin, end) {
    const [first, last] = this.full;
    const shortest = SHORTEST * (data.windows[0][3] - data.windows[0][2]);
    const length = Math.min(Math.max(end - begin, shortest), last - first);
    const since = Math.min(Math.max((begin + end - length) / 2, first), last - length);
    this.range = [Math.round(since), Math.round(since + length)];
    this.draw();
  }

  point_at() {
    const time = (event) => {
      const box = this.plot.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * this.frame.width;
      return this.range[0] + ((x - LEFT) / (this.frame.width - LEFT - RIGHT)) * (this.range[1] - this.range[0]);
    };
    const near = (at) => this.seen().find((i) => data.windows[i][2] <= at && at < data.windows[i][3]);
    let from = null;
    this.plot.addEventListener("pointermove", (event) => {
      const at = time(event);
      if (from === null) return this.point(near(at));
      const [x, to] = [this.frame.x(Math.min(from, at)), this.frame.x(Math.max(from, at))];
      return this.line.setAttribute("d", `M${fixed(x)},${fixed(this.frame.top)}H${fixed(to)}V${this.frame.top + PLOT}H${fixed(x)}Z`);
    });
    this.plot.addEventListener("pointerdown", (event) => {
      from = event.pointerType === "mouse" ? time(event) : null;
      if (from === null) this.point(near(time(event)));
      else this.plot.setPointerCapture(event.pointerId);
    });
    this.plot.addEventListener("pointerup", (event) => {
      const at = time(event);
      if (from !== null && Math.abs(at - from) > (this.range[1] - this.range[0]) / 40) this.zoom(Math.min(from, at), Math.max(from, at));
      from = null;
      this.place();
    });
    this.plot.addEventListener("pointercancel", () => { from = null; });
  }
}

for (const figure of document.querySelectorAll("figure.chart")) new Chart(figure);
for (const one of document.querySelectorAll(".live")) one.hidden = false;

// On paper every table is open; afterwards each is as it was.
const folded = [];
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details:not([open]):not(.long)")) {
    one.open = true;
    folded.push(one);
  }
});
addEventListener("afterprint", () => {
  for (const one of folded.splice(0)) one.open = false;
});
