// The views. Data from the API becomes text nodes, never markup, so that it can't contain scripts.

import { artifactUrl, byProject, bytes, get, hasToken, inWorkspace, links, post, trackingUri } from "./api.js";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const link = (href, text) => element("a", { href }, text);
const when = (milliseconds) => (milliseconds ? new Date(milliseconds).toLocaleString() : "");
const quiet = (text) => element("p", { class: "quiet" }, text);
const experimentLink = (id, name) => link(inWorkspace(`#/experiments/${encodeURIComponent(id)}`), name);

function section(title, ...content) {
  return element("section", {}, element("h2", {}, title), ...content);
}

function table(heads, rows, empty) {
  if (!rows.length) return quiet(empty);
  const cells = (name, values) => element("tr", {}, ...values.map((value) => element(name, {}, value)));
  const body = element("tbody", {}, ...rows.map((row) => cells("td", row)));
  return element("table", {}, element("thead", {}, cells("th", heads)), body);
}

function pairs(items, empty) {
  if (!items.length) return quiet(empty);
  const rows = items.map(([key, value]) =>
    element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, value)),
  );
  return element("table", {}, element("tbody", {}, ...rows));
}

const keyed = (items = []) => items.map(({ key, value }) => [key, String(value)]);

export async function home() {
  const [{ experiments = [] }, { registered_models: models = [] }] = await Promise.all([
    post("experiments/search", { max_results: 10, order_by: ["last_update_time DESC"] }),
    get("registered-models/search", { max_results: 10, order_by: "last_updated_timestamp DESC" }),
  ]);
  return [
    element("h1", {}, "Track experiments and models with MLflow"),
    ...connecting(),
    section("Latest experiments", table(["Name", "Last update"], experiments.map(experimentRow), "No experiments yet.")),
    section("Latest models", table(["Name", "Versions", "Last update"], models.map(modelRow), "No models yet.")),
  ];
}

const experimentRow = (each) => [experimentLink(each.experiment_id, each.name), when(each.last_update_time)];

const modelRow = (each) => [
  link(inWorkspace(`#/models/${encodeURIComponent(each.name)}`), each.name),
  (each.latest_versions || []).map(({ version }) => version).join(", "),
  when(each.last_updated_timestamp),
];

export function signIn(enter) {
  const input = element("input", { type: "password", autocomplete: "off", required: "", "aria-label": "Access token" });
  const form = element("form", { class: "uri" }, input, element("button", {}, "Show"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    enter(input.value.trim());
  });
  return [section("Sign in with an access token", form), ...connecting()];
}

function connecting() {
  const copy = element("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(trackingUri);
    copy.textContent = "Copied";
  });
  const token = byProject ? '\nexport MLFLOW_TRACKING_TOKEN="<your_access_token>"' : "";
  return [
    element("div", { class: "uri" }, element("code", { id: "tracking-uri" }, trackingUri), copy),
    section("Point the client here", element("pre", {}, `export MLFLOW_TRACKING_URI="${trackingUri}"${token}`)),
    section(
      "Log a run",
      element(
        "pre",
        {},
        [
          "import mlflow\n",
          'mlflow.set_experiment("my-experiment")',
          "with mlflow.start_run():",
          '    mlflow.log_param("param", 1)',
          '    mlflow.log_metric("metric", 0.5)',
        ].join("\n"),
      ),
    ),
  ];
}

export async function experiment(id) {
  const [{ experiment: found }, { runs = [] }] = await Promise.all([
    get("experiments/get", { experiment_id: id }),
    post("runs/search", { experiment_ids: [id], max_results: 100 }),
  ]);
  const rows = runs.map(({ info }) => [
    link(runHref(info), info.run_name),
    status(info.status),
    when(info.start_time),
    info.user_id || "",
  ]);
  return [
    element("h1", {}, found.name),
    section("Latest runs", table(["Run", "Status", "Started", "User"], rows, "No runs yet.")),
    section("Tags", pairs(keyed(found.tags), "No tags.")),
  ];
}

function runHref(info) {
  const experiment = `#/experiments/${encodeURIComponent(info.experiment_id)}`;
  return inWorkspace(`${experiment}/runs/${encodeURIComponent(info.run_id)}`);
}

const status = (text) => element("span", { class: "status" }, text);

export async function run(runId) {
  const {
    run: { info, data },
  } = await get("runs/get", { run_id: runId });
  const { experiment: parent } = await get("experiments/get", { experiment_id: info.experiment_id });
  const facts = [
    ["Run ID", info.run_id],
    ["Experiment", experimentLink(info.experiment_id, parent.name)],
    ["Started", when(info.start_time)],
    ["Ended", when(info.end_time)],
    ["User", info.user_id || ""],
  ];
  const job = (data.tags || []).find(({ key }) => key === "gitlab.CI_JOB_ID");
  if (job) facts.push(["CI job", await jobLink(job.value)]);
  return [
    element("h1", {}, info.run_name, " ", status(info.status)),
    pairs(facts, ""),
    section("Parameters", pairs(keyed(data.params), "No parameters.")),
    section("Latest metrics", pairs(keyed(data.metrics), "No metrics.")),
    section("Tags", pairs(keyed(data.tags), "No tags.")),
    section("Artifacts", await artifacts(runId, "")),
  ];
}

async function jobLink(id) {
  const { jobs } = await links();
  return jobs && /^\d+$/.test(id) ? link(jobs + id, id) : id;
}

async function artifacts(runId, path) {
  try {
    const { files = [] } = await get("artifacts/list", { run_id: runId, path });
    if (!files.length) return quiet("No artifacts.");
    return element("ul", {}, ...files.map((file) => element("li", {}, artifact(runId, file))));
  } catch (error) {
    // A run's artifacts may be outside this server. The rest of the run is shown all the same.
    return quiet(error.message);
  }
}

function artifact(runId, file) {
  const name = file.path.split("/").pop();
  if (!file.is_dir) return download(artifactUrl(runId, file.path), name, `${name} (${file.file_size} bytes)`);
  const directory = element("details", {}, element("summary", {}, `${name}/`));
  directory.addEventListener("toggle", async () => directory.append(await artifacts(runId, file.path)), { once: true });
  return directory;
}

// A link can't send a token. If there is one, the script downloads the artifact itself.
function download(url, name, text) {
  const made = link(url, text);
  made.addEventListener("click", async (event) => {
    if (!hasToken()) return;
    event.preventDefault();
    try {
      const stored = URL.createObjectURL(await bytes(url));
      element("a", { href: stored, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(stored), 60_000);
    } catch (error) {
      made.after(" ", error.message);
    }
  });
  return made;
}

export async function model(name) {
  const { registered_model: found } = await get("registered-models/get", { name });
  // The filter grammar has no escapes inside quotes, so a name with a single quote is put into double quotes.
  const quote = name.includes("'") ? '"' : "'";
  const filter = `name=${quote}${name}${quote}`;
  const { model_versions: versions = [] } = await get("model-versions/search", { filter, max_results: 100 });
  const rows = versions.map((each) => [
    each.version,
    (each.aliases || []).join(", "),
    each.description || "",
    when(each.creation_timestamp),
  ]);
  return [
    element("h1", {}, found.name),
    element("p", {}, found.description || ""),
    section("Versions", table(["Version", "Aliases", "Description", "Created"], rows, "No versions yet.")),
    section("Tags", pairs(keyed(found.tags), "No tags.")),
  ];
}
