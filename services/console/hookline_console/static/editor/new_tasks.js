// What a task of each type begins as.
const bodies = {
  WAIT_FOR_WEBHOOK: () => ({ inputParameters: { matches: {} } }),
  WAIT: () => ({ inputParameters: { duration: "1 minute" } }),
  HTTP: () => ({ inputParameters: { http_request: { uri: "https://example.com", method: "GET" } } }),
  INLINE: () => ({ inputParameters: { evaluatorType: "javascript", expression: "(function () { return 1; })()" } }),
  SET_VARIABLE: () => ({ inputParameters: {} }),
  SUB_WORKFLOW: () => ({ subWorkflowParam: { name: "" }, inputParameters: {} }),
  SWITCH: () => ({ evaluatorType: "value-param", expression: "value", inputParameters: { value: "${workflow.input.value}" }, decisionCases: { yes: [] }, defaultCase: [] }),
  FORK_JOIN: () => ({ forkTasks: [[], []] }),
  DO_WHILE: (name) => ({ loopCondition: `$.${name}['iteration'] < 3`, loopOver: [], inputParameters: {} }),
  TERMINATE: () => ({ inputParameters: { terminationStatus: "COMPLETED" } }),
  JOIN: () => ({ joinOn: [] }),
};

const names = { WAIT_FOR_WEBHOOK: "wait_for_event", SIMPLE: "task", FORK_JOIN: "fork", DO_WHILE: "loop", SUB_WORKFLOW: "sub_workflow" };

// The tasks that a choice of the picker inserts: a fork comes with its join.
export function newTasks(draft, type) {
  const name = draft.freshName(names[type] ?? type.toLowerCase());
  const task = { name, taskReferenceName: name, type, ...bodies[type]?.(name) };
  if (type !== "FORK_JOIN") return [task];
  const join = draft.freshName("join");
  return [task, { name: join, taskReferenceName: join, type: "JOIN", joinOn: [] }];
}
