// Shows the view that the fragment names. MLflow clients print such fragments: #/experiments/1/runs/<id>

import { chooseWorkspace, keepToken } from "./api.js";
import { element, experiment, home, model, run, signIn } from "./views.js";

const views = [
  [/^\/experiments\/([^/]+)\/runs\/([^/]+)/, (_, runId) => run(runId)],
  [/^\/experiments\/([^/]+)/, experiment],
  [/^\/models\/(.+)$/, model],
  [/^/, home],
];

async function view() {
  // Other parameters belong to pages of MLflow's UI that this page does not have.
  const [path, query] = location.hash.replace(/^#/, "").split("?", 2);
  chooseWorkspace(new URLSearchParams(query).get("workspace") || "");
  for (const [pattern, show] of views) {
    const found = pattern.exec(path);
    if (found) return show(...found.slice(1).map(decodeURIComponent));
  }
  return [];
}

let shown = 0;

async function show() {
  const mine = ++shown;
  let content;
  try {
    content = await view();
  } catch (error) {
    const said = element("p", { class: "error" }, error.message);
    content = error.status === 401 ? [said, ...signIn(enter)] : [said];
  }
  // If a newer view is already shown, this older and slower one must not replace it.
  if (mine === shown) document.getElementById("main").replaceChildren(...content);
}

function enter(token) {
  keepToken(token);
  show();
}

addEventListener("hashchange", show);
show();
