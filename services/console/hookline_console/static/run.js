// The form of Run Workflow: another workflow or version fills in its keys, the input says whether it is JSON.
import "./rows.js";

const form = document.getElementById("run");
const input = document.getElementById("run-input");
const state = document.getElementById("input-state");
const declared = JSON.parse(state.dataset.declared || "[]");
const first = input.value;

function look() {
  try {
    const value = JSON.parse(input.value || "{}");
    const missing = declared.filter((key) => !(key in value));
    state.textContent = missing.length ? `Valid JSON. Not given: ${missing.join(", ")}` : "Valid JSON.";
  } catch (error) {
    state.textContent = `Not JSON yet: ${error.message}`;
  }
}

input.addEventListener("input", look);
look();

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-reloads]")) return;
  if (input.value !== first) return; // what was typed is not thrown away
  const name = form.elements.name.value;
  const version = event.target.name === "name" ? "" : form.elements.version.value;
  if (name) location.href = `/run?${new URLSearchParams({ name, version })}`;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
