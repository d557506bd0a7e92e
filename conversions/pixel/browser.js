/* What the browser keeps for us and how the server is told. Nothing here ever throws. */

const MONTH = 30 * 24 * 3600;
/* One more than the server keeps, so that it knows of a cut. */
const LONGEST_URL = 8001;
const CLICK = "tracking_" + config.offer;
const REFUSAL = "tracking_consent";
const AGREEMENT = REFUSAL + "_";
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
const forget = (name) => attempt(() => localStorage.removeItem(name));

/* A refusal is kept for all offers of the host, an agreement for its own. */
const keptAnswer = () => stored(AGREEMENT + config.offer) || stored(REFUSAL);

function keepAnswer(said) {
  if (said == "granted") return store(AGREEMENT + config.offer, said);
  const names = attempt(() => Object.keys(localStorage)) || [];
  names.filter((name) => name.startsWith(AGREEMENT)).forEach(forget);
  store(REFUSAL, said);
}

function keepClick(id) {
  setCookie(CLICK, id, MONTH);
  if (cookie(CLICK) != id) store(CLICK, id);
}

const CLICK_ID = /^[a-z0-9]{26}$/;
const inAddress = (name) => new URLSearchParams(location.search).get(name) || "";

/* What the browser keeps, which no address brings along. */
const keptClick = () => cookie(CLICK) || stored(CLICK);

/* An address that is passed on shall not hand its visitor's click over. It stays where it is all that finds the click. */
function tidyAddress(id) {
  const { origin, pathname, search, hash } = location;
  const named = inAddress("click_id");
  const others = search.slice(1).split("&").filter((pair) => pair != "click_id=" + named).join("&");
  if (keptClick() != id || !CLICK_ID.test(named)) return;
  attempt(() => history.replaceState(history.state, "", origin + pathname + (others && "?" + others) + hash));
}

/* The click in the page's address, as a newer link leads here, else the one that the browser keeps. */
function knownClick() {
  const named = inAddress("click_id");
  return CLICK_ID.test(named) ? named : keptClick();
}

const here = () => ({ url: location.href.slice(0, LONGEST_URL), referrer: document.referrer.slice(0, LONGEST_URL) });

/* text/plain spares the preflight; browsers keep at most 64 kB alive when the page is left. */
function post(what, said) {
  const click = state ? state.click_id : knownClick();
  const body = JSON.stringify({ click_id: click, ...here(), ttp: cookie("_ttp"), ttclid: cookie("ttclid"), ...said });
  const url = `${config.tracker}/pixel/${config.offer}/${what}/`;
  return fetch(url, { method: "POST", body, credentials: "include", keepalive: body.length < 2e4 });
}

/* Answers about consent go one after the other, so that the server's last one is the visitor's. */
let sending = Promise.resolve();
const isOutdated = (said) => said.state && said.state != answer;

function send(what, said) {
  if (what != "consent") return post(what, said);
  return (sending = sending.then(() => isOutdated(said) || post(what, said)).catch(() => null));
}

/* The answer's JSON; null when there is none. What fails on the way is told again, at last by the next page. */
async function tell(what, said, tries = 0) {
  const response = await send(what, said).catch(() => null);
  if (isOutdated(said)) return null;
  if (response && response.status < 500) {
    settleUnsent(said);
    const answer = await response.json().catch(() => null);
    if (!response.ok) warn(answer && answer.message);
    return response.ok ? answer : null;
  }
  if (KEPT.includes(what)) keepUnsent(said, what);
  if (tries == 2) return null;
  await pause(1000 * 4 ** tries);
  return isOutdated(said) ? null : tell(what, said, tries + 1);
}

/* What TikTok was told in this tab: the server may not know it yet when the next page asks. */
const FIRED = "tracking_fired";
const firedIds = () => (attempt(() => sessionStorage.getItem(FIRED)) || "").split(" ");
const keepFired = (ids) => attempt(() => sessionStorage.setItem(FIRED, [...firedIds(), ...ids].slice(-100).join(" ")));

/* What could not be told yet, for this page's next try or the next page's. */
const unsent = new Map();
const saveUnsent = () =>
  attempt(() => sessionStorage.setItem(UNSENT, JSON.stringify([...unsent].slice(-MOST_UNSENT).map(bared))));

/* Without what pages put into addresses and properties of their own, such as a visitor's e-mail. */
const bare = (address) => address.split(/[?#]/)[0];
function bared([said, what]) {
  const properties = said.properties && Object.fromEntries(Object.entries(said.properties).filter(([name]) => has(SAVED, name)));
  return [{ ...said, url: bare(said.url), referrer: bare(said.referrer), properties }, what];
}

function keepUnsent(said, what) {
  unsent.set(said, what);
  saveUnsent();
}

function settleUnsent(said) {
  if (unsent.delete(said)) saveUnsent();
}

const unsentAnswers = () => [...unsent].filter(([, what]) => what == "consent").map(([said]) => said);

/* Told until the next answer is given: older ones are not told any more. The server may know of a newer refusal. */
let tellingAnswer = null;
function tellAnswer(said) {
  unsentAnswers().forEach(settleUnsent);
  keepUnsent(said, "consent");
  tellingAnswer = tell("consent", said).then((fresh) => fresh && isRefusal(fresh.consent) && !isRefusal(answer) && enforce(fresh.consent));
}

/* Once the server knows the visitor's last answer; false where it can't be told. */
async function answersHeard(awaited) {
  const latest = tellingAnswer;
  if (!unsentAnswers().length) return true;
  if (awaited == latest) return false;
  await latest;
  return answersHeard(latest);
}

/* An event follows the answer of its visitor; where that can't be told, the next page tells both. */
async function tellEvent(said) {
  if (!unsentAnswers().length) return tell("event", said);
  keepUnsent(said, "event");
  return (await answersHeard()) ? tell("event", said) : null;
}

/* So does who they are, as nothing is kept of who has refused; no page stores it for the next. */
const people = new Map();
async function tellPerson(said) {
  if (!unsentAnswers().length) return tell("identify", said);
  people.set(said, "identify");
  const isHeard = await answersHeard();
  people.delete(said);
  return isHeard && tell("identify", said);
}

/* An answer that the last page could not tell counts as this page's. */
function readUnsent() {
  for (const [said, what] of attempt(() => JSON.parse(sessionStorage.getItem(UNSENT))) || []) {
    if (what == "event") unsent.set(said, what);
    else if (said.state == answer) [answerSource, answeredAt] = [said.source, said.at];
  }
  saveUnsent();
}

const tellUnsent = () => [...unsent].forEach(([said, what]) => what == "event" && tellEvent(said));
