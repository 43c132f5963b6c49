/* Curfew console: the comfort that scripts add. Every page works without this file. Nothing is evaluated, nothing is
   stored, and no other origin is asked. */

const byId = (id) => document.getElementById(id);
const pathOf = (url) => new URL(url, location.href).pathname;
const announce = (text) => { byId("live").textContent = text; };

/* Confirmation pages, in a dialog */
async function confirmationOf(address) {
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    // Sent elsewhere (to sign in again, say), or refused: that page must be seen whole.
    if (!response.ok || pathOf(response.url) !== pathOf(address)) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.querySelector("[data-dialog-content]");
  } catch {
    return null;
  }
}

function asDialog(content) {
  const title = document.createElement("h2");
  const heading = content.querySelector("h1");
  title.append(...heading.childNodes);
  title.id = "dialog-title";
  title.tabIndex = -1;
  title.autofocus = true;
  heading.replaceWith(title);
  const frame = document.createElement("article");
  frame.append(document.adoptNode(content));
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(frame);
  return dialog;
}

async function openDialog(opener) {
  if (opener.dataset.opening) return;
  opener.dataset.opening = "true";
  const content = await confirmationOf(opener.href);
  delete opener.dataset.opening;
  if (!content) return location.assign(opener.href);
  const dialog = asDialog(content);
  dialog.addEventListener("close", () => { dialog.remove(); opener.focus(); });
  document.body.append(dialog);
  prepare(dialog);
  dialog.showModal(); // Esc cancels, by the browser
}

/* Copying, adding a line, reading a file */
async function copy(button) {
  const field = byId(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    if (!document.execCommand("copy")) return announce("Select the text and copy it.");
  }
  const label = button.textContent;
  announce(`${button.getAttribute("aria-label") ?? "Text"}: copied`);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 2000);
}

function appendLine(button) {
  const area = byId(button.dataset.append);
  area.value = `${area.value.trimEnd()}\n${button.dataset.line}\n`.trimStart();
  area.focus();
  announce(`Added ${button.dataset.line}`);
}

async function readFile(input) {
  const [file] = input.files;
  if (file) byId(input.dataset.into).value = await file.text();
}

/* Relative times: the absolute one stays in the title, or the other way round where it matters more */
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function tell(time) {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return;
  time.dataset.text ??= time.textContent;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  const words = Math.abs(seconds) < 5 ? "now" : relative.format(Math.trunc(seconds / size), unit);
  const absolute = "absolute" in time.dataset;
  time.title = absolute ? words : time.dataset.text;
  if (!absolute) time.textContent = words;
}

/* Forms */
function sendOnce(event) {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
}

/** Makes a part of the page, just loaded, ready. */
function prepare(root) {
  root.querySelectorAll("time[datetime]").forEach(tell);
  root.querySelectorAll("[data-copy], [data-append], [data-needs-scripts]").forEach((part) => { part.hidden = false; });
}

document.addEventListener("click", (event) => {
  const part = event.target.closest("a[data-dialog], [data-dialog-close], [data-copy], [data-append]");
  if (!part || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const open = part.closest("dialog");
  if (part.matches("[data-dialog-close]")) {
    if (!open) return;
    event.preventDefault();
    open.close();
  } else if (part.matches("[data-dialog]")) {
    event.preventDefault();
    openDialog(part);
  } else if (part.matches("[data-copy]")) {
    copy(part);
  } else {
    appendLine(part);
  }
});
document.addEventListener("change", (event) => { if (event.target.matches("[data-into]")) readFile(event.target); });
document.addEventListener("submit", sendOnce);
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; }));

// A list that htmx asked for but was refused, or sent elsewhere: let the browser go there.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  if (xhr.status < 400 && pathOf(xhr.responseURL) === pathOf(pathInfo.requestPath)) return;
  event.detail.shouldSwap = false;
  location.assign(pathInfo.finalRequestPath);
});
document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));

prepare(document);
document.querySelectorAll("#error-summary a").forEach((link) => byId(link.hash.slice(1))?.setAttribute("aria-invalid", "true"));
byId("error-summary")?.focus();
setInterval(() => document.querySelectorAll("time[datetime]").forEach(tell), 30000);

// A code that came behind the # goes into its field, and out of the address.
const coded = document.querySelector("[data-from-fragment]");
if (coded && location.hash.length > 1) {
  coded.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}

const automatic = document.querySelector("[data-auto-submit]");
if (automatic instanceof HTMLFormElement) automatic.submit();
else if (automatic) location.assign(automatic.href);
