// Buttons with data-copy put their value on the clipboard.
import { say } from "./saying.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say("Copied");
    button.classList.add("good");
    setTimeout(() => button.classList.remove("good"), 1200);
  } catch {
    say("This browser does not allow copying here");
  }
});
