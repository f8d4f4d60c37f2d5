"use strict";

// Every text is set with textContent, so that names with markup stay texts.
const report = JSON.parse(document.getElementById("report").textContent);
const PAGE = 200;
// More rows than this would keep a printer busy for hours.
const MOST_PRINTED = 2000;
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const views = new Map();

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A cell is a text, a number or null; a link is [text, id of the row that it leads to]. */
function textOf(cell) {
  const value = Array.isArray(cell) ? cell[0] : cell;
  return value === null ? "" : String(value);
}

class View {
  constructor(section) {
    this.section = section;
    this.group = new Set(section.group);
    this.off = new Set(section.off);
    this.order = section.rows.map((_, position) => position);
    this.visible = this.order;
    this.shown = PAGE;
    this.sorted = { column: -1, direction: 1 };
    this.found = null;
    this.count = element("span");
    this.body = element("tbody");
    this.headers = section.columns.map((column, position) => this.header(column, position));
    this.more = element("div", { className: "more" });
    this.root = element("section", { id: section.title });
    this.root.append(element("h2", { textContent: section.title }));
    this.root.append(element("p", { className: "about", textContent: section.about }));
    if (section.counts) this.root.append(counts(section.counts));
    if (section.problem) {
      this.root.append(element("p", { className: "empty", textContent: section.problem }));
      return;
    }
    const head = element("thead", {}, element("tr", {}, ...this.headers));
    this.table = element("table", {}, head, this.body);
    this.table.setAttribute("aria-label", section.title);
    const region = element("div", { className: "table", tabIndex: 0 }, this.table);
    region.setAttribute("role", "region");
    region.setAttribute("aria-label", `${section.title}, table`);
    this.root.append(region, this.more);
  }

  header(column, position) {
    const button = element("button", { type: "button", textContent: column.title });
    button.addEventListener("click", () => this.sort(position));
    const header = element("th", { scope: "col", className: column.style }, button);
    header.style.minWidth = `${Math.min(column.width, 44) * 0.52}em`;
    header.setAttribute("aria-sort", "none");
    return header;
  }

  sort(column) {
    const again = this.sorted.column === column;
    this.sorted = { column, direction: again ? -this.sorted.direction : 1 };
    this.headers.forEach((header, position) => {
      const direction = this.sorted.direction > 0 ? "ascending" : "descending";
      header.setAttribute("aria-sort", position === column ? direction : "none");
    });
    const severities = ["high", "medium", "low"];
    const isSeverity = this.section.columns[column].style === "severity";
    const key = (row) => {
      const text = textOf(this.section.rows[row][column]);
      return isSeverity ? String(severities.indexOf(text)) : text;
    };
    const keys = this.section.rows.map((_, row) => key(row));
    this.order.sort((a, b) => {
      // Empty cells come last in either direction.
      if (!keys[a] || !keys[b]) return (keys[a] ? 0 : 1) - (keys[b] ? 0 : 1) || a - b;
      return this.sorted.direction * collator.compare(keys[a], keys[b]) || a - b;
    });
    this.filter(this.words ?? []);
  }

  filter(words) {
    this.words = words;
    // Lower-case texts take memory, so they are made for the first search.
    if (words.length) this.found ??= this.section.rows.map((row) => row.map(textOf).join("\n").toLowerCase());
    this.visible = this.order;
    if (words.length) {
      this.visible = this.order.filter((row) => words.every((word) => this.found[row].includes(word)));
    }
    this.shown = PAGE;
    this.render();
  }

  render() {
    const total = this.section.rows.length;
    const all = total.toLocaleString("en");
    this.count.textContent = this.section.problem ? "–" : all;
    if (this.words?.length) this.count.textContent = `${this.visible.length.toLocaleString("en")} / ${all}`;
    const rows = this.visible.slice(0, this.shown).map((row) => this.row(row));
    this.body.replaceChildren(...rows);
    this.more.replaceChildren();
    const hidden = this.visible.length - rows.length;
    if (!this.visible.length && !this.section.problem) {
      const text = total ? "No row has these words." : "No rows.";
      this.more.append(text);
    }
    if (hidden > 0) {
      this.more.append(`${hidden.toLocaleString("en")} more rows.`);
      this.more.append(this.button(`Show ${Math.min(PAGE, hidden)} more`, this.shown + PAGE));
      this.more.append(this.button("Show all", Infinity));
    }
  }

  button(text, shown) {
    const button = element("button", { type: "button", textContent: text });
    button.addEventListener("click", () => {
      const first = this.body.rows.length;
      this.shown = shown;
      this.render();
      // The button is gone: go on with the first row that is new.
      this.focus(this.body.rows[first]);
    });
    return button;
  }

