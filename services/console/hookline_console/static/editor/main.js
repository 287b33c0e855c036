// The editor: one draft; the flow, the form at the side, the JSON and the settings show it and change it.
import { say } from "../saying.js";
import { Canvas } from "./canvas.js";
import { make, post } from "../dom.js";
import { Draft, tasksIn, valueAt } from "./draft.js";
import { settingsForm, taskForm } from "./forms.js";
import { newTasks } from "./new_tasks.js";

const id = (name) => document.getElementById(name);
const data = id("editor-data").dataset;
const json = id("json-text");
const draft = new Draft(JSON.parse(json.value));
const isNew = data.saved !== "true";
const side = id("side");
const empty = side.firstElementChild;
let addAt = "";
let leaving = false;

const canvas = new Canvas(id("canvas"), { add: openPicker, choose, remove });

function openPicker(at, anchor) {
  addAt = at;
  id("picker").showPopover();
  id("picker-find").value = "";
  filterPicker();
  id("picker-find").focus();
  id("picker").dataset.back = anchor.dataset.pointer ?? "";
}

function filterPicker() {
  const words = id("picker-find").value.toLowerCase().split(/\s+/);
  for (const button of id("picker-list").querySelectorAll("button")) {
    button.parentElement.hidden = !words.every((word) => button.dataset.words.includes(word));
  }
}

id("picker-find").addEventListener("input", filterPicker);
id("picker").addEventListener("keydown", (event) => {
  const shown = [...id("picker-list").querySelectorAll("li:not([hidden]) button")];
  const at = shown.indexOf(document.activeElement);
  if (event.key === "Enter" && at < 0) { event.preventDefault(); shown[0]?.click(); }
  if (event.key === "ArrowDown") { event.preventDefault(); shown[Math.min(at + 1, shown.length - 1)]?.focus(); }
  if (event.key === "ArrowUp") { event.preventDefault(); (shown[at - 1] ?? id("picker-find")).focus(); }
});
id("picker-list").addEventListener("click", (event) => {
  const type = event.target.closest("[data-type]")?.dataset.type;
  if (!type) return;
  id("picker").hidePopover();
  draft.insert(addAt, ...newTasks(draft, type));
  choose(addAt, true);
});

function choose(pointer, focus = true) {
  canvas.select(pointer);
  drawSide(pointer);
  if (focus) side.querySelector("input, textarea, select")?.focus();
}

function drawSide(pointer) {
  const task = pointer && valueAt(draft.definition, pointer);
  if (!task) {
    canvas.select("");
    side.replaceChildren(empty);
    return;
  }
  const set = (edit) => draft.change((copy) => edit(valueAt(copy, pointer)), "side");
  const press = (label, text, action) => make("button", { type: "button", class: "btn quiet small", "aria-label": label, title: label, onclick: action }, text);
  side.replaceChildren(
    make("header", {}, make("div", { class: "two grow" }, make("strong", { class: "cut" }, task.taskReferenceName ?? ""), make("span", {}, task.type ?? "")),
      press("Move earlier", "↑", () => choose(draft.move(pointer, -1), false)),
      press("Move later", "↓", () => choose(draft.move(pointer, 1), false)),
      press("Duplicate", "Copy", () => choose(draft.duplicate(pointer), false)),
      press("Delete", "✕", () => remove(pointer))),
    make("div", { class: "form-body" }, ...taskForm(task, set, { workflow: draft.definition.name ?? "", isNamed: data.named === "true", refresh: () => drawSide(pointer) })));
}

function remove(pointer) {
  if (!valueAt(draft.definition, pointer)) return;
  const count = draft.remove(pointer);
  drawSide("");
  say(`${count} task${count === 1 ? "" : "s"} deleted; Undo brings ${count === 1 ? "it" : "them"} back`);
  id("draft-state").textContent = `${count} task${count === 1 ? "" : "s"} deleted, Undo brings back`;
}

function drawSettings() {
  id("settings-form").replaceChildren(...settingsForm(draft.definition, (edit) => draft.change(edit, "settings"), isNew));
}

function showProblems(problems) {
  const valid = problems.length === 0;
  id("validity").textContent = valid ? `Definition is valid, ${tasksIn(draft.definition.tasks).length} tasks` : problems.map((one) => `Line ${one.line}: ${one.message}`).join("\n");
  id("validity").className = valid ? "grow good" : "grow bad";
  const bad = new Set(problems.map((one) => one.line));
  const count = json.value.split("\n").length;
  id("json-lines").replaceChildren(...Array.from({ length: count }, (_, n) => make("li", { class: bad.has(n + 1) ? "at-bad" : "" }, bad.has(n + 1) ? `▸ ${n + 1}` : `${n + 1}`)));
  json.rows = Math.max(count, 24);
}

async function changed(from) {
  if (from !== "json") json.value = JSON.stringify(draft.definition, null, 2);
  if (from !== "settings") drawSettings();
  if (from === "history" || from === "json") drawSide(canvas.selected);
  id("undo").disabled = !draft.canUndo;
  id("redo").disabled = !draft.canRedo;
  id("draft-state").textContent = draft.changed ? "Unsaved changes" : "";
  id("editor-name").textContent = draft.definition.name || "New workflow";
  id("editor-about").textContent = draft.definition.description ?? "";
  const problems = await canvas.draw(draft.definition);
  if (problems) showProblems(problems);
}

draft.addEventListener("change", (event) => changed(event.detail.from));

let typing;
json.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(takeJson, 300);
});

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// What stands in the JSON tab counts, even if it was typed a moment ago; false if it is no definition.
async function takeJson() {
  clearTimeout(typing);
  try {
    const value = JSON.parse(json.value);
    if (!isObject(value)) throw new TypeError("not an object");
    draft.replace(value, "json");
    return true;
  } catch {
    const { data: answer } = await post("/definitions/draw", { draft: json.value });
    showProblems(answer.problems ?? []);
    return false;
  }
}

async function save(overwrite) {
  if (!(await takeJson())) {
    id("problems").replaceChildren(make("div", { class: "callout bad" }, make("div", {}, "Not saved: the JSON is no definition yet.")));
    return;
  }
  const definition = { ...draft.definition };
  if (!overwrite && !isNew) definition.version = Number(data.latest) + 1;
  const { ok, data: answer } = await post("/definitions/save", { draft: JSON.stringify(definition), overwrite: overwrite ? "1" : "" });
  if (ok) {
    leaving = true;
    location.href = answer.address;
    return;
  }
  const problems = answer.problems ?? [{ line: 1, message: "It could not be saved; is the API running?" }];
  id("problems").replaceChildren(make("div", { class: "callout bad" }, make("div", {}, `Not saved. ${problems.map((one) => one.message).join(" ")}`)));
  id("problems").scrollIntoView({ block: "nearest" });
  showProblems(problems);
}

id("save").addEventListener("click", () => save(false));
id("overwrite")?.addEventListener("click", () => {
  id("ask-overwrite").hidePopover();
  save(true);
});
id("undo").addEventListener("click", () => draft.undo());
id("redo").addEventListener("click", () => draft.redo());
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey)) return;
  const key = event.key.toLowerCase();
  const inText = event.target.closest?.("input, textarea");
  if (key === "s") { event.preventDefault(); save(false); }
  if (key === "z" && !inText) { event.preventDefault(); event.shiftKey ? draft.redo() : draft.undo(); }
  if (key === "y" && !inText) { event.preventDefault(); draft.redo(); }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});
addEventListener("beforeunload", (event) => {
  if (draft.changed && !leaving) event.preventDefault();
});

changed("");
