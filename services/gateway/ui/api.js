// Calls the API. The page's own address is the tracking URI.

const here = location.pathname.endsWith("/") ? location.pathname : `${location.pathname}/`;

export const trackingUri = (location.origin + here).replace(/\/$/, "");
export const byProject = here.includes("/api/v4/projects/");

const tokenKey = `warren-token ${here}`;

// The token is stored for this tab only, and is sent to this server only.
export const keepToken = (token) => sessionStorage.setItem(tokenKey, token);
export const hasToken = () => sessionStorage.getItem(tokenKey) !== null;

let workspace = "";

// MLflow clients add the workspace to the links of its runs. Requests and links of such a page then name it, too.
export const chooseWorkspace = (name) => { workspace = name; };
export const inWorkspace = (fragment) => (workspace ? `${fragment}?workspace=${encodeURIComponent(workspace)}` : fragment);

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function get(path, query = {}) {
  return json(`ajax-api/2.0/mlflow/${path}?${new URLSearchParams(query)}`);
}

export function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return json(`ajax-api/2.0/mlflow/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

export const links = () => json("links.json");

export function artifactUrl(runId, path) {
  return `${here}get-artifact?${new URLSearchParams({ run_id: runId, path })}`;
}

export async function bytes(url) {
  return (await send(url)).blob();
}

async function json(path, options) {
  return (await send(here + path, options)).json();
}

async function send(url, options = {}) {
  const token = sessionStorage.getItem(tokenKey);
  const headers = {
    ...options.headers,
    ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
    ...(workspace ? { "X-MLFLOW-WORKSPACE": workspace } : {}),
  };
  // Without "omit" the browser would open its own dialog for a name and a password.
  const response = await fetch(url, { ...options, headers, credentials: "omit" });
  if (response.ok) return response;
  const body = await response.json();
  const said = body.message || body.error || `${response.status}`;
  // The note in brackets is for GitLab's MLflow client.
  throw new Refusal(response.status, said.replace(/ \(GitLab's client .*\)$/, ""));
}
