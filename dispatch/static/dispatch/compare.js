/* The answer of a comparison, asked for once the page is there: it may take seconds, and the page says so meanwhile. */
"use strict";

const comparison = document.getElementById("comparison");

function say(state) {
  const words = comparison.querySelector("[role=status]");
  words.textContent = words.dataset[state];
  for (const name of ["notice", "notice-bad"]) words.classList.toggle(name, state === "failed");
  comparison.setAttribute("aria-busy", String(state === "busy"));
  for (const part of comparison.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
}

async function compare() {
  say("busy");
  try {
    const answer = await fetch(comparison.dataset.url, { headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    comparison.querySelector("[data-when=done]").innerHTML = await answer.text();
    say("done");
  } catch {
    say("failed");
  }
}

if (comparison) {
  comparison.querySelector("button").addEventListener("click", compare);
  compare();
}
