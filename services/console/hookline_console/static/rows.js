// Rows of a form: data-add-row="id" repeats the last row of that element, data-remove-row takes its row away.
import { say } from "./saying.js";

function renumber(list) {
  [...list.children].forEach((row, index) => {
    for (const one of row.querySelectorAll("[aria-label]")) {
      one.setAttribute("aria-label", one.getAttribute("aria-label").replace(/\d+$/, index + 1));
    }
  });
}

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]");
  if (add) {
    const list = document.getElementById(add.dataset.addRow);
    const row = list.lastElementChild.cloneNode(true);
    for (const control of row.querySelectorAll("input, select, textarea")) {
      if (control.tagName === "SELECT") control.selectedIndex = 0;
      else control.value = "";
    }
    list.append(row);
    row.dispatchEvent(new CustomEvent("row-added", { bubbles: true }));
    renumber(list);
    row.querySelector("input, select, textarea").focus();
    list.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  const remove = event.target.closest("[data-remove-row]");
  if (!remove) return;
  const row = remove.closest(".rule-row, .rule");
  const list = row.parentElement;
  if (list.children.length > 1) row.remove();
  else for (const control of row.querySelectorAll("input, textarea")) control.value = "";
  renumber(list);
  say("Row removed");
  (list.querySelector("input, select, textarea") ?? list).focus();
  list.dispatchEvent(new Event("input", { bubbles: true }));
});
