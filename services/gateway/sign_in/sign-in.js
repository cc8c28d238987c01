// Keeps the fragment of the address, which browsers do not send: it names the view of the UI.
const target = document.querySelector("input[name=to]");
if (target && location.hash && !target.value.includes("#")) {
  target.value += location.hash;
  for (const link of document.querySelectorAll("a[data-onward]")) link.href += location.hash;
}
