// What every page can do: each concern is a module that starts itself.
import "./theming.js";
import "./tabs.js";
import "./copying.js";
import "./times.js";
import "./keys.js";
import "./live.js";
import "./dialogs.js";
