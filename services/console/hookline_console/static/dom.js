// Elements with their attributes and children; text is always text.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let count = 0;

// A labelled control; `change` gets its text.
export function field(label, value, change, { tag = "input", hint = "", list, rows, mono = true } = {}) {
  count += 1;
  const id = `field-${count}`;
  const control = make(tag, {
    id, class: mono ? "mono" : "", list, rows, type: tag === "input" ? "text" : undefined,
    spellcheck: "false", autocomplete: "off", value: value ?? "", oninput: (event) => change(event.target.value),
  });
  return make("div", { class: "field" }, make("label", { for: id }, label), control, hint ? make("p", { class: "hint" }, hint) : null);
}

export function choice(label, options, value, change) {
  count += 1;
  const id = `field-${count}`;
  const control = make("select", { id, onchange: (event) => change(event.target.value) },
    ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
  return make("div", { class: "field" }, make("label", { for: id }, label), control);
}

// A JSON value as text: it counts only while it is JSON.
export function jsonField(label, value, change, { rows = 6, hint = "" } = {}) {
  const fault = make("p", { class: "err", hidden: true });
  const row = field(label, JSON.stringify(value ?? {}, null, 2), (text) => {
    try {
      change(JSON.parse(text));
      fault.hidden = true;
    } catch (error) {
      fault.textContent = `Not JSON yet: ${error.message}`;
      fault.hidden = false;
    }
  }, { tag: "textarea", rows, hint });
  row.append(fault);
  return row;
}

export const button = (text, press, attributes = {}) =>
  make("button", { type: "button", class: "btn small", onclick: press, ...attributes }, text);

export function send(address, fields) {
  const csrf = document.querySelector("meta[name=csrf]").content;
  return fetch(address, { method: "POST", headers: { "X-CSRF-Token": csrf }, body: new URLSearchParams(fields) });
}

export async function post(address, fields) {
  const answer = await send(address, fields);
  return { ok: answer.ok, status: answer.status, data: await answer.json().catch(() => ({})) };
}
