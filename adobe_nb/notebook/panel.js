// The sign-in panel. Text only ever enters the page as text. A secret leaves it as a message and is
// forgotten.
//
// The fields of the form come from FIELDS in panel.py, the facts about the session from facts_of in
// display.py.

// What the help says, by topic. A message names the topic that explains it.
const HELP = [
  ["values", "Where to find the values", [
    "Open Developer Console > your project > OAuth Server-to-Server.",
    "Client ID: on that page. Adobe also calls it API key.",
    'Client secret: on the same page, click "Retrieve client secret".',
    "Organization ID: on the same page, in the details of the credential. It ends in @AdobeOrg.",
    'Access token: on the same page, click "Generate access token". It is valid for 24 hours.',
  ]],
  ["access", "Signed in, but requests are refused", [
    "Check that the project has the Experience Platform Launch API: Developer Console > your project > Add to project > API.",
    "Check that the credential is in a product profile for tags: Admin Console > Products > Data Collection. An administrator can add it.",
    "Check that the profile grants the rights that you need and includes the property.",
    "Check that the organization is the one that the project belongs to.",
    "After a change, wait a few minutes, then click Test.",
  ]],
  ["organization", "Wrong organization, or no company", [
    "403025: the credentials do not belong to this organization. You may belong to several: copy the organization ID from the page of the credential, in Developer Console.",
    "404: the credentials work, but the organization has no company in tags.",
    "Ask your administrator whether the organization uses tags (Data Collection).",
  ]],
  ["scopes", "A scope was refused", [
    "The credential does not have one of the requested scopes.",
    "Developer Console > your project > OAuth Server-to-Server lists its scopes. Copy that list into Scopes, or into ADOBE_SCOPES.",
    "The Edge Network requires the scope acp.foundation, which comes with the Experience Platform API.",
  ]],
  ["token", "The token expired", [
    "A token is valid for 24 hours. Generate a new one in Developer Console and paste it here.",
    "With a client secret, the token renews automatically.",
  ]],
  ["network", "No response", [
    "Connect to your company's network or VPN, then try again.",
    "Behind a proxy: set HTTPS_PROXY before the kernel starts, and REQUESTS_CA_BUNDLE for its certificate.",
    "Simulator: check that it is still running. A new kernel starts its own.",
  ]],
  ["retired", "Service Account (JWT)", [
    "Adobe has retired this method. Add an OAuth Server-to-Server credential to the same project, with the same product profiles.",
    "Use its client ID, client secret and organization ID. A private key is no longer needed.",
  ]],
];
const CONSOLE = "Developer Console";
const CONSOLE_URL = "https://developer.adobe.com/console";
const LOST = "This panel lost its kernel. Run its cell again.";
const SECONDS_UNTIL_LATE = 4;
const MINUTES_RUNNING_LOW = 10;

// Two notebooks on one page load this module twice.
const unique = Math.random().toString(36).slice(2, 8);
let count = 0;
const newId = () => `adobe-nb-${unique}-${++count}`;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function makeButton(text, title, onClick) {
  const button = make("button", { type: "button", text, title });
  button.addEventListener("click", onClick);
  return button;
}

// The text as nodes, with a link to Developer Console where the text names it first.
function withLink(text) {
  const [before, ...after] = text.split(CONSOLE);
  if (!after.length) return [text];
  const link = make("a", {
    href: CONSOLE_URL, target: "_blank", rel: "noopener", title: "Opens in a new tab", text: CONSOLE,
  });
  return [before, link, after.join(CONSOLE)];
}

// Escape closes a part that is open, and leaves the focus at its title.
function closeByEscape(details) {
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.preventDefault();
    event.stopPropagation();
    details.open = false;
    details.querySelector("summary").focus();
  });
}

// A row of the form: label, input, and a place for an error. `control` is what stands in the place
// of the input, if that is more than the input.
function makeRow(label, input, { hint = "", control = input } = {}) {
  input.id = newId();
  input.setAttribute("aria-describedby", `${input.id}-error ${input.id}-hint`);
  const error = make("span", { id: `${input.id}-error`, class: "adobe-nb-field-error", role: "alert" });
  const row = make("div", { class: "adobe-nb-field" }, make("label", { for: input.id, text: label }), control);
  row.append(make("span", { id: `${input.id}-hint`, class: "adobe-nb-hint", text: hint }));
  row.append(error);
  return { row, input, error };
}

