// Runs before MLflow's UI: sets what a first visitor sees, the workspace of an address that names none, where its
// account menu leads, and how images and HTML artifacts are shown.

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
  // An advertisement for aliases does not stand in front of the registered models.
  "_mlflow_model_registry_promo_modal_dismissed_v1": true,
};

for (const [name, choice] of Object.entries(choices)) {
  if (localStorage.getItem(name) === null) localStorage.setItem(name, JSON.stringify(choice));
}

const ofProject = location.pathname.includes("/api/v4/projects/");
// The UI's pages of an account are for MLflow's own users, roles and passwords.
const isOfAccount = (path) => /^\/(account|admin)\b/.test(path);

leadAccountToItsPage();
// A project's tracking URI leads to this project alone. There the UI has no workspaces.
if (!ofProject) {
  chooseWorkspace();
  loadImagesOfWorkspace();
}
showHtmlArtifacts();

function chooseWorkspace() {
  const [path, query = ""] = location.hash.slice(1).split("?", 2);
  const parameters = new URLSearchParams(query);
  if (path === "" || path === "/") {
    if (!parameters.has("workspace")) openOnlyWorkspace();
  } else if (!parameters.has("workspace") && !isOfAccount(path)) {
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

// The UI names the workspace in a header of its requests. An image can't have one, so its address has the workspace.
function loadImagesOfWorkspace() {
  const named = (address) => {
    const workspace = new URLSearchParams(location.hash.split("?")[1]).get("workspace");
    const isArtifact = /(^|\/)get-artifact\?/.test(address) && !address.includes("&workspace=");
    return isArtifact && workspace ? `${address}&workspace=${encodeURIComponent(workspace)}` : address;
  };
  const { setAttribute } = Element.prototype;
  HTMLImageElement.prototype.setAttribute = function (name, value) {
    setAttribute.call(this, name, name === "src" ? named(value) : value);
  };
  // Images are also loaded by their property, before they are shown.
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  Object.defineProperty(HTMLImageElement.prototype, "src", {
    get,
    set(address) {
      set.call(this, named(address));
    },
  });
}

// The account page of this server says who is signed in, and signs out. It is at the server's root.
function leadAccountToItsPage() {
  const page = new URL(ofProject ? "../../../../../../-/account" : "-/account", location.href);
  const leave = (address) => {
    const { hash } = new URL(address ?? location.href, location.href);
    if (!isOfAccount(hash.slice(1))) return false;
    location.assign(page);
    return true;
  };
  // The UI changes the fragment by these, of which the browser tells no event.
  for (const method of ["pushState", "replaceState"]) {
    const change = history[method].bind(history);
    history[method] = (state, unused, address) => leave(address) || change(state, unused, address);
  }
  addEventListener("hashchange", () => leave());
  leave();
}

// The UI shows an HTML artifact in a frame from a blob. Such a frame has the policy of this page, so no script in it
// runs, and figures of plotly and the like stay empty. help/frame.html has a policy for them and an origin of its own,
// from which the artifact reaches neither the cookies of this server nor its API.
function showHtmlArtifacts() {
  const blobs = new Map(); // By URL. The browser keeps them as long, for the UI revokes no URL.
  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => {
    const url = createObjectURL.call(URL, blob);
    if (blob.type === "text/html") blobs.set(url, blob);
    return url;
  };

  const shown = new Map(); // The blobs by their frames.
  const { setAttribute } = Element.prototype;
  // React sets a frame's address by this before the frame is in the page, so the blob itself is never loaded there.
  HTMLIFrameElement.prototype.setAttribute = function (name, value) {
    const blob = name === "src" ? blobs.get(value) : undefined;
    if (blob) {
      for (const frame of shown.keys()) if (!frame.isConnected) shown.delete(frame);
      shown.set(this, blob);
    }
    setAttribute.call(this, name, blob ? "help/frame.html" : value);
  };

  addEventListener("message", async ({ source }) => {
    for (const [frame, blob] of shown) {
      // The frame's origin has no name, so none can be given here. The policy of this page keeps others from it.
      if (frame.contentWindow === source) source.postMessage(await blob.text(), "*");
    }
  });
}
