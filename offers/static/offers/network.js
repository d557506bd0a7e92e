/* Choosing a format fills in what is usual for it; what was there before can be put back. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const source = document.getElementById("format-presets");
  const form = document.getElementById("network_form");
  const format = form && form.elements.namedItem("adapter");
  if (!source || !format) return;
  const presets = JSON.parse(source.textContent);
  const names = ["macros", "link_parameter", "reply", "duplicate_mode"];
  const field = (name) => form.elements.namedItem(name);
  const values = () => Object.fromEntries(names.map((name) => [name, field(name).value]));
  const put = (given) => names.forEach((name) => { field(name).value = given[name]; });
  const isAdding = /\/add\/$/.test(window.location.pathname);
  let chosen = format.value;

  const seen = document.createElement("input");
  Object.assign(seen, { type: "hidden", name: "presets_shown", value: "1" });

  const notice = document.createElement("div");
  notice.className = "mt-2 text-xs leading-relaxed";
  notice.setAttribute("role", "status");
  const guide = document.querySelector("[data-format=help]");
  if (guide) guide.after(notice);

  function element(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  }

  function showWords(words) {
    const place = document.querySelector("[data-format=words]");
    if (!place) return;
    const entries = Object.entries(words);
    const frame = Object.assign(document.createElement("div"), { className: "record-table-frame" });
    if (!entries.length) {
      const usual = "This format has no words of its own. The usual ones are known: approved, sale, pending, declined, "
        + "rejected, refund, chargeback, rebill, upsell and their like.";
      frame.append(Object.assign(element("p", usual), { className: "record-table-empty" }));
    } else {
      const table = Object.assign(document.createElement("table"), { className: "record-table" });
      const head = table.createTHead().insertRow();
      ["Its word", "Means"].forEach((title) => head.append(element("th", title)));
      const body = table.createTBody();
      entries.forEach(([word, meaning]) => {
        const row = body.insertRow();
        const cell = row.insertCell();
        cell.append(Object.assign(element("span", word), { className: "mono" }));
        cell.dataset.label = "Its word";
        Object.assign(row.insertCell(), { textContent: meaning }).dataset.label = "Means";
      });
      frame.append(table);
    }
    place.replaceChildren(frame);
  }

  function showKey(preset) {
    const key = field("new_signing_key");
    if (!key) return;
    const fieldset = key.closest("fieldset");
    fieldset.hidden = !preset.key_label;
    if (!preset.key_label) key.value = "";
    const label = fieldset.querySelector(`label[for="${key.id}"]`);
    if (label && preset.key_label) label.firstChild.textContent = preset.key_label;
    const help = fieldset.querySelector("[data-format=key-help]");
    if (help) help.textContent = preset.key_help;
  }

  function showFormat() {
    const preset = presets[format.value];
    if (!preset) return;
    const help = document.querySelector("[data-format=help]");
    if (help) help.textContent = preset.help;
    showWords(preset.words);
    showKey(preset);
  }

  function offerBack(before) {
    const differs = names.some((name) => before[name] !== field(name).value);
    notice.replaceChildren(element("span", "Macros, offer link's parameter, reply and duplicate mode are filled in for this format. "));
    if (isAdding || !differs) return;
    const back = Object.assign(element("button", "Put back what stood there"), {
      type: "button", className: "cursor-pointer font-medium text-primary-600 dark:text-primary-500",
    });
    back.addEventListener("click", () => { put(before); notice.replaceChildren(); });
    notice.append(back);
  }

  format.addEventListener("change", () => {
    const before = values();
    if (presets[format.value] && format.value !== chosen) put(presets[format.value]);
    chosen = format.value;
    form.append(seen);
    showFormat();
    offerBack(before);
  });

  if (isAdding && presets[chosen] && !field("macros").value && !document.querySelector(".errorlist, .errors")) {
    put(presets[chosen]);
  }
  showFormat();
});