function makeTextRow({ label, hint, secret = false, required = "" }) {
  const attributes = secret
    ? { type: "password", autocomplete: "new-password", "data-1p-ignore": "", "data-lpignore": "true" }
    : { type: "text", autocomplete: "off" };
  const input = make("input", { size: 36, autocapitalize: "off", spellcheck: "false", ...attributes });
  if (required) input.setAttribute("aria-required", "true");
  return makeRow(label, input, { hint });
}

function mark({ input, error }, text) {
  error.textContent = text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function timeLeft(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes >= MINUTES_RUNNING_LOW) return `${minutes} min`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")} min`;
}

// Sends clicks to the kernel, one at a time, and notices when it does not respond: a panel whose
// kernel was restarted gets no response, and must say so.
//
// onChange: a click was sent or answered; onSilence(text): the kernel is late, or (empty text) it is
// not; onLost: the kernel is gone.
function connectKernel(model, { onChange, onSilence, onLost }) {
  let timer = null;
  let pending = null;  // the click that was sent and is not answered yet
  let late = false;    // its answer takes so long that the user may click again
  let acting = false;  // what is shown next answers a click in this view
  let lost = false;
  const kernel = model.widget_manager?.kernel;

  const blocked = () => lost || Boolean(model.get("busy")) || (pending !== null && !late);

  function send(content) {
    if (blocked()) return;
    const hasSecret = model.get("_fields").some(({ name, secret }) => secret && name in content);
    const same = hasSecret ? null : JSON.stringify(content);
    // Sent again it keeps its id: the first may still wait in the kernel, and is then handled once.
    const repeated = pending !== null && same !== null && pending.same === same;
    pending = { click: repeated ? pending.click : newId(), same };
    acting = true;
    model.send({ ...content, click: pending.click });
    watch();
    onChange();
  }

  // Every sign of life of the kernel restarts the wait. While it acts, it may take its time.
  function watch() {
    clearTimeout(timer);
    if (lost) return;
    late = false;
    onSilence("");
    if (pending === null || model.get("busy")) return;
    timer = setTimeout(() => {
      late = true;
      onSilence(kernel?.status === "busy"
        ? "The kernel is running a cell. Your click will be handled when it finishes."
        : "The kernel has not responded yet. If it was restarted, run this cell again.");
      onChange();
    }, SECONDS_UNTIL_LATE * 1000);
  }

  function answered() {
    if (pending === null || !model.get("answered").includes(pending.click)) return;
    pending = null;
    watch();
    onChange();
    // The other changes of the same message are shown before this.
    queueMicrotask(() => { if (pending === null) acting = false; });
  }

  // JupyterLab reports the status of the kernel: a restart is noticed at once.
  function statusChanged(_, status) {
    if (!["restarting", "autorestarting", "terminating", "dead"].includes(status)) return;
    lost = true;
    clearTimeout(timer);
    onLost();
  }
  const disposed = () => statusChanged(null, "dead");

  const signsOfLife = ["change:state", "change:busy", "change:message"];
  for (const change of signsOfLife) model.on(change, watch);
  model.on("change:answered", answered);
  kernel?.statusChanged?.connect(statusChanged);
  kernel?.disposed?.connect(disposed);

  function dispose() {
    clearTimeout(timer);
    for (const change of signsOfLife) model.off(change, watch);
    model.off("change:answered", answered);
    kernel?.statusChanged?.disconnect(statusChanged);
    kernel?.disposed?.disconnect(disposed);
  }
  return { send, blocked, acting: () => acting, dispose };
}

