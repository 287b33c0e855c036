// The definition while it is edited: changes by JSON Pointer, each of which can be undone and done again.
const unescape = (step) => step.replaceAll("~1", "/").replaceAll("~0", "~");

export function valueAt(root, pointer) {
  return pointer.split("/").slice(1).map(unescape)
    .reduce((value, step) => value?.[Array.isArray(value) ? Number(step) : step], root);
}

export function split(pointer) {
  const at = pointer.lastIndexOf("/");
  return { list: pointer.slice(0, at), index: Number(pointer.slice(at + 1)) };
}

// The list a pointer names; lists that are not there yet are made.
function listAt(root, pointer) {
  const steps = pointer.split("/").slice(1).map(unescape);
  let value = root;
  for (const [n, step] of steps.entries()) {
    const key = Array.isArray(value) ? Number(step) : step;
    value[key] ??= n === steps.length - 1 || /^\d+$/.test(steps[n + 1]) ? [] : {};
    value = value[key];
  }
  return value;
}

export function tasksIn(tasks, found = []) {
  for (const task of tasks ?? []) {
    found.push(task);
    for (const branch of Object.values(task.decisionCases ?? {})) tasksIn(branch, found);
    for (const branch of task.forkTasks ?? []) tasksIn(branch, found);
    tasksIn(task.defaultCase, found);
    tasksIn(task.loopOver, found);
  }
  return found;
}

export class Draft extends EventTarget {
  #undone = [];
  #done = [];

  constructor(definition) {
    super();
    this.definition = definition;
    this.saved = JSON.stringify(definition);
  }

  get changed() { return JSON.stringify(this.definition) !== this.saved; }
  get canUndo() { return this.#done.length > 0; }
  get canRedo() { return this.#undone.length > 0; }

  // Change a copy and take it; `from` says who did it, so that a form does not rewrite itself.
  change(edit, from = "") {
    const before = JSON.stringify(this.definition);
    const copy = JSON.parse(before);
    const result = edit(copy);
    if (JSON.stringify(copy) === before) return result;
    this.#done.push(before);
    this.#undone = [];
    this.#take(copy, from);
    return result;
  }

  replace(definition, from = "") {
    this.change((copy) => {
      for (const key of Object.keys(copy)) delete copy[key];
      Object.assign(copy, definition);
    }, from);
  }

  undo() { this.#step(this.#done, this.#undone); }
  redo() { this.#step(this.#undone, this.#done); }

  #step(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(this.definition));
    this.#take(JSON.parse(from.pop()), "history");
  }

  #take(definition, from) {
    this.definition = definition;
    this.dispatchEvent(new CustomEvent("change", { detail: { from } }));
  }

  freshName(wanted, root = this.definition) {
    const names = new Set(tasksIn(root.tasks).map((task) => task.taskReferenceName));
    if (!names.has(wanted)) return wanted;
    let number = 2;
    while (names.has(`${wanted}_${number}`)) number += 1;
    return `${wanted}_${number}`;
  }

  insert(at, ...tasks) {
    this.change((copy) => {
      const { list, index } = split(at);
      listAt(copy, list).splice(index, 0, ...tasks);
    });
  }

  remove(pointer) {
    this.change((copy) => {
      const { list, index } = split(pointer);
      listAt(copy, list).splice(index, 1);
    });
  }

  // Earlier (-1) or later (1) in its list; the pointer that it has then.
  move(pointer, step) {
    const { list, index } = split(pointer);
    const length = valueAt(this.definition, list).length;
    const to = Math.min(Math.max(index + step, 0), length - 1);
    this.change((copy) => {
      const tasks = listAt(copy, list);
      tasks.splice(to, 0, ...tasks.splice(index, 1));
    });
    return `${list}/${to}`;
  }

  duplicate(pointer) {
    const { list, index } = split(pointer);
    this.change((copy) => {
      const twin = JSON.parse(JSON.stringify(listAt(copy, list)[index]));
      listAt(copy, list).splice(index + 1, 0, twin);
      for (const task of tasksIn([twin])) {
        const wanted = task.taskReferenceName;
        task.taskReferenceName = "";
        task.taskReferenceName = this.freshName(wanted, copy);
      }
    });
    return `${list}/${index + 1}`;
  }
}
