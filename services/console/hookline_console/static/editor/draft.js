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

// A fork and the join behind it go together.
const spanAt = (tasks, index) => (/^FORK_JOIN/.test(tasks[index]?.type) && tasks[index + 1]?.type === "JOIN" ? 2 : 1);

function beginsOf(tasks) {
  const begins = [];
  for (let at = 0; at < tasks.length; at += spanAt(tasks, at)) begins.push(at);
  return begins;
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

  // How many tasks went, with those in their branches.
  remove(pointer) {
    const { list, index } = split(pointer);
    let gone = [];
    this.change((copy) => {
      const tasks = listAt(copy, list);
      gone = tasks.splice(index, spanAt(tasks, index));
    });
    return tasksIn(gone).length;
  }

  // Earlier (-1) or later (1) in its list; the pointer that it has then.
  move(pointer, step) {
    const { list, index } = split(pointer);
    return this.change((copy) => {
      const tasks = listAt(copy, list);
      const moved = tasks.splice(index, spanAt(tasks, index));
      const begins = beginsOf(tasks);
      const to = step < 0 ? begins.findLast((begin) => begin < index) ?? 0 : begins.find((begin) => begin > index) ?? tasks.length;
      tasks.splice(to, 0, ...moved);
      return `${list}/${to}`;
    });
  }

  duplicate(pointer) {
    const { list, index } = split(pointer);
    return this.change((copy) => {
      const tasks = listAt(copy, list);
      const count = spanAt(tasks, index);
      const twins = JSON.parse(JSON.stringify(tasks.slice(index, index + count)));
      tasks.splice(index + count, 0, ...twins);
      this.#rename(tasksIn(twins), copy);
      return `${list}/${index + count}`;
    });
  }

  // New names for copies; a join among them joins the copies.
  #rename(twins, root) {
    const names = new Map();
    for (const task of twins) {
      const before = task.taskReferenceName;
      task.taskReferenceName = "";
      task.taskReferenceName = this.freshName(before, root);
      names.set(before, task.taskReferenceName);
    }
    for (const task of twins) task.joinOn = task.joinOn?.map((name) => names.get(name) ?? name);
  }
}
