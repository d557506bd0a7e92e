/* A fixed value is only asked for where the rule says so; a page rule has no network event. */
"use strict";

function matchRule(row) {
  const field = (name) => row.querySelector(`[name$="-${name}"]`);
  const [source, fixed, trigger, networkEvent] = ["value_source", "fixed_value", "trigger", "network_event"].map(field);
  if (source && fixed) fixed.disabled = source.value !== "fixed";
  if (trigger && networkEvent) networkEvent.disabled = trigger.value === "page";
}

function matchAll() {
  document.querySelectorAll("#event_rules-group tr.form-row").forEach(matchRule);
}

document.addEventListener("DOMContentLoaded", matchAll);
document.addEventListener("formset:added", matchAll);
document.addEventListener("change", (event) => {
  const row = event.target.closest("#event_rules-group tr.form-row");
  if (row) matchRule(row);
});
