// The sign-in panel. Text only ever enters the page as text; a secret leaves it as a message and is gone.

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

let count = 0;
const unique = Math.random().toString(36).slice(2, 8);  // two notebooks on one page load this module twice

// What the help says, by topic. A message names the topic that goes with it.
const HELP = [
  ["values", "Where the values are", [
    "Developer Console (developer.adobe.com/console) > your project > OAuth Server-to-Server.",
    "Client ID: on that page. Adobe also calls it API key.",
    "Client secret: on the same page, Retrieve client secret.",
    "Organization ID: on the same page, under the credential's details. It ends in @AdobeOrg.",
    "Access token: on the same page, Generate access token. It lasts 24 hours.",
  ]],
  ["access", "Signed in, but refused", [
    "The project has the Experience Platform Launch API: Developer Console > your project > Add to project > API.",
    "The credential is in a product profile for tags: Admin Console > Products > Data Collection. An administrator does this.",
    "That profile has the rights that you need, and the property is among its properties.",
    "The organisation is the one that the project belongs to.",
    "After a change, wait a few minutes, then Test.",
  ]],
  ["organisation", "No company", [
    "The credentials work, but the organisation has no company in tags.",
    "Check the organisation id: many people have several organisations.",
    "Ask your administrator whether the organisation uses tags (Data Collection).",
  ]],
  ["scopes", "A scope is refused", [
    "The credential lacks one of the scopes that were asked for.",
    "Developer Console > your project > OAuth Server-to-Server lists its scopes. Put that list into Scopes, or into ADOBE_SCOPES.",
    "For the Edge Network the project needs the Experience Platform API, which brings acp.foundation.",
  ]],
  ["token", "The token has ended", [
    "A token lasts 24 hours. Generate a new one in Developer Console and paste it here.",
    "With a client secret, new tokens are fetched by themselves.",
  ]],
  ["network", "No answer", [
    "Sign in to your company's network or VPN, then try again.",
    "Behind a proxy: set HTTPS_PROXY before the kernel starts. Its certificate: REQUESTS_CA_BUNDLE.",
    "Against the simulator: is it still running? A new kernel starts its own.",
  ]],
  ["retired", "Service Account (JWT)", [
    "Adobe has retired this method. Add an OAuth Server-to-Server credential to the same project, with the same product profiles.",
    "Use its client id, client secret and organisation id. A private key is no longer needed.",
  ]],
];

function field(label, hint, attributes) {
  const id = `adobe-nb-${unique}-${++count}`;
  const input = make("input", {
    id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-describedby": `${id}-error`, ...attributes,
  });
  const error = make("span", { id: `${id}-error`, class: "adobe-nb-field-error", role: "alert" });
  const row = make("div", { class: "adobe-nb-field" },
    make("label", { for: id, text: label }), input, make("span", { class: "adobe-nb-hint", text: hint }), error);
  return { row, input, error };
}

function timeLeft(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes >= 10) return `${minutes} min`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")} min`;
}

