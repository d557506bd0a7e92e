/* The page's side of tracking, for one offer. docs/pixel.md describes what pages may do with it. */

const ANSWERED = ["granted", "denied", "withdrawn"]; /* refusals come second */
const CALLS = { track, identify, consent, tcf, state: begin, fired, event: wait };
const TTCLID = /^(?!__[A-Z_]+__$)[\w.~-]{8,2048}$/;

let state = null;
let answer = keptAnswer();
let answerSource = "";
let answeredAt;
const waiting = [];
const pending = [];
const once = new Set();
let identifying = null;

function receive([method, ...values]) {
  if (!has(CALLS, method)) return warn(`there is no call "${method}".`);
  if (!state && !["state", "consent", "tcf"].includes(method)) return waiting.push([method, ...values]);
  try {
    CALLS[method](...values);
  } catch (error) {
    warn(error);
  }
}

/* Arrival */

let early = [];
const receiveOnceStarted = (call) => (early ? early.push(call) : receive(call));

function start() {
  const calls = early;
  early = null;
  calls.forEach(receive);
  if (!state) arrive().catch(warn);
}

async function arrive() {
  const remembered = answer && !answerSource && (answer == "granted" ? answer : "denied");
  const fresh = await tell("arrival", { consent: remembered || undefined, kept: keptClick() || undefined });
  if (!fresh || state) return;
  const chosen = ME && ME.dataset.events;
  const names = chosen == null ? ["ViewContent"].filter((name) => has(fresh.events, name)) : chosen.split(/[\s,]+/);
  waiting.unshift(...names.filter(Boolean).map((name) => ["track", name]));
  begin(fresh);
  tidyAddress(fresh.click_id);
}

const isMine = (fresh) => fresh.offer == config.offer;

function begin(fresh) {
  if (state || !isMine(fresh)) return;
  state = fresh;
  keepClick(state.click_id);
  heedServer();
  recallAnswer();
  apply();
  rewriteAll();
  tellUnsent();
  waiting.splice(0).forEach(receive);
}

/* Consent */

function consent(said, source = "page", at = Date.now()) {
  if (!ANSWERED.includes(said)) return warn(`the answer has to be ${ANSWERED}.`);
  [answer, answerSource, answeredAt] = [said, source, at];
  keepAnswer(said);
  if (!state || isInForce(said)) return;
  enforce(said);
  tellAnswer(answering(state.click_id));
}

function enforce(said) {
  const wasLoaded = isLoaded();
  Object.assign(state, { consent: said, may_send: said == "granted" });
  if (said != "granted" && wasLoaded) revoke();
  apply();
}

const answering = (click_id) => ({ ...here(), click_id, state: answer, source: answerSource, at: answeredAt });
const isRefusal = (said) => ANSWERED.indexOf(said) > 0;
const isInForce = (said) => (isRefusal(said) ? isRefusal(state.consent) : said == state.consent && state.may_send);

/* A refusal at another page or host, unless this page has an answer of its own. */
function heedServer() {
  if (answerSource || !isRefusal(state.consent)) return;
  answer = state.consent;
  forget(AGREEMENT + config.offer);
  store(REFUSAL, answer);
}

/* What another tab was told meanwhile, or this one's next page. */
function heedOthers() {
  const kept = keptAnswer();
  if (kept && kept != answer) consent(kept, "another tab");
}

/* An answer of this page counts; a remembered one where nobody else has any, and a refusal always. */
function recallAnswer() {
  const isMissing = answer && state.consent == "unknown";
  if (answerSource || isMissing || (isRefusal(answer) && state.may_send)) consent(answer, answerSource || "remembered", answeredAt);
}

