// Selection: how many are ticked, to how many each action applies; a status filter submits at once.
import { say } from "./saying.js";

const form = document.getElementById("bulk");
const ticked = () => [...form.querySelectorAll("input[name=id]:checked")];

function count() {
  const boxes = ticked();
  const selected = form.querySelector("#selected");
  if (!selected) return;
  selected.textContent = boxes.length ? `${boxes.length} selected` : "Tick executions to act on them";
  for (const button of form.querySelectorAll("[data-applies]")) {
    const statuses = button.dataset.applies.split(" ");
    const fitting = boxes.filter((box) => statuses.includes(box.dataset.status)).length;
    button.querySelector("b").textContent = boxes.length ? fitting : "";
    button.disabled = !fitting;
    const title = document.getElementById(`${button.getAttribute("popovertarget")}-title`);
    if (title) title.textContent = `${title.dataset.asks} ${fitting} execution${fitting === 1 ? "" : "s"}?`;
  }
}

form.addEventListener("change", (event) => {
  if (event.target.id === "select-all") {
    for (const box of form.querySelectorAll("input[name=id]")) box.checked = event.target.checked;
    say(event.target.checked ? "All on this page are selected" : "None is selected");
  }
  count();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});
document.addEventListener("htmx:afterSettle", count);
count();
