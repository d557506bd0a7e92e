/* The offer editor: countries matter only where consent is required; a button fills in the usual list. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const required = document.querySelector("input[name=consent_required]");
  const countries = document.querySelector("input[name=consent_countries]");

  function matchCountries() {
    // Read-only rather than disabled: what is disabled would not be sent, and the list be lost.
    countries.readOnly = !required.checked;
    countries.closest("div").classList.toggle("is-idle", countries.readOnly);
    const button = countries.parentElement.querySelector(".fill-button");
    if (button) button.disabled = countries.readOnly;
  }

  document.querySelectorAll("input[data-fill]").forEach((input) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "fill-button", textContent: input.dataset.fillLabel });
    button.addEventListener("click", () => {
      input.value = input.dataset.fill;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.focus();
    });
    input.after(button);
  });
  if (!required || !countries) return;
  required.addEventListener("change", matchCountries);
  matchCountries();
});