/* IAB TCF 2: agreed to when all of these purposes are. */
function tcf(purposes = [1, 3, 4], tries = 0) {
  if (typeof window.__tcfapi != "function") return tries < 20 && setTimeout(tcf, 500, purposes, tries + 1);
  const hear = (data, isGood) => {
    if (!isGood || data.gdprApplies === false || !/^(tcloaded|useractioncomplete)$/.test(data.eventStatus)) return;
    consent(purposes.every((purpose) => data.purpose.consents[purpose]) ? "granted" : "denied", "tcf");
  };
  attempt(() => window.__tcfapi("addEventListener", 2, (...values) => attempt(() => hear(...values))));
}

/* The Pixel */

const isLoaded = () => state.pixel && (ttq._i || {})[state.pixel.code];
const pixel = () => ttq.instance(state.pixel.code);
let isHeld = false;

function apply() {
  setTtclid();
  if (!state.pixel) return;
  if (!state.may_send) return hold();
  const isNew = !isLoaded();
  if (isNew) load();
  tellIdentity();
  if (isNew && !isQueued("page")) pixel().page();
  if (isHeld) ask("grantConsent");
  isHeld = false;
  watch(state.pixel.code);
  pending.splice(0).forEach((call) => fire(...call));
}

/* A hold is for all pixels of the page: none is made, and ours is taken back, where another offer's may be told. */
function hold() {
  if (!isHeld && !ttq._i && !isQueued("holdConsent")) {
    ask("holdConsent");
    ttq.heldByTags = ttq[ttq.length - 1];
  }
  isHeld = true;
}

function load() {
  if (queued().includes(ttq.heldByTags)) ttq.splice(ttq.indexOf(ttq.heldByTags), 1);
  ttq.heldByTags = null;
  ttq.load(state.pixel.code, state.limited_data_use ? { limited_data_use: true } : {});
}

/* What TikTok's script has not seen by now it shall not see: our calls, and those of the page's tags. */
function revoke() {
  if (outcome != "fired") {
    made.length = seen;
    pixel().length = 0;
    unqueue("page", "identify", "track");
  }
  ask("revokeConsent");
}

function tellIdentity() {
  if (Object.keys(state.identity).length) pixel().identify(state.identity);
}

function setTtclid() {
  const ttclid = inAddress("ttclid");
  if (isRefusal(state.consent)) setCookie("ttclid", "", 0);
  else if (state.may_send && TTCLID.test(ttclid)) setCookie("ttclid", ttclid, MONTH);
}

/* Whether this is the first time on this page. */
const isFirst = (what) => !once.has(what) && once.add(what);

function wait(name, properties, id, offer = config.offer) {
  if (state.pixel && isMine({ offer }) && isFirst(id)) fire(name, properties, id);
}

/* Digests that are on their way come first; TikTok adds them to the events that follow. */
function fire(name, properties, id) {
  if (identifying) return identifying.then(() => fire(name, properties, id));
  if (!state.may_send) return pending.push([name, properties, id]);
  if (!firedIds().includes(id)) pixel().track(name, properties, { event_id: id });
  saw(id);
}

const saw = (id) => made.push(id) && report();

function fired(id, offer = config.offer) {
  if (isMine({ offer }) && isFirst(id)) saw(id);
}

/* Events */

function track(name, given, options) {
  const { offer, key } = options || {};
  heedOthers();
  const event = has(state.events, name) && state.events[name];
  if (offer && offer != config.offer) return;
  if (!event) return isAlone() && warn(`the offer needs an event rule for "${name}".`);
  if (!isFirst(`${name} ${key || ""}`)) return;
  const properties = plain(given);
  if (!key && event.recorded) return tellPixel(event, name, event.recorded);
  const said = saying(name, properties, key, state.click_id);
  const told = key ? null : attempt(() => toldOf(event, properties, state.currency));
  if (told) tellPixel(event, name, told);
  const answered = tellEvent(said);
  if (!told) answered.then((answer) => answer && answer.fire && wait(name, answer.properties, answer.event_id));
  telling = Promise.all([telling, answered]);
}

const tellPixel = (event, name, properties) => event.pixel && !event.done && wait(name, properties, event.event_id);
const saying = (event, properties, key, click_id) => ({ ...here(), click_id, event, properties, key: key ? String(key).slice(0, 200) : undefined });