function render({ model, el }) {
  const name = `adobe-nb-way-${unique}-${++count}`;
  const dot = make("span", { class: "adobe-nb-dot", "aria-hidden": "true" });
  const status = make("strong", { role: "status", "aria-live": "polite" });
  const badge = make("span", { class: "adobe-nb-badge" });
  const facts = make("dl", { class: "adobe-nb-facts" });
  const fill = make("div", { class: "adobe-nb-fill" });
  const bar = make("div", { class: "adobe-nb-bar", role: "progressbar", "aria-label": "Life of the token", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const left = make("span", { class: "adobe-nb-left" });
  const time = make("div", { class: "adobe-nb-time" }, bar, left);
  const message = make("p", { class: "adobe-nb-message adobe-nb-said", role: "alert" });
  const what = make("button", { type: "button", class: "adobe-nb-link", text: "What to do" });
  const dead = make("p", { class: "adobe-nb-message adobe-nb-lost", "data-kind": "warning", role: "alert", hidden: "",
    text: "This panel has lost its kernel. Run its cell again." });
  const notice = make("p", { class: "adobe-nb-message", "data-kind": "warning", role: "note",
    text: "This is a public machine (Binder). Do not type or paste real credentials here; use the simulator." });

  // A panel whose kernel was restarted gets no answer, and must say so.
  let waiting = null;
  let pending = null;  // the click that was sent and is not answered yet
  let late = false;    // its answer takes so long that the user may click again
  let acting = false;  // what is shown next answers a click in this view
  let gone = false;
  const blocked = () => gone || Boolean(model.get("busy")) || (pending !== null && !late);
  const send = (content) => {
    if (blocked()) return;
    const secret = "access_token" in content || "client_secret" in content;
    const same = secret ? null : JSON.stringify(content);
    // Sent again it keeps its id: the first may still wait in the kernel, and is then done once.
    const again = pending !== null && same !== null && pending.same === same;
    const click = again ? pending.click : `${unique}-${Date.now().toString(36)}-${++count}`;
    pending = { click, same };
    acting = true;
    model.send({ ...content, click });
    watch();
    showState();
  };
  // Every sign of life of the kernel starts the wait anew; while it acts, it may take its time.
  const watch = () => {
    clearTimeout(waiting);
    if (gone) return;
    late = false;
    dead.hidden = true;
    if (pending === null || model.get("busy")) return;
    waiting = setTimeout(() => {
      late = true;
      dead.textContent = model.widget_manager?.kernel?.status === "busy"
        ? "The kernel is busy with a cell. This goes on when it is done."
        : "No answer from the kernel yet. If it was restarted, run this cell again.";
      dead.hidden = false;
      showState();
    }, 4000);
  };
  const answered = () => {
    if (pending === null || !model.get("answered").includes(pending.click)) return;
    pending = null;
    watch();
    showState();
    // The other changes of the same message are shown before this.
    queueMicrotask(() => { if (pending === null) acting = false; });
  };

  const button = (text, action, title) => {
    const made = make("button", { type: "button", text, title });
    made.addEventListener("click", () => send({ action }));
    return made;
  };
  const connect = button("Connect", "connect", "Sign in with the first complete source: environment, .env, profile, announced simulator");
  const simulate = button("Use the simulator", "simulate", "No Adobe account needed");
  const test = button("Test", "test", "List the companies: Adobe's own test of credentials");
  const renew = button("New token", "renew", "Fetch a new token now");
  const signOut = button("Sign out", "sign_out", "Forget the token");
  const buttons = make("div", { class: "adobe-nb-buttons" }, connect, simulate, test, renew, signOut);

  const way = (value, text, checked) => {
    const input = make("input", { type: "radio", name, value, checked: checked ? "" : false });
    return { input, label: make("label", { class: "adobe-nb-way" }, input, ` ${text}`) };
  };
  const byToken = way("token", "Access token (24 hours)", true);
  const bySecret = way("secret", "Client secret (OAuth Server-to-Server)", false);
  const service = make("select", { id: `${name}-service` },
    make("option", { value: "Adobe", text: "Adobe" }), make("option", { value: "simulator", text: "Simulator" }));
  const serviceRow = make("div", { class: "adobe-nb-field" },
    make("label", { for: `${name}-service`, text: "Service" }), service);
  const orgId = field("Organization ID", "Developer Console, on the API's page. Ends in @AdobeOrg", { type: "text", size: 36 });
  const clientId = field("Client ID", "Same page; Adobe also calls it API key", { type: "text", size: 36 });
  const secret = field("Access token", "Credentials > OAuth Server-to-Server > Generate access token", {
    type: "password", size: 36, autocomplete: "new-password", "data-1p-ignore": "", "data-lpignore": "true",
  });
  const scopes = field("Scopes", "Leave it empty for the usual ones", { type: "text", size: 36 });
  const saveAs = field("Save as profile", "A name, if you want to keep it; the secret goes into the system's keyring", { type: "text", size: 36, maxlength: 64 });
  const inFile = make("input", { type: "checkbox" });
  const inFileRow = make("label", { class: "adobe-nb-way", hidden: "" }, inFile, " no keyring: keep the secret in a file that only I can read");
  const save = make("button", { type: "button", text: "Save", title: "Keep what you are signed in with now", hidden: "" });
  save.addEventListener("click", () => send({ action: "save", save_as: saveAs.input.value.trim(), in_file: inFile.checked ? "yes" : "" }));
  saveAs.row.append(inFileRow, save);
  const signIn = make("button", { type: "submit", class: "adobe-nb-primary", text: "Sign in" });
  const form = make("form", { autocomplete: "off" },
    make("div", { class: "adobe-nb-field", role: "radiogroup", "aria-labelledby": `${name}-with` },
      make("span", { id: `${name}-with`, class: "adobe-nb-label", text: "With" }), byToken.label, bySecret.label),
    serviceRow, orgId.row, clientId.row, secret.row, scopes.row, saveAs.row, make("div", { class: "adobe-nb-buttons" }, signIn));
  const chooser = make("select", { id: `${name}-profile`, "aria-describedby": `${name}-profile-error` });
  const useProfile = make("button", { type: "button", text: "Use it", title: "Sign in with this profile, now and from now on" });
  const profileError = make("span", { id: `${name}-profile-error`, class: "adobe-nb-field-error", role: "alert" });
  const profileRow = make("div", { class: "adobe-nb-field" }, make("label", { for: `${name}-profile`, text: "Profile" }),
    make("div", { class: "adobe-nb-pair" }, chooser, useProfile), profileError);
  const profile = { row: profileRow, input: chooser, error: profileError };
  useProfile.addEventListener("click", () => send({ action: "profile", name: chooser.value }));
  const more = make("details", {}, make("summary", { text: "Sign in with a pasted token or a client secret" }), profileRow, form);
  const topics = Object.fromEntries(HELP.map(([topic, title, lines]) => [topic,
    make("div", { tabindex: "-1", "data-topic": topic }, make("strong", { text: title }),
      make("ul", {}, ...lines.map((text) => make("li", { text }))))]));
  const help = make("details", { class: "adobe-nb-help" }, make("summary", { text: "Help: where the values are, and what to do when it fails" }),
    ...Object.values(topics));
  what.addEventListener("click", () => {
    help.open = true;
    const shown = topics[what.dataset.topic];
    for (const each of Object.values(topics)) each.toggleAttribute("data-chosen", each === shown);
    help.firstChild.after(shown);
    shown.scrollIntoView({ block: "nearest" });
    shown.focus({ preventScroll: true });
  });

  // Lumino would otherwise take Enter and Space for the notebook's own shortcuts.
  const root = make("section", { class: "adobe-nb tex2jax_ignore mathjax_ignore", "aria-label": "Adobe sign-in", "data-lm-suppress-shortcuts": "true" },
    make("header", {}, dot, status, badge), notice, facts, time, buttons, message, what, dead, more, help);
  el.append(root);

  // The attribute on the section alone comes too late: shortcuts are matched from the focused element upward.
  for (const each of root.querySelectorAll("button, input, select, summary, [tabindex]")) each.setAttribute("data-lm-suppress-shortcuts", "true");

  const showWay = () => {
    const token = byToken.input.checked;
    clientId.row.hidden = scopes.row.hidden = token;
    secret.row.querySelector("label").textContent = token ? "Access token" : "Client secret";
    secret.row.querySelector(".adobe-nb-hint").textContent = token
      ? "Credentials > OAuth Server-to-Server > Generate access token"
      : "Credentials > OAuth Server-to-Server > Retrieve client secret";
    secret.input.value = "";
  };
  const showSave = () => {
    inFileRow.hidden = !saveAs.input.value.trim();
    save.hidden = inFileRow.hidden || !model.get("state").connected;
  };
  saveAs.input.addEventListener("input", showSave);
  byToken.input.addEventListener("change", showWay);
  bySecret.input.addEventListener("change", showWay);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = byToken.input.checked;
    const wanted = [[orgId, "Paste the organisation id."], [secret, token ? "Paste the access token." : "Paste the client secret."]];
    if (!token) wanted.splice(1, 0, [clientId, "Paste the client id."]);
    const fields = [orgId, clientId, secret];
    for (const each of fields) mark(each, "");
    const missing = wanted.filter(([each]) => !each.input.value.trim());
    for (const [each, text] of missing) mark(each, text);
    if (missing.length) { what.hidden = true; missing[0][0].input.focus(); return; }
    if (blocked()) return;
    const content = { action: "sign_in", service: service.value, org_id: orgId.input.value };
    if (token) content.access_token = secret.input.value;
    else { content.client_id = clientId.input.value; content.client_secret = secret.input.value; content.scopes = scopes.input.value; }
    if (saveAs.input.value.trim()) { content.save_as = saveAs.input.value.trim(); content.in_file = inFile.checked ? "yes" : ""; }
    secret.input.value = "";
    send(content);
  });

  // Enter in a field signs in; the notebook around us would swallow the browser's own submit.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input:not([type=radio], [type=checkbox])")) {
      event.preventDefault();
      event.stopPropagation();
      if (!signIn.disabled) form.requestSubmit(signIn);
    }
  });

  function mark(each, text) {
    each.error.textContent = text;
    if (text) each.input.setAttribute("aria-invalid", "true");
    else each.input.removeAttribute("aria-invalid");
  }

  function showState() {
    const state = model.get("state");
    const busy = model.get("busy");
    const connected = Boolean(state.connected);
    notice.hidden = !state.public;
    root.dataset.connected = connected;
    root.dataset.service = state.service || "";
    root.setAttribute("aria-busy", String(Boolean(busy)));
    root.dataset.refused = Boolean(connected && state.refused);
    status.textContent = busy || (connected ? (state.refused ? "Signed in, but requests are refused" : "Signed in") : "Not signed in");
    badge.textContent = connected ? (state.service === "simulator" ? "Simulator" : state.service) : "";
    badge.hidden = !connected;
    const words = (list) => (list || []).join(", ").replaceAll("_", " ");
    const rows = connected
      ? [...(state.account ? [["Account", state.account]] : []), ["Organization ID", state.org_id],
        ...(state.companies.length ? [["Company", state.companies.join(", ")]] : []), ["Service", state.service_name], ["Credentials", `from ${state.source}`], ["Client ID", state.client_id],
        ...(state.rights.length ? [["Rights", words(state.rights)]] : []), ["Scopes", state.scopes.join(", ")],
        ...(state.notes || []).map((note) => ["Not used", note])]
      : [];
    facts.replaceChildren(...rows.flatMap(([label, value]) => [make("dt", { text: label }), make("dd", { text: value })]));
    facts.hidden = !connected;
    connect.hidden = simulate.hidden = connected;
    test.hidden = signOut.hidden = !connected;
    renew.hidden = !connected || !state.renewable;
    more.firstChild.textContent = connected ? "Switch: another profile, token or client secret" : "Sign in with a pasted token or a client secret";
    showProfiles(state.profiles || []);
    connect.classList.toggle("adobe-nb-primary", !connected);
    for (const each of root.querySelectorAll("button")) each.disabled = blocked();
    showSave();
    // A button that went away, or was disabled, leaves the keyboard nowhere.
    if (!blocked() && acting && document.activeElement === document.body) (connected ? test : connect).focus();
  }

  function showProfiles(profiles) {
    const known = JSON.stringify(profiles);
    if (chooser.dataset.known === known) return;
    chooser.dataset.known = known;
    chooser.replaceChildren(...profiles.map((each) => make("option", { value: each.name, title: each.org_id, text: `${each.name}${each.active ? " (active)" : ""} · ${each.org_id.slice(0, 6)}…`, selected: each.active ? "" : false })));
    profileRow.hidden = !profiles.length;
  }

  function showMessage() {
    const { kind = "", text = "", field: about = "", topic = "" } = model.get("message") || {};
    const fields = { org_id: orgId, client_id: clientId, secret, scopes, save_as: saveAs, profile };
    for (const each of Object.values(fields)) mark(each, "");
    const target = more.open && fields[about] && !fields[about].row.hidden ? fields[about] : undefined;
    if (target) { mark(target, text); if (acting) target.input.focus(); }
    else if (acting && text) root.scrollIntoView({ block: "nearest" });
    message.textContent = target ? "" : text;
    message.dataset.kind = kind;
    message.hidden = !message.textContent;
    what.hidden = !topics[topic];
    if (topic && !model.get("state").connected) more.open = true;  // nothing was found, or it failed: this is the place
    if (target) target.row.append(what); else message.after(what);
    what.dataset.topic = topic;
    if (kind === "ok" && acting) { saveAs.input.value = ""; inFile.checked = false; showSave(); }
    if (kind === "ok" && acting && more.open) {
      const inside = more.contains(document.activeElement);
      more.open = false;
      if (inside) test.focus();
    }
  }

  function showTime() {
    const expires = model.get("expires_at");
    const issued = model.get("issued_at");
    const state = model.get("state");
    time.hidden = !state.connected;
    if (!state.connected) return;
    if (expires == null) { bar.hidden = true; left.textContent = "The token does not say when it ends"; return; }
    const remaining = expires - Date.now();
    const share = Math.max(0, Math.min(1, remaining / Math.max(1, expires - issued)));
    bar.hidden = false;
    fill.style.width = `${share * 100}%`;
    bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    bar.dataset.low = remaining < 600000;
    root.dataset.ended = remaining <= 0 && !state.renewable;
    if (root.dataset.ended === "true") status.textContent = "Signed in, but the token has ended";
    if (remaining > 0) left.textContent = `${timeLeft(remaining)} left${state.renewable ? ", then renewed by itself" : ", then paste a new token"}`;
    else left.textContent = state.renewable ? "Ended; renewed with the next request" : "Ended: paste a new token";
  }

  function prefill() {
    const state = model.get("state");
    if (!service.dataset.touched) {
      service.value = state.service === "simulator" || (!state.connected && state.simulator_announced) ? "simulator" : "Adobe";
    }
    if (state.org_id && !orgId.input.dataset.touched) orgId.input.value = state.org_id;
  }
  orgId.input.addEventListener("input", () => { orgId.input.dataset.touched = "yes"; });
  service.addEventListener("change", () => { service.dataset.touched = "yes"; });

  const show = () => { showState(); prefill(); showTime(); };
  const changes = ["change:state", "change:busy", "change:message"];
  for (const change of changes) model.on(change, watch);
  model.on("change:answered", answered);
  model.on("change:state", show);
  model.on("change:busy", showState);
  model.on("change:message", showMessage);
  model.on("change:expires_at", showTime);
  // Where the front end tells about its kernel (JupyterLab does): a restart kills this panel, and it says so at once.
  const kernel = model.widget_manager?.kernel;
  const lost = (_, kernelStatus) => {
    if (["restarting", "autorestarting", "terminating", "dead"].includes(kernelStatus)) {
      gone = true;
      clearTimeout(waiting);
      status.textContent = "Not connected to the kernel";
      root.dataset.connected = false;
      for (const each of root.querySelectorAll("button")) each.disabled = true;
      dead.textContent = "This panel has lost its kernel. Run its cell again.";
      dead.hidden = false;
    }
  };
  const disposed = () => lost(null, "dead");
  kernel?.statusChanged?.connect(lost);
  kernel?.disposed?.connect(disposed);
  showWay();
  show();
  showMessage();
  const timer = setInterval(showTime, 1000);
  return () => {
    clearInterval(timer);
    clearTimeout(waiting);
    kernel?.statusChanged?.disconnect(lost);
    kernel?.disposed?.disconnect(disposed);
    for (const change of changes) model.off(change, watch);
    model.off("change:answered", answered);
    model.off("change:state", show);
    model.off("change:busy", showState);
    model.off("change:message", showMessage);
    model.off("change:expires_at", showTime);
  };
}

export default { render };
