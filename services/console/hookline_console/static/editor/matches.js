// The clauses of a Wait for Webhook: rows of path, operator and expected value; a payload to pick paths from; how
// many of the last events would have met them.
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

export function toMatches(rows) {
  return Object.fromEntries(rows.filter((row) => row.path).map(({ path, operator, expected }) => {
    if (operator === "equals") return [path, literal(expected)];
    if (operator === "exists") return [path, { operator, value: parsed(expected || "true") }];
    if (operator !== "in") return [path, { operator, value: isOrdering(operator) ? parsed(expected) : literal(expected) }];
    const list = literal(expected);
    return [path, { operator, values: Array.isArray(list) ? list : expected.split(",").map((part) => part.trim()) }];
  }));
}

export function matchesForm(matches, workflow, webhook, change) {
  const given = matches !== null && typeof matches === "object" ? matches : {};
  const rows = Object.entries(given).map(toRow);
  if (!rows.length) rows.push({ path: "", operator: "equals", expected: "" });
  const list = make("ul", { class: "match" });
  const verdict = make("p", { class: "small muted", role: "status" });
  let asking;

  const changed = () => {
    change(toMatches(rows));
    clearTimeout(asking);
    asking = setTimeout(ask, 400);
  };

  async function ask() {
    const { data } = await post("/definitions/match-preview", { matches: JSON.stringify(toMatches(rows)), webhookId: webhook, workflow });
    verdict.replaceChildren();
    if (data.message) verdict.append(data.message);
    else if (data.examined) {
      verdict.append(`Would have matched ${data.met} of the last ${data.examined} events.`);
      for (const id of data.events ?? []) verdict.append(" ", make("a", { href: `/events/${encodeURIComponent(id)}` }, `${id.slice(0, 8)}…`));
    } else verdict.append("No event of a webhook that names this workflow has come yet.");
  }

  function draw(focus = -1) {
    list.replaceChildren(...rows.map((row, number) => {
      const set = (name) => (event) => { row[name] = event.target.value; changed(); };
      return make("li", {},
        make("input", { type: "text", class: "mono", "aria-label": `Path ${number + 1}`, placeholder: "$.path", value: row.path, oninput: set("path") }),
        make("select", { "aria-label": `Operator ${number + 1}`, onchange: set("operator") },
          ...operators.map((name) => make("option", { selected: name === row.operator }, name))),
        make("button", { type: "button", class: "btn quiet only small", "aria-label": `Remove match ${number + 1}`, onclick: () => { rows.splice(number, 1); if (!rows.length) rows.push({ path: "", operator: "equals", expected: "" }); draw(0); changed(); } }, "×"),
        make("input", { type: "text", class: "mono exp", "aria-label": `Expected value ${number + 1}`, placeholder: "value or ${workflow.input.x}", value: row.expected, oninput: set("expected") }));
    }));
    if (focus >= 0) list.children[focus]?.querySelector("input").focus();
  }

  function add(path = "", expected = "") {
    const empty = rows.findIndex((row) => !row.path);
    const row = { path, operator: "equals", expected };
    if (path && empty >= 0) rows[empty] = row;
    else rows.push(row);
    draw(rows.length - 1);
    changed();
  }

  draw();
  ask();
  return make("div", { class: "field" },
    make("span", { class: "label" }, "Matches: all must hold"), list,
    make("div", {}, button("Add a match", () => add())), verdict,
    payloadPicker(workflow, (path, value) => add(path, typeof value === "string" ? value : JSON.stringify(value))));
}

// A recent payload whose values are buttons.
function payloadPicker(workflow, pick) {
  const code = make("div", { class: "code payload", tabindex: "0", role: "region", "aria-label": "Payload of a recent event" });
  const select = make("select", { class: "slim", "aria-label": "Recent event" });
  const place = make("div", { class: "field" }, make("span", { class: "label" }, "Recent payload"));
  fetch(`/definitions/recent-events?workflow=${encodeURIComponent(workflow)}`).then((answer) => answer.json()).then((events) => {
    if (!events.length) {
      place.append(make("p", { class: "hint" }, "No event has come yet: send one, and pick paths from its payload here."));
      return;
    }
    select.append(...events.map((event, number) => make("option", { value: number }, event.label)));
    const show = () => code.replaceChildren(make("pre", {}, ...lines(events[select.value].payload, "$", pick)));
    select.addEventListener("change", show);
    place.append(select, make("p", { class: "hint" }, "Choose a value to match on its path."), code);
    show();
  }).catch(() => place.append(make("p", { class: "hint" }, "Recent events could not be read.")));
  return place;
}

const step = (key) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `['${key.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}']`);

function lines(value, path, pick, indent = "", before = "", after = "") {
  if (value !== null && typeof value === "object") {
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    const entries = Object.entries(value);
    const inner = entries.flatMap(([key, one], n) => lines(one, path + (Array.isArray(value) ? `[${key}]` : step(key)), pick, `${indent}  `,
      Array.isArray(value) ? "" : `${JSON.stringify(key)}: `, n < entries.length - 1 ? "," : ""));
    return [make("span", { class: "l" }, `${indent}${before}${open}`), ...inner, make("span", { class: "l" }, `${indent}${close}${after}`)];
  }
  const shown = JSON.stringify(value);
  return [make("span", { class: "l" }, `${indent}${before}`,
    make("button", { type: "button", class: "v", "aria-label": `Match ${path} = ${shown}`, onclick: () => pick(path, value) }, shown), after)];
}