function identify(given) {
  const { email, phone, external_id } = plain(given);
  const answered = tellPerson({ click_id: state.click_id, email, phone, external_id }).then((answer) => {
    if (!answer) return;
    Object.assign(state.identity, answer.identity);
    if (isLoaded() && state.may_send) tellIdentity();
  });
  const mine = (identifying = Promise.race([answered, pause(5000)]).then(() => {
    if (identifying == mine) identifying = null;
  }));
}

/* A visitor who leaves: what waits for the answer to the arrival, or behind an older answer, can't wait longer. The events
 * go to the click that is known, else to the next page's; so they do after a refusal, which has to be there first. */
function leave() {
  sight();
  const click_id = leftClick();
  if (!state && answerSource && click_id) keepUnsent(answering(click_id), "consent");
  for (const [said, what] of [...unsent, ...people]) {
    if (what == "consent" || (said.click_id && !isRefusal(answer))) post(what, said).catch(() => null);
  }
  for (const [method, ...call] of waiting.splice(0)) if (method == "track") attempt(() => leaveEvent(click_id, ...call));
}

function leaveEvent(click_id, name, given, options) {
  const said = saying(name, plain(given), (options || {}).key, isRefusal(answer) ? undefined : click_id);
  if (said.click_id) tell("event", said);
  else keepUnsent(said, "event");
}

/* A click on another ad is a new one, which the server has not named yet. */
const leftClick = () => (inAddress("ttclid") && !inAddress("click_id") ? undefined : knownClick() || undefined);

/* Links, forms and buttons */

const GO = config.tracker + "/go/";
const link = (query = "") => (state ? state.go : `${GO}${config.offer}/`) + query;
const offers = () => Object.keys(hub.offers);
const isAlone = () => offers().length < 2;
const isMain = () => offers()[0] == config.offer;

function rewrite(anchor) {
  const found = anchor.getAttribute("href") || "";
  const [way, name] = (String(anchor.href).startsWith(GO) && anchor.href.slice(GO.length).match(/^([\w-]*)\/?(?=[?#]|$)/)) || [];
  let target = isMain() ? found.replace(/(\{|%7B)click_id(\}|%7D)/gi, state.click_id) : found;
  if (name == config.offer || (name == "" && isMain())) target = state.go + anchor.href.slice(GO.length + way.length);
  if (target != found) anchor.setAttribute("href", target);
}

function rewriteAll() {
  document.querySelectorAll("a[href]").forEach((anchor) => attempt(() => rewrite(anchor)));
  if (isMain()) document.querySelectorAll("input[type=hidden][name=click_id]").forEach((input) => (input.value = state.click_id));
}

function onClick(event) {
  const target = event.composedPath()[0];
  if (!target.closest) return;
  const anchor = target.closest("a[href]");
  const marked = target.closest("[data-track]");
  if (anchor && state) attempt(() => rewrite(anchor));
  if (marked && marked.tagName != "FORM" && event.type == "click") trackMarked(marked);
}

function onSubmit(event) {
  if (state) rewriteAll();
  if (event.target.hasAttribute("data-track")) trackMarked(event.target);
}

function trackMarked({ dataset }) {
  const { track, trackValue: value, trackCurrency: currency, trackKey: key, trackOffer: offer } = dataset;
  receive(["track", track, { value, currency }, { key, offer }]);
}

document.addEventListener("click", onClick, true);
document.addEventListener("auxclick", onClick, true);
document.addEventListener("submit", onSubmit, true);
document.addEventListener("DOMContentLoaded", () => state && rewriteAll());
addEventListener("pagehide", () => attempt(leave));
addEventListener("pageshow", heedOthers);
addEventListener("storage", heedOthers);
readUnsent();
if (!offers().length) hub.calls.unshift(...saidInQueue());
early.push(...hub.calls);
hub.offers[config.offer] = { receive: receiveOnceStarted, link };
overhear();
if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
else start();
