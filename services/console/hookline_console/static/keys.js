// Single keys: find, go to, walk the rows of a table. Off while typing, and where they are switched off.
const places = { h: "/", e: "/events", w: "/definitions/webhooks", d: "/definitions/workflows", r: "/run", x: "/executions", o: "/operations" };
const box = document.getElementById("single-keys");
const stored = () => { try { return localStorage.getItem("hookline-keys") !== "off"; } catch { return true; } };
let going = false;

if (box) {
  box.checked = stored();
  box.addEventListener("change", () => {
    try { localStorage.setItem("hookline-keys", box.checked ? "on" : "off"); } catch { /* this page only */ }
  });
}

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("table.rows tbody tr:not(.detail)")];

function walk(step) {
  const all = rows();
  if (!all.length) return;
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const row = all[Math.min(Math.max(here + step, 0), all.length - 1)];
  const target = row.querySelector("a, button, input") ?? row;
  if (target === row) row.tabIndex = -1;
  target.focus();
  row.scrollIntoView({ block: "nearest" });
}

const currentRow = () => document.activeElement?.closest("table.rows tbody tr:not(.detail)");

const actions = {
  "/": () => document.querySelector(".top .finder input")?.focus(),
  "?": () => document.getElementById("keys")?.showPopover(),
  g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
  j: () => walk(1),
  k: () => walk(-1),
  x: () => currentRow()?.querySelector("input[type=checkbox]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || (box && !box.checked)) return;
  if (going && places[event.key]) {
    location.href = places[event.key];
    return;
  }
  going = false;
  if (event.key === " " && currentRow() && !event.target.closest("button, summary")) {
    const twist = currentRow().querySelector(".twist");
    if (twist) { event.preventDefault(); twist.click(); }
    return;
  }
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
