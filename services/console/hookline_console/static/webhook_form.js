// The form of a webhook: rows to add and remove, rules that start are switched on by filling one in, their clauses are
// rows or JSON.
import { clauseRows } from "./clauses.js";
import { make, post, send } from "./dom.js";
import "./rows.js";

const form = () => document.getElementById("webhook");
const json = document.getElementById("json");
const state = document.getElementById("json-state");
const SECRETS = ["secretValue", "secretKey", "headerKey"];
let inStep = document.getElementById("as-json").hidden ? json.value : null;

// The textarea is what is sent; the rows write it, and are drawn anew when it was changed.
function drawClauses(rule) {
  const text = rule.querySelector("textarea[name=startWhen]");
  let matches;
  try { matches = JSON.parse(text.value || "{}"); } catch { return; }
  const { parts } = clauseRows(matches, {
    change: (clauses) => { text.value = Object.keys(clauses).length ? JSON.stringify(clauses, null, 2) : ""; },
    scope: () => ({ webhookId: form().dataset.webhook }),
    suffix: () => ` of rule ${[...rule.parentElement.children].indexOf(rule) + 1}`,
  });
  rule.querySelector("[data-clauses]")?.remove();
  text.closest("details").before(make("div", { class: "stack-v", "data-clauses": "" }, ...parts));
}

function drawAll() {
  for (const rule of document.querySelectorAll("#start-rows > .rule")) drawClauses(rule);
}

document.addEventListener("input", (event) => {
  const { name, value } = event.target;
  if (name === "start" && value) event.target.form.elements.starts.checked = true;
});
document.addEventListener("change", (event) => {
  if (event.target.name === "startWhen") drawClauses(event.target.closest(".rule"));
});
document.addEventListener("row-added", (event) => {
  if (event.target.matches(".rule")) drawClauses(event.target);
});

// The form and the JSON are two views of one webhook: each is made from the other when it is chosen.
function tell(text) {
  state.textContent = text;
  state.hidden = !text;
}

async function showJson() {
  const { ok, data } = await post(`${form().getAttribute("action")}/as-json`, new FormData(form()));
  if (ok) json.value = inStep = data.json;
  tell(ok ? "" : `The form cannot be read yet: ${data.message}`);
}

async function showForm() {
  if (json.value === inStep) return;
  const answer = await send(`${form().getAttribute("action")}/as-form`, { json: json.value });
  if (!answer.ok) {
    document.getElementById("as-json-tab").click();
    tell((await answer.json()).message);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["form", "setup"]) document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  const typed = JSON.parse(json.value);
  for (const name of SECRETS) {
    const field = form().elements[name];
    if (field && typed[name] && typed[name] !== "***") field.value = typed[name];
  }
  window.htmx?.process(document.getElementById("form"));
  inStep = json.value;
  tell("");
  drawAll();
}

document.addEventListener("tab-chosen", (event) => {
  if (event.target.id === "as-json-tab" && json.value === inStep) showJson();
  if (event.target.id === "form-tab") showForm();
});
json.addEventListener("input", () => {
  try { JSON.parse(json.value); tell(""); } catch (error) { tell(`Not JSON yet: ${error.message}`); }
});
drawAll();
