// Follows the system: <body data-live="kinds"> opens the stream, each change of those kinds refreshes the
// regions [data-live-region] by htmx (trigger hookline:live), at most once a second, never under the
// pointer, the focus or a selection, and not while the tab is hidden.
const kinds = document.body.dataset.live.trim();
const state = document.getElementById("live-state");
const EVERY_MS = 1000;
let due = false;
let last = 0;
let since = null;

const busy = (region) =>
  region.matches(":hover") || region.contains(document.activeElement) ||
  region.querySelector("input:checked, [popover]:popover-open, tr.open");

function refresh() {
  due = false;
  last = Date.now();
  for (const region of document.querySelectorAll("[data-live-region]")) {
    if (busy(region)) due = true;
    else window.htmx?.trigger(region, "hookline:live");
  }
  if (due) setTimeout(tick, EVERY_MS);
}

function tick() {
  if (!due || document.hidden) return;
  const wait = EVERY_MS - (Date.now() - last);
  if (wait > 0) setTimeout(tick, wait);
  else refresh();
}

function changed() {
  if (due) return;
  due = true;
  tick();
}

function show(text, off) {
  if (!state) return;
  state.hidden = false;
  state.textContent = text;
  state.classList.toggle("off", off);
}

function open() {
  const source = new EventSource(`/live?topics=${encodeURIComponent(kinds)}`);
  source.addEventListener("open", () => {
    if (since) changed();
    since = null;
    show("Live", false);
  });
  source.addEventListener("error", () => {
    since ??= new Date();
    show(`Reconnecting since ${since.toLocaleTimeString()}`, true);
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 5000);
  });
  for (const kind of kinds.split(/[\s,]+/)) source.addEventListener(kind, changed);
  addEventListener("pagehide", () => source.close());
}

if (kinds) {
  open();
  document.addEventListener("visibilitychange", tick);
}
