/* The stages of a test conversion, asked for every second until it has ended. */
"use strict";

const stages = document.getElementById("test-stages");

async function look() {
  if (stages.querySelector("[data-ended]")) return;
  try {
    const answer = await fetch(stages.dataset.url, { headers: { "X-Requested-With": "fetch" } });
    if (answer.ok && !answer.redirected) stages.innerHTML = await answer.text();
  } catch {
    // The site may be away for a moment; the next look tells.
  }
  setTimeout(look, 1000);
}

if (stages) look();
