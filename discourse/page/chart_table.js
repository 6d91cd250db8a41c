// The table behind a chart: what chart_table.py prints, for any view.
const columnsOf = (data, state) => {
  const measure = data.measures[state.measure];
  const share = measure.share;
  const known = state.truth ? data.truth[state.measure] ?? {} : null;
  const value = (row, place) => cellText(row[place], share);
  const withheld = (row) => data.flags[row[11]].includes("withheld") && row[2] === null;
  return [
    [`Window (${data.step})`, false, (row) => data.windows[row[0]][0]],
    ...(measure.between ? [] : [["Side", false, (row) => data.sides[row[1]][1]]]),
    ["Estimate", true, (row) => (withheld(row) ? "withheld" : value(row, 2))],
    ["Low", true, (row) => value(row, 3)],
    ["High", true, (row) => value(row, 4)],
    ...(known ? [["Known truth", true, (row) => cellText(known[row[1]]?.[row[0]], share)]] : []),
    ...(measure.baseline
      ? [
          ["Sides shuffled", true, (row) => value(row, 5)],
          ["Shuffled, low", true, (row) => value(row, 6)],
          ["Shuffled, high", true, (row) => value(row, 7)],
        ]
      : []),
    ["Posts", true, (row) => countText(row[8])],
    ["Authors", true, (row) => countText(row[9])],
    ["Coded posts", true, (row) => countText(row[10])],
    ["Notes", false, (row) => data.flags[row[11]]],
  ];
};

const fillTable = (table, data, state, view) => {
  const columns = columnsOf(data, state);
  const cell = (name, numeric, text) => {
    const made = document.createElement(name);
    if (numeric) made.className = "n";
    if (name === "th") made.scope = "col";
    const inside = document.createElement(name === "th" ? "span" : "bdi");
    inside.textContent = text;
    made.append(inside);
    return made;
  };
  const line = (cells) => {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  };
  table.tHead.replaceChildren(line(columns.map(([head, numeric]) => cell("th", numeric, head))));
  const rows = view.rows.map((row) => line(columns.map(([, numeric, text]) => cell("td", numeric, text(row)))));
  table.tBodies[0].replaceChildren(...rows);
};

const readoutText = (data, state, view, window) => {
  const share = data.measures[state.measure].share;
  const name = data.windows[window][1];
  const said = state.sides.map((side) => {
    const row = view.rows.find((one) => one[0] === window && one[1] === side);
    const who = data.sides[side][1];
    if (!row || row[2] === null) return `${who}: ${data.flags[row?.[11]] || "no value"}`;
    const [value, low, high] = [2, 3, 4].map((place) => cellText(row[place], share));
    const interval = row[3] === null ? "" : ` (${low.replace("\u00a0%", "")} to ${high.replace("\u00a0%", "")})`;
    const base = row[5] === null ? "" : `, with the sides shuffled ${cellText(row[5], share)}`;
    const truth = state.truth ? data.truth[state.measure]?.[side]?.[window] : undefined;
    const known = truth === undefined ? "" : `, truth ${cellText(truth, share)}`;
    const posts = row[8] === null ? "" : `; ${countText(row[8])} posts`;
    const note = data.flags[row[11]] ? ` [${data.flags[row[11]]}]` : "";
    return `${who}: ${value}${interval}${base}${known}${posts}${note}`;
  });
  const inside = (one) => one.t0 < data.windows[window][3] && one.t0 >= data.windows[window][2];
  const events = data.events.filter(inside).map((one) => `Event ${one.n}: ${one.title}`);
  return [`${name[0].toUpperCase()}${name.slice(1)}`, ...said, ...events];
};
