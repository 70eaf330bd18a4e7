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

// The tool: how many subtools are on, and how many tokens they are, while one chooses.
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
