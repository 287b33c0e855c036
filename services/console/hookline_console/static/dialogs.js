// A field that must repeat a name before its dialog's last button works: data-must-equal="name".
document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-must-equal]");
  if (!field) return;
  const button = field.form.querySelector("footer button[type=submit]");
  button.disabled = field.value !== field.dataset.mustEqual;
});
// Until the name is there, its button stays off.
document.addEventListener("beforetoggle", (event) => {
  event.target.querySelector?.("[data-must-equal]")?.dispatchEvent(new Event("input", { bubbles: true }));
}, true);