// The header, the facts, and the time left.
function makeSessionView(model) {
  const status = make("strong", { role: "status", "aria-live": "polite" });
  const badge = make("span", { class: "adobe-nb-badge" });
  const dot = make("span", { class: "adobe-nb-dot", "aria-hidden": "true" });
  const header = make("header", {}, dot, status, badge);
  const facts = make("dl", { class: "adobe-nb-facts" });
  const fill = make("div", { class: "adobe-nb-fill" });
  const bar = make("div", {
    class: "adobe-nb-bar", role: "progressbar", "aria-label": "Remaining lifetime", "aria-valuemin": 0, "aria-valuemax": 100,
  }, fill);
  const left = make("span", { class: "adobe-nb-left" });
  const time = make("div", { class: "adobe-nb-time" }, bar, left);

  function statusText({ connected, refused }) {
    if (!connected) return "Not signed in";
    return refused ? "Signed in, but requests are refused" : "Signed in";
  }

  function show(root) {
    const state = model.get("state");
    const busy = model.get("busy");
    root.dataset.connected = Boolean(state.connected);
    root.dataset.refused = Boolean(state.refused);
    root.dataset.service = state.service || "";
    root.setAttribute("aria-busy", String(Boolean(busy)));
    status.textContent = busy || statusText(state);
    badge.textContent = state.service === "simulator" ? "Simulator" : state.service || "";
    badge.hidden = !state.connected;
    const items = model.get("_facts").flatMap(([label, text]) => [make("dt", { text: label }), make("dd", { text })]);
    facts.replaceChildren(...items);
    facts.hidden = !state.connected;
  }

  function showTime(root) {
    const { connected, renewable } = model.get("state");
    const expires = model.get("expires_at");
    time.hidden = !connected;
    bar.hidden = expires == null;
    root.dataset.ended = false;
    if (!connected) return;
    if (expires == null) { left.textContent = "The token has no expiry date"; return; }
    const remaining = expires - Date.now();
    const lifetime = Math.max(1, expires - model.get("issued_at"));
    const percent = Math.max(0, Math.min(1, remaining / lifetime)) * 100;
    fill.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", String(Math.round(percent)));
    bar.setAttribute("aria-valuetext", remaining > 0 ? `${timeLeft(remaining)} left` : "expired");
    bar.dataset.low = remaining < MINUTES_RUNNING_LOW * 60000;
    if (remaining > 0) {
      left.textContent = `${timeLeft(remaining)} left, ${renewable ? "renews automatically" : "then paste a new token"}`;
    } else if (renewable) {
      left.textContent = "Expired; renews with the next request";
    } else {
      left.textContent = "Expired: paste a new token";
      root.dataset.ended = true;
      status.textContent = "Signed in, but the token expired";
    }
  }

  const showLost = () => { status.textContent = "Not connected to the kernel"; };
  return { header, body: [facts, time], show, showTime, showLost };
}

function profileText({ name, org_id, active, simulator }) {
  const marks = [active && "active", simulator && "simulator"].filter(Boolean);
  return `${name}${marks.length ? ` (${marks.join(", ")})` : ""} · ${org_id.slice(0, 6)}…`;
}

