/* Keeps what is marked as live up to date, without touching what somebody is typing. */
"use strict";

async function refresh() {
  if (document.hidden) {
    return;
  }
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll(".live")) {
    const successor = fresh.getElementById(part.id);
    if (successor && successor.innerHTML !== part.innerHTML) {
      part.replaceWith(successor);
    }
  }
}

if (document.querySelector(".live")) {
  setInterval(() => refresh().catch(() => {}), 2000);
}
