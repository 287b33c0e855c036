// The clauses of a Wait for Webhook, beside a recent payload to choose them from.
import { clauseRows } from "../clauses.js";
import { make } from "../dom.js";

// `isNamed`: whether a webhook names the workflow. Until one does, the events of the payload's webhook are tried.
export function matchesForm(matches, workflow, isNamed, change) {
  let scope = isNamed ? { workflow } : {};
  const rows = clauseRows(matches, { change, scope: () => scope, example: "value or ${workflow.input.x}" });
  const pick = (path, value) => rows.add(path, typeof value === "string" ? value : JSON.stringify(value));
  const shown = (event) => {
    if (isNamed) return;
    scope = { webhookId: event.webhookId };
    rows.ask();
  };
  return make("div", { class: "field" },
    make("span", { class: "label" }, "Matches: all must hold"), ...rows.parts, payloadPicker(workflow, pick, shown));
}

// A recent payload whose values are buttons.
function payloadPicker(workflow, pick, shown) {
  const code = make("div", { class: "code payload", tabindex: "0", role: "region", "aria-label": "Payload of a recent event" });
  const select = make("select", { class: "slim", "aria-label": "Recent event" });
  const place = make("div", { class: "field" }, make("span", { class: "label" }, "Recent payload"));
  fetch(`/definitions/recent-events?workflow=${encodeURIComponent(workflow)}`).then((answer) => answer.json()).then((events) => {
    if (!events.length) {
      place.append(make("p", { class: "hint" }, "No event has come yet: send one, and pick paths from its payload here."));
      return;
    }
    select.append(...events.map((event, number) => make("option", { value: number }, event.label)));
    const show = () => {
      code.replaceChildren(make("pre", {}, ...lines(events[select.value].payload, "$", pick)));
      shown(events[select.value]);
    };
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
