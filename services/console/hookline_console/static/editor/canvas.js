// The drawing: made by the server from the draft, walked and acted on here.
import { post } from "../dom.js";

export class Canvas {
  constructor(place, handlers) {
    this.place = place;
    this.handlers = handlers;
    this.selected = "";
    this.last = 0;
    place.addEventListener("click", (event) => this.#pressed(event.target));
    place.addEventListener("keydown", (event) => this.#key(event));
  }

  async draw(definition) {
    this.last += 1;
    const turn = this.last;
    const { data } = await post("/definitions/draw", { draft: JSON.stringify(definition) });
    if (turn !== this.last) return null; // a later draft is on its way
    if (data.svg) {
      const focus = this.#focusKey();
      this.place.innerHTML = data.svg; // the server has escaped every value
      this.mark();
      if (focus) this.place.querySelector(focus)?.focus();
    }
    return data.problems ?? [];
  }

  #focusKey() {
    const active = this.place.contains(document.activeElement) ? document.activeElement : null;
    if (!active) return "";
    if (active.dataset.pointer) return `[data-pointer="${CSS.escape(this.selected || active.dataset.pointer)}"]`;
    return active.dataset.at ? `[data-at="${CSS.escape(active.dataset.at)}"]` : "";
  }

  mark() {
    for (const node of this.place.querySelectorAll("[data-pointer]")) {
      node.classList.toggle("sel", node.dataset.pointer === this.selected);
    }
  }

  select(pointer) {
    this.selected = pointer;
    this.mark();
  }

  focus(pointer) {
    this.place.querySelector(`[data-pointer="${CSS.escape(pointer)}"]`)?.focus();
  }

  #pressed(target) {
    const add = target.closest?.("[data-at]");
    if (add) this.handlers.add(add.dataset.at, add);
    const node = target.closest?.("[data-pointer]");
    if (node) this.handlers.choose(node.dataset.pointer);
  }

  #key(event) {
    const target = event.target;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#pressed(target);
    } else if (event.key.startsWith("Arrow")) {
      const all = [...this.place.querySelectorAll("[data-pointer], [data-at]")];
      const step = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1;
      const next = all[all.indexOf(target) + step];
      if (next) { event.preventDefault(); next.focus(); }
    } else if (target.dataset.pointer && (event.key === "Delete" || event.key === "Backspace")) {
      event.preventDefault();
      this.handlers.remove(target.dataset.pointer);
    } else if (target.dataset.pointer && event.key === "a" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const parts = target.dataset.pointer.split("/");
      parts.push(Number(parts.pop()) + 1);
      this.handlers.add(parts.join("/"), target);
    }
  }
}
