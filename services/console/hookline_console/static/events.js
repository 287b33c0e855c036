// Rows of events open in place, and a find box marks lines of a payload and its headers.
import { say } from "./saying.js";

function close(twist) {
  const detail = twist.closest("tr").nextElementSibling;
  if (detail?.matches("[data-detail]")) detail.remove();
  twist.setAttribute("aria-expanded", "false");
  twist.closest("tr").classList.remove("open");
}

document.addEventListener("click", (event) => {
  const twist = event.target.closest("a.twist");
  if (!twist || event.ctrlKey || event.metaKey || event.shiftKey || !window.htmx) return;
  event.preventDefault();
  if (twist.getAttribute("aria-expanded") === "true") {
    close(twist);
    return;
  }
  twist.setAttribute("aria-expanded", "true");
  twist.closest("tr").classList.add("open");
  window.htmx.trigger(twist, "open");
});

document.addEventListener("htmx:responseError", (event) => {
  const twist = event.target.closest?.("a.twist");
  if (!twist) return;
  close(twist);
  say("The details could not be loaded");
});

function mark(box) {
  const place = box.closest("[data-find-in]");
  const wanted = box.value.trim().toLowerCase();
  let first = null;
  let count = 0;
  for (const line of place.querySelectorAll(".code .l, .kv dt, .kv dd")) {
    const found = wanted !== "" && line.textContent.toLowerCase().includes(wanted);
    line.classList.toggle("found", found);
    if (found) {
      count += 1;
      first ??= line;
    }
  }
  place.querySelector("[data-found]").textContent = wanted ? `${count} ${count === 1 ? "line" : "lines"}` : "";
  const view = first?.closest(".code");
  if (view) view.scrollTop = first.offsetTop - view.clientHeight / 3;
}

document.addEventListener("input", (event) => {
  const box = event.target.closest("[data-find]");
  if (box) mark(box);
});

function reveal() {
  for (const bar of document.querySelectorAll("[data-find-bar]")) bar.hidden = false;
}
reveal();
document.addEventListener("htmx:afterSettle", reveal);
