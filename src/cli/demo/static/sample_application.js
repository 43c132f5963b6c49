/* Asks once a second whether this browser is still signed in. Without scripts the page loads itself again instead. */
const byId = (id) => document.getElementById(id);

function row({ name, value }) {
  const [term, description] = [document.createElement("dt"), document.createElement("dd")];
  const code = document.createElement("code");
  code.textContent = name;
  term.append(code);
  description.textContent = value || "–";
  return [term, description];
}

function show(state) {
  const changed = document.body.dataset.state !== state.state;
  document.body.dataset.state = state.state;
  byId("headline").textContent = state.headline;
  byId("headers").replaceChildren(...state.headers.flatMap(row));
  // A live region: touched only when there is something new to say.
  if (changed || byId("detail").textContent !== state.detail) byId("detail").textContent = state.detail;
}

async function ask() {
  try {
    const response = await fetch("/state");
    show(await response.json());
  } catch {
    show({ state: "unavailable", headline: "No answer", detail: "The sample application has stopped.", headers: [] });
  }
  setTimeout(ask, 1000);
}

setTimeout(ask, 1000);
