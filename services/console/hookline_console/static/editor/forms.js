// The form at the side for a task of each type. `set(edit)` changes a copy of the task in the draft.
import { button, choice, field, jsonField, make } from "../dom.js";
import { matchesForm } from "./matches.js";

const input = (task) => (task.inputParameters ??= {});

function waitForWebhook(task, set, context) {
  const given = task.inputParameters ?? {};
  return [
    matchesForm(given.matches, context.workflow, context.isNamed, (matches) => set((copy) => { input(copy).matches = matches; })),
    field("Timeout", given.timeout, (text) => set((copy) => { if (text) input(copy).timeout = text; else delete input(copy).timeout; }),
      { hint: "Such as 30m or 2 days; empty: it waits without end." }),
    choice("When the time is over", [["", "Complete with timedOut"], ["FAIL", "Fail the task"]], given.onTimeout ?? "",
      (value) => set((copy) => { if (value) input(copy).onTimeout = value; else delete input(copy).onTimeout; })),
  ];
}

function http(task, set) {
  const request = task.inputParameters?.http_request ?? task.inputParameters ?? {};
  const change = (name) => (value) => set((copy) => { (input(copy).http_request ??= {})[name] = value; });
  return [
    choice("Method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"].map((name) => [name, name]), request.method ?? "GET", change("method")),
    field("Address", request.uri, change("uri")),
    jsonField("Headers", request.headers, change("headers"), { rows: 3 }),
    jsonField("Body", request.body ?? null, change("body"), { rows: 5 }),
  ];
}

function switchForm(task, set, context) {
  const cases = Object.keys(task.decisionCases ?? {});
  const rename = (from) => (event) => {
    const to = event.target.value.trim();
    if (!to || (to !== from && cases.includes(to))) { event.target.value = from; return; }
    set((copy) => {
      copy.decisionCases = Object.fromEntries(Object.entries(copy.decisionCases).map(([key, tasks]) => [key === from ? to : key, tasks]));
    });
    context.refresh();
  };
  return [
    choice("Decided by", [["value-param", "the value of an input"], ["javascript", "JavaScript"]], task.evaluatorType ?? "value-param",
      (value) => set((copy) => { copy.evaluatorType = value; })),
    field("Expression", task.expression, (text) => set((copy) => { copy.expression = text; }),
      { hint: "The name of the input, or a script whose value names the case." }),
    jsonField("Input", task.inputParameters, (value) => set((copy) => { copy.inputParameters = value; }), { rows: 4 }),
    make("div", { class: "field" }, make("span", { class: "label" }, "Cases"),
      ...cases.map((name) => make("div", { class: "joined" },
        make("input", { type: "text", class: "mono", value: name, "aria-label": `Case ${name}`, onchange: rename(name) }),
        make("button", { type: "button", class: "btn", "aria-label": `Remove case ${name}`, onclick: () => { set((copy) => { delete copy.decisionCases[name]; }); context.refresh(); } }, "×"))),
      make("div", {}, button("Add a case", () => {
        set((copy) => {
          copy.decisionCases ??= {};
          let number = Object.keys(copy.decisionCases).length + 1;
          while (`case_${number}` in copy.decisionCases) number += 1;
          copy.decisionCases[`case_${number}`] = [];
        });
        context.refresh();
      }))),
  ];
}

const simple = (task, set) => [
  field("Task definition", task.name, (text) => set((copy) => { copy.name = text; }), { list: "task-defs", hint: "The name that its workers poll for." }),
  inputs(task, set),
];

const inputs = (task, set) => jsonField("Input", task.inputParameters, (value) => set((copy) => { copy.inputParameters = value; }));

function subWorkflow(task, set) {
  const given = task.subWorkflowParam ?? {};
  const change = (name, read) => (text) => set((copy) => {
    copy.subWorkflowParam ??= {};
    if (text === "") delete copy.subWorkflowParam[name];
    else copy.subWorkflowParam[name] = read(text);
  });
  return [
    field("Workflow name", given.name, change("name", String), { list: "workflow-names" }),
    field("Version", given.version, change("version", (text) => Number(text) || text), { hint: "Empty: the latest." }),
    inputs(task, set),
  ];
}

const fork = (task, set, context) => [
  make("p", { class: "muted" }, `${task.forkTasks?.length ?? 0} branches, which run at the same time until the join after it.`),
  make("div", { class: "row" },
    button("Add a branch", () => { set((copy) => { (copy.forkTasks ??= []).push([]); }); context.refresh(); }),
    button("Remove the last branch", () => { set((copy) => { copy.forkTasks?.pop(); }); context.refresh(); })),
];

