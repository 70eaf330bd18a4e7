// Copying, and what changes while one looks on. Every page works without this script.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
    button.textContent = "Copied";
  });
}

const current = document.querySelector("nav [aria-current]");
if (current) current.parentElement.scrollLeft = current.offsetLeft - 60;

const picker = document.querySelector(".picker");
const picked = picker?.querySelector("[aria-current]");
if (picked) picker.scrollTop = picked.offsetTop - picker.clientHeight / 2;

// The tool: how many subtools are on, and how many tokens they are, while one chooses.
{
  const count = document.getElementById("count");
  const switches = [...document.querySelectorAll("input[data-tokens]")];
  function tell() {
    const shown = switches.filter((each) => each.checked && each.dataset.tokens > 0);
    const tokens = shown.reduce((sum, each) => sum + Number(each.dataset.tokens), 0);
    const [on, about] = count.querySelectorAll("b");
    on.textContent = shown.length;
    about.textContent = tokens.toLocaleString("en-US");
  }
  for (const each of switches) each.addEventListener("change", tell);
}

// Live: the server tells what changed, and the parts of this page that show it are loaded again.

const badge = document.getElementById("badge");
const live = document.getElementById("live");
const news = document.getElementById("news");
const title = document.title;
let source = null;
let last = {};
let loading = Promise.resolve();

function showWaiting(waiting) {
  if (waiting > Number(badge.textContent)) news.textContent = "A call waits for approval.";
  badge.textContent = waiting;
  badge.hidden = !waiting;
  document.title = waiting ? `(${waiting}) ${title}` : title;
}

// What a person may be about to click never moves: what is gone stays, and what is new comes last.
function merge(part, fresh) {
  for (const child of part.children) {
    if (fresh.querySelector(`#${CSS.escape(child.id)}`)) continue;
    child.classList.add("gone");
    for (const button of child.querySelectorAll("button")) button.disabled = true;
  }
  for (const child of [...fresh.children]) {
    if (!document.getElementById(child.id)) part.append(child);
  }
}

function replace(part, fresh) {
  const focus = part.contains(document.activeElement) && document.activeElement.id;
  const open = [...part.querySelectorAll("details[open][id]")].map((each) => each.id);
  const had = part.querySelectorAll("#turns > li").length;
  part.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  const turns = part.querySelectorAll("#turns > li");
  if (turns.length > had) turns[turns.length - 1].scrollIntoView({ block: "nearest" });
}

async function load(parts) {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (!fresh || part.isEqualNode(fresh)) continue; // the focus stays where nothing changed
    ("keep" in part.dataset ? merge : replace)(part, fresh);
  }
}

function changed(event) {
  const now = JSON.parse(event.data);
  showWaiting(now.count);
  const parts = [...document.querySelectorAll("[data-live]")].filter(
    ({ dataset }) => now[dataset.live] !== last[dataset.live],
  );
  last = now;
  if (parts.length) loading = loading.then(() => load(parts));
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(document.body.dataset.stream);
  source.onopen = () => (live.hidden = false);
  source.onmessage = changed;
  source.onerror = () => (live.hidden = true);
}

// A page that nobody sees holds no connection: a browser has six to a server.
function rest() {
  source?.close();
  source = null;
}

if (document.body.dataset.stream && window.EventSource) {
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", listen);
  listen();
}

// How long a call still waits; also of one that came while the page was open.
const ends = new WeakMap();
setInterval(() => {
  for (const left of document.querySelectorAll("[data-seconds]")) {
    if (left.closest(".gone")) continue;
    if (!ends.has(left)) ends.set(left, Date.now() + left.dataset.seconds * 1000);
    const seconds = Math.max(0, Math.round((ends.get(left) - Date.now()) / 1000));
    left.textContent = `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  }
}, 1000);

// Enter sends a message, as people expect of a chat; Shift and Enter begins a line.
document.querySelector("textarea[data-send]")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
