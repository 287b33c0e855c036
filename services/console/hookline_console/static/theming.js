// The button that goes through auto, light and dark.
const root = document.documentElement;
const themes = ["auto", "light", "dark"];
const current = () => root.dataset.theme ?? "auto";

function label() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-label", `Theme: ${current()}. Change`);
    button.title = `Theme: ${current()}`;
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = themes[(themes.indexOf(current()) + 1) % themes.length];
  if (next === "auto") delete root.dataset.theme;
  else root.dataset.theme = next;
  try { localStorage.setItem("hookline-theme", next); } catch { /* it lasts for this page */ }
  label();
});
label();