// The part that opens: profiles to choose from, and the form.
function makeForm(model, kernel, { onIncomplete }) {
  const chooser = make("select");
  const useProfile = makeButton("Use profile", "Sign in with this profile, now and from now on",
    () => kernel.send({ action: "profile", name: chooser.value }));
  const profile = makeRow("Profile", chooser, { control: make("div", { class: "adobe-nb-pair" }, chooser, useProfile) });

  const group = newId();
  const makeWay = (value, text) => {
    const input = make("input", { type: "radio", name: group, value });
    return { input, label: make("label", { class: "adobe-nb-way" }, input, ` ${text}`) };
  };
  const bySecret = makeWay("secret", "Client secret (OAuth Server-to-Server)");
  const byToken = makeWay("token", "Access token (24 hours)");
  bySecret.input.checked = true;
  const ways = make("div", { class: "adobe-nb-field", role: "radiogroup", "aria-labelledby": `${group}-label` },
    make("span", { id: `${group}-label`, class: "adobe-nb-label", text: "Sign in with" }), bySecret.label, byToken.label);
  const service = make("select", {},
    make("option", { value: "Adobe", text: "Adobe" }), make("option", { value: "simulator", text: "Simulator" }));

  const fields = model.get("_fields").map((field) => ({ ...field, ...makeTextRow(field) }));
  const named = Object.fromEntries(fields.map((field) => [field.name, field]));
  const visible = () => fields.filter(({ row }) => !row.hidden);

  const saveAs = makeTextRow({
    label: "Save as profile", hint: "Optional. The secret goes into the system's keyring",
  });
  saveAs.input.maxLength = 64;
  const inFile = make("input", { type: "checkbox" });
  const inFileRow = make("label", { class: "adobe-nb-way" }, inFile, " No keyring: keep the secret in a file that only I can read");
  const profileToSave = () => ({ save_as: saveAs.input.value.trim(), in_file: inFile.checked ? "yes" : "" });
  const save = makeButton("Save", "Save the credentials of the current session",
    () => kernel.send({ action: "save", ...profileToSave() }));
  saveAs.row.append(inFileRow, save);

  const signIn = make("button", { type: "submit", class: "adobe-nb-primary", text: "Sign in" });
  const where = make("p", { class: "adobe-nb-hint" },
    ...withLink("All values are in Developer Console > your project > OAuth Server-to-Server."));
  const form = make("form", { autocomplete: "off" }, ways, makeRow("Service", service).row, where,
    ...fields.map(({ row }) => row), saveAs.row, make("div", { class: "adobe-nb-buttons" }, signIn));
  const summary = make("summary");
  const element = make("details", {}, summary, profile.row, form);

  function forgetSecrets() {
    for (const { secret, input } of fields) if (secret) input.value = "";
  }

  function showWay() {
    const chosen = byToken.input.checked ? "token" : "secret";
    for (const { way, row } of fields) row.hidden = Boolean(way) && way !== chosen;
    forgetSecrets();
  }

  function showSave() {
    inFileRow.hidden = !saveAs.input.value.trim();
    save.hidden = inFileRow.hidden || !model.get("state").connected;
  }

  // Returns whether every required field has a value; marks the others.
  function complete() {
    const missing = visible().filter(({ required, input }) => required && !input.value.trim());
    for (const field of fields) mark(field, missing.includes(field) ? field.required : "");
    missing[0]?.input.focus();
    return missing.length === 0;
  }

  function submit(event) {
    event.preventDefault();
    if (!complete()) { onIncomplete(); return; }
    if (kernel.blocked()) return;
    const values = Object.fromEntries(visible().map(({ name, input }) => [name, input.value]));
    const content = { action: "sign_in", service: service.value, ...values };
    if (saveAs.input.value.trim()) Object.assign(content, profileToSave());
    forgetSecrets();
    kernel.send(content);
  }

  // Enter in a field signs in; the notebook around the panel would swallow the browser's own submit.
  function keydown(event) {
    if (event.key !== "Enter" || !event.target.matches("input:not([type=radio], [type=checkbox])")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!signIn.disabled) form.requestSubmit(signIn);
  }

  function showProfiles(profiles) {
    const known = JSON.stringify(profiles);
    if (chooser.dataset.known === known) return;
    chooser.dataset.known = known;
    chooser.replaceChildren(...profiles.map(({ name, org_id, active, simulator }) => make("option", {
      value: name, title: org_id, text: profileText({ name, org_id, active, simulator }), selected: active ? "" : false,
    })));
    profile.row.hidden = !profiles.length;
  }

  // Fill in what is known, unless the user has changed it.
  function prefill(state) {
    if (!service.dataset.touched) {
      const simulator = state.connected ? state.service === "simulator" : state.simulator_announced;
      service.value = simulator ? "simulator" : "Adobe";
    }
    const { input } = named.org_id;
    if (state.org_id && !input.dataset.touched) input.value = state.org_id;
  }

  function show() {
    const state = model.get("state");
    summary.textContent = state.connected
      ? "Switch to another profile, client secret or access token"
      : "Sign in with a client secret or an access token";
    showProfiles(state.profiles || []);
    showSave();
  }

  // The row that a message is about, if it can be seen.
  function rowOf(name) {
    const row = { ...named, profile, save_as: saveAs }[name];
    return element.open && row && !row.row.hidden ? row : undefined;
  }

  function clearMarks() {
    for (const row of [...fields, saveAs, profile]) mark(row, "");
  }

  function clearSave() {
    saveAs.input.value = "";
    inFile.checked = false;
    showSave();
  }

  saveAs.input.addEventListener("input", showSave);
  byToken.input.addEventListener("change", showWay);
  bySecret.input.addEventListener("change", showWay);
  form.addEventListener("submit", submit);
  form.addEventListener("keydown", keydown);
  for (const input of [service, named.org_id.input]) {
    input.addEventListener("input", () => { input.dataset.touched = "yes"; });
  }
  closeByEscape(element);
  showWay();
  return { element, show, prefill: () => prefill(model.get("state")), rowOf, clearMarks, clearSave };
}

function makeHelp() {
  const topics = {};
  for (const [topic, title, lines] of HELP) {
    const list = make("ul", {}, ...lines.map((text) => make("li", {}, ...withLink(text))));
    topics[topic] = make("div", { tabindex: "-1", "data-topic": topic }, make("strong", { text: title }), list);
  }
  const summary = make("summary", { text: "Help: where to find the values, and what to do if it fails" });
  const element = make("details", { class: "adobe-nb-help" }, summary, ...Object.values(topics));

  function open(topic) {
    element.open = true;
    const chosen = topics[topic];
    for (const other of Object.values(topics)) other.toggleAttribute("data-chosen", other === chosen);
    summary.after(chosen);
    chosen.scrollIntoView({ block: "nearest" });
    chosen.focus({ preventScroll: true });
  }
  closeByEscape(element);
  return { element, open, has: (topic) => topic in topics };
}

