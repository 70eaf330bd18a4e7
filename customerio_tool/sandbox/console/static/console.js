// The log as it grows, and copying. Every page works without this script.
"use strict";

const live = document.getElementById("live");
const log = document.getElementById("log");
const ROWS = 200;
let source = null;

function show(words, look) {
  live.textContent = words;
  live.className = `pill ${look}`;
}

function add(event) {
  document.querySelector("main > .empty")?.remove();
  log.closest(".wide").hidden = false;
  const row = document.createElement("template");
  row.innerHTML = event.data; // rendered and escaped by the server
  log.prepend(row.content);
  while (log.rows.length > ROWS) log.rows[log.rows.length - 1].remove();
  live.dataset.stream = `/console/requests/stream?after=${event.lastEventId}`;
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(live.dataset.stream);
  source.onopen = () => show("live", "good");
  source.onmessage = add;
  source.addEventListener("reload", () => location.reload());
  source.onerror = () => {
    const ended = source.readyState === EventSource.CLOSED;
    show(ended ? "not live: too many pages listen" : "not live: the sandbox stopped", "quiet");
  };
}

function rest() {
  if (source) source.close();
  source = null;
}

if (live && log && window.EventSource) {
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  window.addEventListener("pagehide", rest);
  listen();
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
    button.textContent = "Copied";
  });
}

const current = document.querySelector("nav [aria-current]");
if (current) current.parentElement.scrollLeft = current.offsetLeft - 60;
