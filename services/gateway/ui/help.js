// Shows the tracking URI: the address of this page without its last segment.

const trackingUri = new URL("..", location.href).href.replace(/\/$/, "");
const byProject = trackingUri.includes("/api/v4/projects/");

document.getElementById("tracking-uri").textContent = trackingUri;
document.getElementById("variables").textContent = [
  `export MLFLOW_TRACKING_URI="${trackingUri}"`,
  ...(byProject ? ['export MLFLOW_TRACKING_TOKEN="<your_access_token>"'] : []),
].join("\n");

// The account page is at the server's root, wherever a proxy puts that.
document.getElementById("account").href = new URL(byProject ? "../../../../../../../-/account" : "../-/account", location.href).href;

document.getElementById("copy").addEventListener("click", async ({ target }) => {
  await navigator.clipboard.writeText(trackingUri);
  target.textContent = "Copied";
});
