// The form of a webhook: rows to add and remove, and rules that start are switched on by filling one in.
import "./rows.js";

const form = document.getElementById("webhook");
form?.addEventListener("input", (event) => {
  if (event.target.name === "start" && event.target.value) form.elements.starts.checked = true;
});