function render({ model, el }) {
  const kernel = connectKernel(model, { onChange: showState, onSilence: showSilence, onLost: showLost });
  const session = makeSessionView(model);
  const form = makeForm(model, kernel, { onIncomplete: () => { whatToDo.hidden = true; } });
  const help = makeHelp();

  const action = (text, name, title) => makeButton(text, title, () => kernel.send({ action: name }));
  const connect = action("Connect", "connect", "Sign in with the first complete source: environment, .env file, profile, announced simulator");
  const simulate = action("Use the simulator", "simulate", "No Adobe account needed");
  const test = action("Test", "test", "Test the credentials: list the companies");
  const renew = action("New token", "renew", "Fetch a new token now");
  const signOut = action("Sign out", "sign_out", "Forget the token");
  const buttons = make("div", { class: "adobe-nb-buttons" }, connect, simulate, test, renew, signOut);

  const message = make("p", { class: "adobe-nb-message adobe-nb-said" });
  const whatToDo = makeButton("What to do", null, () => help.open(whatToDo.dataset.topic));
  whatToDo.className = "adobe-nb-link";
  const silence = make("p", { class: "adobe-nb-message adobe-nb-lost", "data-kind": "warning", role: "alert", hidden: "" });
  const notice = make("p", { class: "adobe-nb-message", "data-kind": "warning", role: "note",
    text: "This is a public machine (Binder). Do not enter real credentials here; use the simulator." });

  const root = make("section", { class: "adobe-nb tex2jax_ignore mathjax_ignore", "aria-label": "Adobe sign-in" },
    session.header, notice, ...session.body, buttons, message, whatToDo, silence, form.element, help.element);
  el.append(root);
  // Lumino would otherwise take Enter and Space for the notebook's own shortcuts. Shortcuts are
  // matched from the focused element upward, so the attribute on the section alone comes too late.
  for (const element of [root, ...root.querySelectorAll("a, button, input, select, summary, [tabindex]")]) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }

  let focused = null;  // what had the focus before its button was disabled
  root.addEventListener("focusin", (event) => { focused = event.target; });

  function showState() {
    const { connected, renewable, public: isPublic } = model.get("state");
    session.show(root);
    form.show();
    notice.hidden = !isPublic;
    connect.hidden = simulate.hidden = Boolean(connected);
    test.hidden = signOut.hidden = !connected;
    renew.hidden = !connected || !renewable;
    connect.classList.toggle("adobe-nb-primary", !connected);
    for (const button of root.querySelectorAll("button")) button.disabled = kernel.blocked();
    // A button that was hidden or disabled leaves the keyboard without a focus.
    if (!kernel.blocked() && kernel.acting() && document.activeElement === document.body) {
      const isHidden = !focused?.isConnected || focused.offsetParent === null;
      if (isHidden) focused = connected ? test : connect;
      focused.focus();
    }
  }

  function showMessage() {
    const { kind = "", text = "", field = "", topic = "" } = model.get("message") || {};
    form.clearMarks();
    const row = form.rowOf(field);
    if (row) mark(row, text);
    message.setAttribute("role", kind === "error" ? "alert" : "status");
    message.textContent = row ? "" : text;
    message.dataset.kind = kind;
    whatToDo.hidden = !help.has(topic);
    whatToDo.dataset.topic = topic;
    if (row) row.row.append(whatToDo);
    else message.after(whatToDo);
    // Nothing was found, or it failed: the form is the next step.
    if (topic && !model.get("state").connected) form.element.open = true;
    if (!kernel.acting()) return;
    if (row) row.input.focus();
    else if (text) root.scrollIntoView({ block: "nearest" });
    if (kind === "ok") showSuccess();
  }

  function showSuccess() {
    form.clearSave();
    // The form closes, and would leave the keyboard without a focus.
    if (form.element.contains(focused)) {
      focused.blur();
      focused = test;
    }
    form.element.open = false;
    showState();
  }

  function showSilence(text) {
    silence.textContent = text;
    silence.hidden = !text;
  }

  function showLost() {
    session.showLost();
    root.dataset.connected = false;
    for (const button of root.querySelectorAll("button")) button.disabled = true;
    showSilence(LOST);
  }

  const showTime = () => session.showTime(root);
  const showAll = () => { showState(); form.prefill(); showTime(); };
  const listeners = {
    "change:state": showAll, "change:busy": showState, "change:message": showMessage, "change:expires_at": showTime,
  };
  for (const [change, listener] of Object.entries(listeners)) model.on(change, listener);
  showAll();
  showMessage();
  const timer = setInterval(showTime, 1000);
  return () => {
    clearInterval(timer);
    for (const [change, listener] of Object.entries(listeners)) model.off(change, listener);
    kernel.dispose();
  };
}

export default { render };
