// Times in the reader's zone: the title gets local time and UTC, data-form="clock" shows the local one.
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

function localise(time) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime()) || time.dataset.local) return;
  time.dataset.local = "1";
  const ms = String(at.getMilliseconds()).padStart(3, "0");
  time.title = `${day.format(at)}, ${clock.format(at)}.${ms} local · ${time.title}`;
  if (time.dataset.form === "clock") time.textContent = clock.format(at);
  if (time.dataset.form === "date") time.textContent = `${day.format(at)}, ${clock.format(at)}`;
}

export function localiseAll(root) {
  for (const time of root.querySelectorAll("time[datetime]")) localise(time);
}

localiseAll(document);
document.addEventListener("htmx:afterSettle", () => localiseAll(document));
