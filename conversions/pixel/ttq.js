/* TikTok's queue `ttq`: made where the page has none, listened to for answers about consent, and watched, so that what
 * became of each event can be reported. Source of the queue's shape: TikTok's base code. */

const METHODS = (
  "page track identify instances debug on off once ready alias group enableCookie disableCookie " +
  "holdConsent revokeConsent grantConsent"
).split(" ");
const ANSWERS = { grantConsent: "granted", revokeConsent: "denied" };
const PATIENCE = 10000;

const ttq = makeQueue();
const queueing = ttq.track;

function makeQueue() {
  const ttq = (window.ttq = window.ttq || []);
  window.TiktokAnalyticsObject = "ttq";
  ttq.methods = METHODS;
  ttq.setAndDefer = (queue, method) => {
    if (!has(queue, method)) queue[method] = (...values) => void queue.push([method, ...values]);
  };
  const complete = (queue) => METHODS.forEach((method) => ttq.setAndDefer(queue, method)) || queue;
  ttq.instance = ttq.instance || ((code) => complete((ttq._i || {})[code] || []));
  ttq.load = ttq.load || loadPixel;
  return complete(ttq) && ttq;
}

function loadPixel(code, options = {}) {
  const queue = (ttq._i = ttq._i || {})[code] = [];
  queue._u = config.pixel;
  (ttq._t = ttq._t || {})[code] = Date.now();
  (ttq._o = ttq._o || {})[code] = options;
  const script = document.createElement("script");
  Object.assign(script, { async: true, src: `${config.pixel}?sdkid=${code}&lib=ttq`, nonce: ME ? ME.nonce : "" });
  document.head.append(script);
}

/* Consent: the page's own calls are answers. TikTok's script replaces the methods, so this is done again after it came. */
function overhear() {
  for (const method in ANSWERS) {
    const inner = ttq[method];
    if (inner.inner) continue;
    ttq[method] = (...values) => {
      /* A refusal in the queue of a Pixel that was never loaded would cost the events of who agrees afterwards. */
      if (ttq._i || method == "grantConsent") inner.apply(ttq, values);
      hub.push(["consent", ANSWERS[method], "ttq." + method]);
    };
    ttq[method].inner = inner;
  }
}

/* What this script asks for itself is no answer of the page. */
const ask = (method) => (ttq[method].inner || ttq[method]).call(ttq);

const queued = () => (Array.isArray(ttq) ? [...ttq] : []).filter(Array.isArray);
const isQueued = (method) => queued().some((call) => call[0] == method);
const unqueue = (...methods) => queued().forEach((call) => methods.includes(call[0]) && ttq.splice(ttq.indexOf(call), 1));

/* The answers that were given before this script came. */
function saidInQueue() {
  const said = queued().filter(([method]) => has(ANSWERS, method));
  if (!ttq._i) unqueue("revokeConsent");
  return said.map(([method]) => ["consent", ANSWERS[method], "ttq." + method]);
}

/* Sightings */
const made = [];
let outcome = "";
let detail = "";
let seen = 0;
let isWatched = false;
let sighting = 0;
let telling = Promise.resolve();

function watch(code) {
  if (isWatched) return;
  isWatched = true;
  const script = document.querySelector(`script[src*="sdkid=${code}"]`) || new Image();
  const fail = () => settle("blocked", "script failed");
  script.addEventListener("error", fail);
  if (script.hasFailed) fail(); /* the base code of our template tags says so */
  script.addEventListener("load", () => look(code));
  ttq.ready(() => look(code, true));
  setTimeout(() => look(code) || settle("blocked", "script did not start"), PATIENCE);
}

/* TikTok's script is there once it has said so, replaced the queue's methods or taken the calls out of it. */
function look(code, isReady) {
  overhear();
  const left = ((ttq._i || {})[code] || []).length + ttq.length;
  if (isReady || ttq.track != queueing || (made.length && !left)) settle("fired", "");
  return outcome == "fired";
}

function settle(found, why) {
  if (outcome == "fired" || outcome == found) return;
  [outcome, detail, seen] = [found, why, 0];
  report();
}

/* The server knows an event by its own call, so its sighting comes after that. */
function report() {
  clearTimeout(sighting);
  sighting = setTimeout(() => telling.then(sight), 100);
}

function sight() {
  const ids = outcome ? made.slice(seen, seen + MOST) : [];
  if (!ids.length) return;
  seen += ids.length;
  if (outcome == "fired") keepFired(ids);
  post("sighting", { event_ids: ids, outcome, detail }).catch(() => null);
}
