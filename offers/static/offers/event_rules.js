/* A fixed value is only asked for where the rule says so, values of words where a word replaces the value; a page rule
   has neither a network event nor anything to replace its value. */
"use strict";

function matchRule(row) {
  const field = (name) => row.querySelector(`[name$="-${name}"]`);
  const [source, fixed, trigger, networkEvent] = ["value_source", "fixed_value", "trigger", "network_event"].map(field);
  const [replacedBy, words] = ["replaced_by", "value_of_words"].map(field);
  if (source && fixed) fixed.disabled = source.value !== "fixed";
  if (trigger && networkEvent) networkEvent.disabled = trigger.value === "page";
  if (trigger && replacedBy) replacedBy.disabled = trigger.value === "page";
  if (replacedBy && words) {
    words.disabled = replacedBy.disabled || !["segment", "lead_quality"].includes(replacedBy.value);
  }
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
