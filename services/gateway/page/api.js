// The API beside the page: the page's own address is the tracking URI.

const here = location.pathname.endsWith("/") ? location.pathname : `${location.pathname}/`;

export const trackingUri = (location.origin + here).replace(/\/$/, "");
export const byProject = here.includes("/api/v4/projects/");

export async function get(path, query = {}) {
  return answer(await fetch(`${here}ajax-api/2.0/mlflow/${path}?${new URLSearchParams(query)}`));
}

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(
    await fetch(`${here}ajax-api/2.0/mlflow/${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
  );
}

export function artifactUrl(runId, path) {
  return `${here}get-artifact?${new URLSearchParams({ run_id: runId, path })}`;
}

async function answer(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.message || body.error || `${response.status}`);
  return body;
}
