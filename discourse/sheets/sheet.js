"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const sheet = JSON.parse(find("sheet").textContent);
  const words = sheet.words;
  const format = sheet.format;
  const key = `discourse-sheet:${sheet.digest}`;
  const [post, note, undecided, help, warning] = ["post", "note", "undecided", "help", "warning"].map(find);
  const groups = [...document.querySelectorAll("fieldset")];
  const sections = [...document.querySelectorAll("aside .variable")];
  const toTheLeft = document.documentElement.dir === "rtl";
  const empty = Object.freeze({ values: Object.freeze({}), cannot_decide: false, note: "" });
  let answers = new Map();
  let past = [];
  let place = 0;
  let marked = 0;
  let kept = true;
  let unsaved = false;

  const say = (text, filled = {}) =>
    text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(filled, name) ? String(filled[name]) : whole));
  const tell = (text, filled) => { find("status").textContent = say(text, filled); };
  const warn = (text) => { warning.textContent = text; warning.hidden = false; };
  const answer = (number = place) => answers.get(sheet.items[number].item) ?? empty;
  // Where coders differ, a post asks only for what they differ on: `said` holds who, by letter, said what.
  const asks = (variable, number = place) => {
    const { said } = sheet.items[number];
    return !said || Object.hasOwn(said, sheet.variables[variable].name);
  };
  const openAfter = (variable, values, number = place) =>
    sheet.variables.findIndex(({ name }, at) => at > variable && asks(at, number) && !Object.hasOwn(values, name));
  const done = (number) => {
    const { values, cannot_decide } = answer(number);
    return cannot_decide || openAfter(-1, values, number) < 0;
  };
  const count = () => sheet.items.filter((_, number) => done(number)).length;
  const counts = () => ({ done: count(), total: sheet.items.length });

  // What is kept in the browser, saved to a file and read from one has one form.
  const written = () => JSON.stringify({
    format,
    sheet: sheet.digest,
    codebook: sheet.codebook,
    coder: sheet.coder,
    answers: sheet.items.filter(({ item }) => answers.has(item)).map(({ item }) => ({ item, ...answers.get(item) })),
  }, null, 1) + "\n";

  function read(text) {
    const given = JSON.parse(text);
    const same = given.sheet === sheet.digest && given.codebook === sheet.codebook && given.coder === sheet.coder;
    if (given.format !== format || !same || !Array.isArray(given.answers)) throw new Error("another sheet");
    const numbers = new Map(sheet.items.map(({ item }, number) => [item, number]));
    const made = new Map();
    for (const one of given.answers) {
      const values = {};
      const known = numbers.has(one.item);
      sheet.variables.forEach(({ name, values: allowed }, variable) => {
        if (!Object.hasOwn(one.values, name)) return;
        if (!known || !asks(variable, numbers.get(one.item)) || !allowed.includes(one.values[name])) {
          throw new Error("another value");
        }
        values[name] = one.values[name];
      });
      const right = known && typeof one.cannot_decide === "boolean" && typeof one.note === "string";
      if (!right || Object.keys(one.values).length !== Object.keys(values).length) throw new Error("another answer");
      made.set(one.item, { values, cannot_decide: one.cannot_decide, note: one.note });
    }
    return made;
  }

  function keep() {
    try {
      localStorage.setItem(key, written());
    } catch {
      kept = false;
      warn(words.not_kept);
    }
  }

  function restore() {
    let text = null;
    try {
      localStorage.setItem(`${key}:try`, "1");
      localStorage.removeItem(`${key}:try`);
      text = localStorage.getItem(key);
    } catch {
      kept = false;
      warn(words.not_kept);
    }
    if (text === null) return;
    try {
      answers = read(text);
      if (answers.size) tell(words.restored, counts());
    } catch {
      warn(words.not_restored);
    }
  }

  function set(changed) {
    const { item } = sheet.items[place];
    const blank = !Object.keys(changed.values).length && !changed.cannot_decide && changed.note === "";
    if (blank) answers.delete(item); else answers.set(item, changed);
    unsaved = true;
    keep();
  }

  function change(changed) {
    if (!answers.size) find("instructions").open = false; // read by now, and the codebook stands below them
    past.push({ place, answers: new Map(answers) });
    set(changed);
    show();
  }

  function choose(number, value) {
    const { name } = sheet.variables[number];
    const now = answer();
    marked = number;
    if (now.values[name] === value) return show();
    const values = { ...now.values, [name]: value };
    const open = openAfter(number, values);
    if (open >= 0) marked = open;
    change({ ...now, values, cannot_decide: false });
    const { label, labels, values: all } = sheet.variables[number];
    tell(count() === sheet.items.length ? words.all_done : `${label}: ${labels[all.indexOf(value)]}`);
  }

  function clear() {
    const { name, label } = sheet.variables[marked];
    const { [name]: gone, ...values } = answer().values;
    if (gone === undefined) return;
    change({ ...answer(), values });
    tell(words.cleared, { variable: label });
  }

  // A post of which nothing can be decided holds no values, so that no value is left standing unseen.
  function decideNothing() {
    const cannot = !answer().cannot_decide;
    change({ ...answer(), values: cannot ? {} : answer().values, cannot_decide: cannot });
    if (cannot) tell(count() === sheet.items.length ? words.all_done : words.cannot_decide);
  }

  function undo() {
    const last = past.pop();
    if (!last) return tell(words.nothing_to_undo);
    answers = last.answers;
    place = last.place;
    unsaved = true;
    keep();
    show();
    tell(words.undone);
  }

  function begin() {
    const open = openAfter(-1, answer().values);
    marked = open >= 0 ? open : openAfter(-1, {});
  }

  function go(number) {
    if (number < 0) return;
    const { done: finished, total } = counts();
    if (number >= total) return tell(finished === total ? words.all_done : words.done, counts());
    place = number;
    begin();
    show();
    tell("");
    post.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }

  function goOpen() {
    const order = sheet.items.map((_, number) => (place + 1 + number) % sheet.items.length);
    const open = order.find((number) => !done(number));
    if (open === undefined) tell(words.all_done); else go(open);
  }

  // The letters of a line decide, not its first sign: many posts begin with a name, a link or a tag in Latin letters.
  const noise = /https?:\/\/\S+|[@#][\p{L}\p{M}\p{N}_\u200c]+/gu;
  const fromTheRight = /(?=\p{L})[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/gu;

  function direction(line, otherwise) {
    for (const text of [line.replace(noise, ""), line]) {
      const letters = text.match(/\p{L}/gu)?.length ?? 0;
      const right = text.match(fromTheRight)?.length ?? 0;
      if (letters) return 2 * right >= letters ? "rtl" : "ltr";
    }
    return otherwise;
  }

  // People in a text are pseudonyms of 26 letters. They are shown as a word with a number: the same for the same person.
  const pseudonym = /(@|\bu\/)([a-z2-7]{25}[aeimquy4])(?![A-Za-z0-9_])(?=(.?))/gsu;

  function readable(text) {
    const people = [...new Set([...text.matchAll(pseudonym)].map((found) => found[2]))];
    return text.replace(pseudonym, (_, mark, name, next) => {
      const number = people.length > 1 ? people.indexOf(name) + 1 : "";
      return `${mark}${words.person}${number}${/[\p{L}\p{N}]/u.test(next) ? "\u00a0" : ""}`;
    });
  }

  function fill(box, { text: raw, lang }) {
    const text = readable(raw);
    const whole = direction(text, "auto");
    box.dir = whole;
    if (lang) box.lang = lang; else box.removeAttribute("lang");
    box.replaceChildren(...text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => {
      const made = document.createElement("p");
      made.dir = direction(line, whole);
      let end = 0;
      for (const found of line.matchAll(noise)) { // each apart, so that its first sign stays where it was typed
        const apart = document.createElement("bdi");
        apart.textContent = found[0];
        made.append(line.slice(end, found.index), apart);
        end = found.index + found[0].length;
      }
      made.append(line.slice(end));
      return made;
    }));
  }

  function sortExamples(lang) {
    for (const near of document.querySelectorAll("ul.near")) {
      const far = near.parentElement.querySelector("ul.far");
      const all = [...near.children, ...far.children].sort((one, other) => one.dataset.order - other.dataset.order);
      const here = [lang, sheet.language, all[0].dataset.lang].find((one) => all.some((li) => li.dataset.lang === one));
      near.replaceChildren(...all.filter((li) => li.dataset.lang === here));
      far.replaceChildren(...all.filter((li) => li.dataset.lang !== here));
      far.parentElement.hidden = !far.children.length;
    }
  }

  // The letters of those who chose a value; none where nothing is to be decided between coders.
  const letters = (variable, value, number = place) =>
    (sheet.items[number].said?.[sheet.variables[variable].name] ?? [])
      .filter((one) => one[1] === value).map((one) => one[0]).join(" ");

  function show() {
    const { values, cannot_decide, note: noted } = answer();
    const total = sheet.items.length;
    if (!asks(marked)) begin();
    find("place").textContent = say(words.post, { number: place + 1, total });
    fill(post, sheet.items[place]);
    sheet.variables.forEach(({ name }, number) => {
      groups[number].hidden = !asks(number);
      for (const radio of groups[number].querySelectorAll("input")) {
        radio.checked = values[name] === radio.value;
        const by = radio.parentElement.querySelector(".by");
        if (by) by.textContent = letters(number, radio.value);
      }
      if (number === marked) groups[number].setAttribute("aria-current", "true");
      else groups[number].removeAttribute("aria-current");
      sections[number].hidden = number !== marked;
    });
    undecided.checked = cannot_decide;
    if (note.value !== noted) note.value = noted;
    find("previous").disabled = place === 0;
    find("next").disabled = place === total - 1;
    find("undo").disabled = !past.length;
    find("progress").value = count();
    find("count").textContent = say(words.done, counts());
    sortExamples(sheet.items[place].lang);
  }

  function mark(step) {
    do marked = (marked + step + sheet.variables.length) % sheet.variables.length; while (!asks(marked));
    show();
    tell(sheet.variables[marked].label);
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([written()], { type: "application/json" }));
    link.download = `${sheet.coder}-${sheet.digest.slice(0, 8)}.json`;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    unsaved = false;
    tell(words.saved, { file: link.download });
  }

  async function load(event) {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const given = read(await file.text());
      past.push({ place, answers });
      answers = given;
      keep();
      show();
      tell(words.loaded, counts());
    } catch {
      tell(words.wrong_file);
    }
    event.target.value = "";
  }

  // On paper: the whole codebook, then every post with its boxes.
  const folded = [...document.querySelectorAll("details")];

  function unprint() {
    find("paper").replaceChildren();
    for (const one of folded) one.open = one.dataset.open === "true";
  }

  function print() {
    for (const one of folded) {
      one.dataset.open = one.open;
      one.open = true;
    }
    find("paper").replaceChildren(...sheet.items.map((item, number) => {
      const { values, cannot_decide } = answer(number);
      const made = document.createElement("article");
      const text = document.createElement("div");
      text.className = "text";
      fill(text, item);
      const head = document.createElement("h4");
      head.textContent = say(words.post, { number: number + 1, total: sheet.items.length });
      const box = (chosen, label) => `${chosen ? "☒" : "☐"} ${label}`;
      const boxes = ({ name, labels, values: allowed }, variable) => allowed.map((value, at) => {
        const by = letters(variable, value, number);
        return box(values[name] === value, by ? `${labels[at]} (${by})` : labels[at]);
      }).join("   ");
      const lines = sheet.variables.map((variable, at) => (asks(at, number) ? `${variable.label}: ${boxes(variable, at)}` : ""))
        .filter(Boolean);
      lines.push(box(cannot_decide, words.cannot_decide));
      made.append(head, text, ...lines.map((line) => {
        const shown = document.createElement("p");
        shown.className = "boxes";
        shown.textContent = line;
        return shown;
      }));
      return made;
    }));
  }

  // By the key's name, and where the keyboard is set to another script by its place.
  function named(event) {
    if (event.key.length > 1) return event.key;
    if (/^[a-z0-9?]$/i.test(event.key)) return event.key.toLowerCase();
    if (event.key === "؟") return "?";
    return event.code.replace(/^(?:Key|Digit|Numpad)(?=.$)/, "").toLowerCase();
  }

  function press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || help.open) return;
    if (event.target === note) {
      if (event.key === "Escape") post.focus();
      return;
    }
    const pressed = named(event);
    const inside = (names) => event.target.closest?.(names);
    const [forth, back] = toTheLeft ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
    const todo = {
      [forth]: () => go(place + 1), [back]: () => go(place - 1), Enter: () => go(place + 1),
      ArrowDown: () => mark(1), ArrowUp: () => mark(-1),
      u: undo, x: decideNothing, o: goOpen, s: save, n: () => note.focus(), "?": () => help.showModal(),
      Delete: clear, Backspace: clear,
    };
    if (pressed === "Enter" && inside("button, summary, a, .file")) return;
    const upOrDown = pressed === "ArrowUp" || pressed === "ArrowDown";
    if (upOrDown && (inside("aside, input[type=radio]") || sheet.variables.length < 2)) return;
    const number = sheet.variables[marked].keys.indexOf(pressed);
    if (number < 0 && !Object.hasOwn(todo, pressed)) return;
    event.preventDefault();
    if (event.repeat && !pressed.startsWith("Arrow")) return;
    if (number >= 0) choose(marked, sheet.variables[marked].values[number]); else todo[pressed]();
  }

  groups.forEach((group, number) => {
    group.addEventListener("change", (event) => choose(number, event.target.value));
    group.addEventListener("focusin", () => { if (number !== marked) { marked = number; show(); } });
  });
  undecided.addEventListener("change", decideNothing);
  note.addEventListener("focus", () => { note.before = { place, answers: new Map(answers) }; });
  note.addEventListener("input", () => {
    if (note.before) past.push(note.before);
    note.before = null;
    set({ ...answer(), note: note.value });
    find("undo").disabled = false;
  });
  for (const [id, act] of Object.entries({
    previous: () => go(place - 1), next: () => go(place + 1), open: goOpen, undo, save,
    keys: () => help.showModal(), close: () => help.close(),
  })) find(id).addEventListener("click", act);
  find("load").addEventListener("change", load);
  document.addEventListener("keydown", press);
  addEventListener("beforeprint", print);
  addEventListener("afterprint", unprint);
  addEventListener("beforeunload", (event) => { if (!kept && unsaved) event.preventDefault(); });
  addEventListener("storage", (event) => {
    if (event.key !== key || event.newValue === null) return;
    try { answers = read(event.newValue); show(); } catch { /* the other window's work is not for this sheet */ }
  });

  document.querySelectorAll(".examples li").forEach((li, number) => { li.dataset.order = number; });
  restore();
  find("instructions").open = !answers.size && !sheet.items[0].said;
  place = Math.max(0, sheet.items.findIndex((_, number) => !done(number)));
  begin();
  show();
})();
