// Clauses: rows of path, operator and expected value, and how many of the last events would have met them.
import { button, make, post } from "./dom.js";

const operators = ["equals", "in", "notEquals", "exists", "greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals",
  "startsWith", "endsWith", "contains", "equalsIgnoreCase", "matches"];

const isOperator = (value) => value !== null && typeof value === "object" && typeof value.operator === "string";

function toRow([path, value]) {
  if (!isOperator(value)) return { path, operator: "equals", expected: typeof value === "string" ? value : JSON.stringify(value) };
  const shown = value.values ?? value.value;
  return { path, operator: value.operator, expected: shown === undefined ? "" : typeof shown === "string" ? shown : JSON.stringify(shown) };
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return text; }
}

// A text stays a text: comparison takes 1 and "1" for the same, and only objects and lists need to be JSON.
const literal = (text) => (/^\s*[[{]/.test(text) ? parsed(text) : text);
const isOrdering = (operator) => /^(greater|less)/.test(operator);

function toMatches(rows) {
  return Object.fromEntries(rows.filter((row) => row.path).map(({ path, operator, expected }) => {
    if (operator === "equals") return [path, literal(expected)];
    if (operator === "exists") return [path, { operator, value: parsed(expected || "true") }];
    if (operator !== "in") return [path, { operator, value: isOrdering(operator) ? parsed(expected) : literal(expected) }];
    const list = literal(expected);
    return [path, { operator, values: Array.isArray(list) ? list : expected.split(",").map((part) => part.trim()) }];
  }));
}

const blank = () => ({ path: "", operator: "equals", expected: "" });

// Rows for `matches`, each label ending in `suffix()`. `change` gets the clauses at every change; `scope()` says whose
// events are looked at, {webhookId} or {workflow}, or nothing.
export function clauseRows(matches, { change, scope, suffix = () => "", example = "value" }) {
  const given = matches !== null && typeof matches === "object" ? matches : {};
  const rows = Object.entries(given).map(toRow);
  if (!rows.length) rows.push(blank());
  const list = make("ul", { class: "match" });
  const verdict = make("p", { class: "small muted", role: "status" });
  let asking;

  const changed = () => {
    change(toMatches(rows));
    clearTimeout(asking);
    asking = setTimeout(ask, 400);
  };

  async function ask() {
    const paths = rows.map((row) => row.path).filter(Boolean);
    const twice = paths.find((path, number) => paths.indexOf(path) !== number);
    if (twice) return verdict.replaceChildren(`${twice} stands twice: only its last row counts.`);
    if (!paths.length || !Object.values(scope()).some(Boolean)) return verdict.replaceChildren();
    const { data } = await post("/definitions/match-preview", { matches: JSON.stringify(toMatches(rows)), ...scope() });
    if (data.message) return verdict.replaceChildren(data.message);
    if (!data.examined) return verdict.replaceChildren("No event has come yet to try them on.");
    verdict.replaceChildren(`Would have matched ${data.met} of the last ${data.examined} events.`);
    for (const id of data.events ?? []) verdict.append(" ", make("a", { href: `/events/${encodeURIComponent(id)}` }, `${id.slice(0, 8)}…`));
  }

  function take(number) {
    rows.splice(number, 1);
    if (!rows.length) rows.push(blank());
    draw(0);
    changed();
  }

  function draw(focus = -1) {
    list.replaceChildren(...rows.map((row, number) => {
      const set = (name) => (event) => { row[name] = event.target.value; changed(); };
      const label = (what) => `${what} ${number + 1}${suffix()}`;
      return make("li", {},
        make("input", { type: "text", class: "mono", "aria-label": label("Path"), placeholder: "$.path", value: row.path, oninput: set("path") }),
        make("select", { "aria-label": label("Operator"), onchange: set("operator") },
          ...operators.map((name) => make("option", { selected: name === row.operator }, name))),
        make("button", { type: "button", class: "btn quiet only small", "aria-label": label("Remove match"), onclick: () => take(number) }, "×"),
        make("input", { type: "text", class: "mono exp", "aria-label": label("Expected value"), placeholder: example, value: row.expected, oninput: set("expected") }));
    }));
    if (focus >= 0) list.children[focus]?.querySelector("input").focus();
  }

  function add(path = "", expected = "") {
    const empty = rows.findIndex((row) => !row.path);
    if (path && empty >= 0) rows[empty] = { path, operator: "equals", expected };
    else rows.push({ path, operator: "equals", expected });
    draw(rows.length - 1);
    changed();
  }

  draw();
  ask();
  return { add, ask, parts: [list, make("div", {}, button("Add a match", () => add())), verdict] };
}
