/* What the browser keeps for us and how the server is told. Nothing here ever throws. */

const MONTH = 30 * 24 * 3600;
/* One more than the server keeps, so that it knows of a cut. */
const LONGEST_URL = 8001;
const CLICK = "tracking_" + config.offer;
const UNSENT = "tracking_unsent_" + config.offer;
const MOST_UNSENT = 20;
const KEPT = ["event", "consent"];

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}

const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

const warned = new Set();

function warn(message) {
  if (!warned.has(message)) console.warn("tracking: " + message);
  warned.add(message);
}

function cookie(name) {
  const found = attempt(() => document.cookie.split("; ").find((pair) => pair.startsWith(name + "=")));
  return found ? found.slice(name.length + 1) : "";
}

function setCookie(name, value, seconds) {
  const secure = location.protocol == "https:" ? "; Secure" : "";
  attempt(() => (document.cookie = `${name}=${value}; path=/; max-age=${seconds}; SameSite=Lax${secure}`));
}

const stored = (name) => attempt(() => localStorage.getItem(name)) || "";
const store = (name, value) => attempt(() => localStorage.setItem(name, value));

function keepClick(id) {
  setCookie(CLICK, id, MONTH);
  if (cookie(CLICK) != id) store(CLICK, id);
}

const inAddress = (name) => new URLSearchParams(location.search).get(name) || "";

/* The click in the page's address, as a newer link leads here, else the one that the browser keeps. */
function knownClick() {
  const named = inAddress("click_id");
  return /^[a-z0-9]{26}$/.test(named) ? named : cookie(CLICK) || stored(CLICK);
}

const here = () => ({ url: location.href.slice(0, LONGEST_URL), referrer: document.referrer.slice(0, LONGEST_URL) });

/* text/plain spares the preflight; browsers keep at most 64 kB alive when the page is left. */
function post(what, said) {
  const click = state ? state.click_id : knownClick();
  const body = JSON.stringify({ click_id: click, ...here(), ttp: cookie("_ttp"), ttclid: cookie("ttclid"), ...said });
  const url = `${config.tracker}/pixel/${config.offer}/${what}/`;
  return fetch(url, { method: "POST", body, credentials: "include", keepalive: body.length < 2e4 });
}

/* The answer's JSON; null when there is none. What fails on the way is told again, at last by the next page. */
async function tell(what, said, tries = 0) {
  const response = await post(what, said).catch(() => null);
  if (response && response.status < 500) {
    settleUnsent(said);
    const answer = await response.json().catch(() => null);
    if (!response.ok) warn(answer && answer.message);
    return response.ok ? answer : null;
  }
  if (KEPT.includes(what)) keepUnsent(said, what);
  if (tries == 2) return null;
  await pause(1000 * 4 ** tries);
  return tell(what, said, tries + 1);
}

/* What could not be told yet, for this page's next try or the next page's. */
const unsent = new Map();
const saveUnsent = () => attempt(() => sessionStorage.setItem(UNSENT, JSON.stringify([...unsent].slice(-MOST_UNSENT))));

function keepUnsent(said, what) {
  unsent.set(said, what);
  saveUnsent();
}

function settleUnsent(said) {
  if (unsent.delete(said)) saveUnsent();
}

function tellUnsent() {
  for (const [said, what] of attempt(() => JSON.parse(sessionStorage.getItem(UNSENT))) || []) {
    unsent.set(said, what);
    tell(what, said);
  }
}