  focus(row) {
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
  }

  row(number) {
    const cells = this.section.rows[number].map((cell, position) => this.cell(cell, position));
    const row = element("tr", {}, ...cells);
    // Lines between groups say nothing when other rows stand between them.
    row.classList.toggle("group", this.group.has(number) && this.sorted.column < 0);
    row.classList.toggle("off", this.off.has(number));
    row.dataset.row = number;
    return row;
  }

  cell(cell, position) {
    const { style } = this.section.columns[position];
    const made = element(position ? "td" : "th", { className: style });
    if (!position) made.scope = "row";
    if (Array.isArray(cell)) {
      made.append(element("a", { href: `#${encodeURIComponent(cell[1])}`, textContent: cell[0] }));
    } else if (style === "severity") {
      made.append(element("span", { className: cell, textContent: textOf(cell) }));
    } else {
      made.textContent = textOf(cell);
    }
    return made;
  }

  go(number) {
    if (!this.visible.includes(number)) {
      search.value = "";
      filterAll();
    }
    this.shown = Math.max(this.shown, this.visible.indexOf(number) + 1);
    this.render();
    const row = this.body.querySelector(`tr[data-row="${number}"]`);
    document.querySelectorAll("tr.target").forEach((other) => other.classList.remove("target"));
    row.classList.add("target");
    row.scrollIntoView({ block: "center" });
    this.focus(row);
  }
}

function counts(numbers) {
  const items = Object.entries(numbers).map(([severity, number]) => {
    const count = element("b", { textContent: number.toLocaleString("en") });
    return element("li", { className: severity }, count, severity);
  });
  return element("ul", { className: "counts" }, ...items);
}

function diagrams(texts) {
  const root = element("section", { id: "Diagrams" });
  root.append(element("h2", { textContent: "Diagrams" }));
  const about = "Texts in the language Mermaid: wikis, GitHub and JupyterLab show them as pictures.";
  root.append(element("p", { className: "about", textContent: about }));
  for (const [title, text] of Object.entries(texts)) {
    const code = element("pre", { tabIndex: 0, textContent: text });
    root.append(element("details", {}, element("summary", { textContent: title }), code));
  }
  return root;
}

const search = document.getElementById("search");
const result = document.getElementById("result");

function filterAll() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let number = 0;
  for (const view of views.values()) {
    view.filter(words);
    number += view.visible.length;
    view.root.hidden = words.length > 0 && !view.visible.length;
  }
  result.textContent = "";
  if (words.length) {
    const rows = { 0: "No row contains", 1: "1 row contains" }[number] ?? `${number.toLocaleString("en")} rows contain`;
    result.textContent = `${rows} “${words.join("” and “")}”.`;
  }
}

function follow() {
  let id = "";
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    return;
  }
  const target = Object.hasOwn(report.targets, id) ? report.targets[id] : null;
  if (target) views.get(target[0]).go(target[1]);
}

function show() {
  const main = document.getElementById("main");
  const contents = document.getElementById("contents");
  const facts = document.getElementById("facts");
  for (const [label, text] of report.facts) {
    facts.append(element("dt", { textContent: label }), element("dd", { textContent: text }));
  }
  const entry = (title, count) => {
    const link = element("a", { href: `#${encodeURIComponent(title)}` }, title, count);
    contents.append(element("li", {}, link));
  };
  for (const section of report.sections) {
    const view = new View(section);
    views.set(section.title, view);
    main.append(view.root);
    entry(section.title, view.count);
  }
  if (Object.keys(report.diagrams).length) {
    main.append(diagrams(report.diagrams));
    entry("Diagrams", "");
  }
  filterAll();
}

function isDark() {
  return document.documentElement.dataset.theme === "dark";
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = isDark() ? "Light" : "Dark";
}

const system = matchMedia("(prefers-color-scheme: dark)");
setTheme(system.matches ? "dark" : "light");
system.addEventListener("change", () => setTheme(system.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
document.getElementById("print").addEventListener("click", () => print());
show();

let waiting = 0;
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filterAll, 120);
});
addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    search.focus();
  }
});
addEventListener("hashchange", follow);
follow();

let before = null;
addEventListener("beforeprint", () => {
  before = { theme: document.documentElement.dataset.theme, shown: new Map() };
  setTheme("light");
  for (const view of views.values()) {
    before.shown.set(view, view.shown);
    view.shown = Math.max(view.shown, MOST_PRINTED);
    view.render();
  }
});
addEventListener("afterprint", () => {
  setTheme(before.theme);
  for (const [view, shown] of before.shown) {
    view.shown = shown;
    view.render();
  }
});
