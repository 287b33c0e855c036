// A field that must repeat a name before its dialog's last button works: data-must-equal="name".
function check(field) {
  if (!field) return;
  const button = field.form.querySelector("footer button[type=submit]");
  button.disabled = field.value !== field.dataset.mustEqual;
}

document.addEventListener("input", (event) => check(event.target.closest("[data-must-equal]")));
document.addEventListener("beforetoggle", (event) => check(event.target.querySelector("[data-must-equal]")), true);
