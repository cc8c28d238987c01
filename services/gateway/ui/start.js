// Runs before MLflow's UI: sets what a first visitor sees, and the workspace of an address that names none.

// The UI keeps its user's choices under these names, so a choice that was made stays.
const choices = {
  // An experiment opens on its runs, not on an overview of traces.
  "mlflow.workflowType_v1": "machine_learning",
  // The UI records nothing about its use, so it need not announce that.
  "mlflow.settings.telemetry.enabled_v1": false,
  "mlflow.telemetry.info.alert.dismissed_v1": true,
  // The first steps of the home page are for traces and evaluations.
  "mlflow.home.getting-started.collapsed_v1": true,
  // The panel of the assistant, which this server does not have, does not open by itself.
  "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": true,
};

for (const [name, choice] of Object.entries(choices)) {
  if (localStorage.getItem(name) === null) localStorage.setItem(name, JSON.stringify(choice));
}

// A project's tracking URI leads to this project alone. There the UI has no workspaces.
if (!location.pathname.includes("/api/v4/projects/")) chooseWorkspace();

function chooseWorkspace() {
  const [path, query = ""] = location.hash.slice(1).split("?", 2);
  const parameters = new URLSearchParams(query);
  if (path === "" || path === "/") {
    if (!parameters.has("workspace")) openOnlyWorkspace();
  } else if (!parameters.has("workspace") && !/^\/(account|admin)\b/.test(path)) {
    // A client that chooses no workspace logs to the default one, and prints links without a workspace. The UI
    // would take the one that was open last.
    parameters.set("workspace", "default");
    location.replace(`#${path}?${parameters}`);
  }
}

// Without this, a user with one workspace would have to choose it from a list of one.
async function openOnlyWorkspace() {
  const answer = await fetch("ajax-api/3.0/mlflow/workspaces");
  if (!answer.ok) return;
  const { workspaces = [] } = await answer.json();
  const stillThere = ["", "#/"].includes(location.hash);
  if (workspaces.length === 1 && stillThere) {
    location.replace(`#/experiments?workspace=${encodeURIComponent(workspaces[0].name)}`);
  }
}