const join = (task, set) => [
  field("Waits for", (task.joinOn ?? []).join(", "), (text) => set((copy) => { copy.joinOn = text.split(",").map((one) => one.trim()).filter(Boolean); }),
    { hint: "Reference names, separated by commas; empty: the last task of each branch." }),
];

const loop = (task, set) => [
  field("Repeats while", task.loopCondition, (text) => set((copy) => { copy.loopCondition = text; }), { tag: "textarea", rows: 3, hint: "JavaScript; looked at after each round." }),
  inputs(task, set),
];

const inline = (task, set) => [
  field("JavaScript", task.inputParameters?.expression, (text) => set((copy) => { input(copy).expression = text; }), { tag: "textarea", rows: 6 }),
  inputs(task, set),
];

function terminate(task, set) {
  const given = task.inputParameters ?? {};
  return [
    choice("Ends as", ["COMPLETED", "FAILED", "TERMINATED"].map((name) => [name, name]), given.terminationStatus ?? "COMPLETED",
      (value) => set((copy) => { input(copy).terminationStatus = value; })),
    field("Reason", given.terminationReason, (text) => set((copy) => { input(copy).terminationReason = text; }), { mono: false }),
    inputs(task, set),
  ];
}

const wait = (task, set) => [
  field("Duration", task.inputParameters?.duration, (text) => set((copy) => { if (text) input(copy).duration = text; else delete input(copy).duration; }),
    { hint: "Such as 20s or 1 hour 30 minutes." }),
  field("Until", task.inputParameters?.until, (text) => set((copy) => { if (text) input(copy).until = text; else delete input(copy).until; }),
    { hint: "A moment, such as 2026-12-24 18:00 UTC, in the place of a duration." }),
];

const FORMS = { WAIT_FOR_WEBHOOK: waitForWebhook, HTTP: http, SWITCH: switchForm, SIMPLE: simple, SUB_WORKFLOW: subWorkflow,
  FORK_JOIN: fork, JOIN: join, DO_WHILE: loop, INLINE: inline, TERMINATE: terminate, WAIT: wait };

export function taskForm(task, set, context) {
  const number = (text) => (text === "" ? undefined : Number(text));
  return [
    field("Reference name", task.taskReferenceName, (text) => set((copy) => {
      if (copy.name === copy.taskReferenceName && copy.type !== "SIMPLE") copy.name = text;
      copy.taskReferenceName = text;
    }), { hint: "How other tasks name it: ${name.output.field}" }),
    ...(FORMS[task.type] ?? ((one, put) => [inputs(one, put)]))(task, set, context),
    make("details", { class: "fold" }, make("summary", {}, "More"),
      field("Description", task.description, (text) => set((copy) => { copy.description = text || undefined; }), { mono: false }),
      make("label", { class: "check" }, make("input", { type: "checkbox", checked: task.optional === true, onchange: (event) => set((copy) => { copy.optional = event.target.checked; }) }), make("span", {}, "Optional: its failure does not fail the workflow")),
      field("Start delay, seconds", task.startDelay || "", (text) => set((copy) => { copy.startDelay = number(text); }))),
    make("details", { class: "fold" }, make("summary", {}, "JSON of this task"),
      jsonField("Task", task, (value) => set((copy) => {
        for (const key of Object.keys(copy)) delete copy[key];
        Object.assign(copy, value);
      }), { rows: 14 })),
  ];
}

export function settingsForm(definition, set, isNew) {
  const text = (label, name, options) => field(label, definition[name], (value) => set((copy) => { if (value) copy[name] = value; else delete copy[name]; }), options);
  return [
    isNew
      ? field("Name", definition.name, (value) => set((copy) => { copy.name = value; }), { hint: "What runs and webhooks call it." })
      : make("p", { class: "muted" }, `The name ${definition.name} stays; start a new workflow for another.`),
    text("Description", "description", { mono: false }),
    field("Input keys", (definition.inputParameters ?? []).join(", "), (value) => set((copy) => { copy.inputParameters = value.split(",").map((one) => one.trim()).filter(Boolean); }),
      { hint: "Declared keys of the input, separated by commas; Run Workflow fills them in." }),
    jsonField("Output", definition.outputParameters, (value) => set((copy) => { copy.outputParameters = value; })),
    field("Timeout, seconds", definition.timeoutSeconds || "", (value) => set((copy) => { copy.timeoutSeconds = Number(value) || 0; }), { hint: "Empty: none." }),
    choice("When the time is over", [["ALERT_ONLY", "Only note it"], ["TIME_OUT_WF", "Time the workflow out"]], definition.timeoutPolicy ?? "ALERT_ONLY",
      (value) => set((copy) => { copy.timeoutPolicy = value; })),
    text("Failure workflow", "failureWorkflow", { list: "workflow-names", hint: "Runs when this one fails." }),
    text("Owner", "ownerEmail"),
  ];
}
