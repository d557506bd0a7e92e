/* The stand-in for TikTok's Pixel script.
 *
 * The base code of a page leaves `window.ttq` as an array of calls, ["method", ...arguments], with one such array
 * for each pixel in ttq._i and the options of ttq.load in ttq._o. This script takes those arrays over: it replays
 * what they hold, in order, and from then on does at once what they would have queued.
 *
 * It reports to the origin that it came from, and sends no e-mail address or phone number in clear.
 */
(function () {
  "use strict";

  var name = window.TiktokAnalyticsObject || "ttq";
  var ttq = (window[name] = window[name] || []);
  if (!ttq._sandbox) {
    ttq._sandbox = start(new URL("/sandbox/browser/track", document.currentScript.src).href);
  }
  ttq._sandbox.adopt();

  function start(endpoint) {
    var METHODS = [
      "page", "track", "identify", "instances", "debug", "on", "off", "once", "ready", "alias", "group",
      "enableCookie", "disableCookie", "holdConsent", "revokeConsent", "grantConsent"
    ];
    var DIGEST = /^[0-9a-f]{64}$/;
    var THIRTEEN_MONTHS = 34128000;

    var consent = "granted";
    var cookies = true;
    var held = [];
    var people = { everywhere: {} };
    var hashing = Promise.resolve();
    var listeners = {};

    function adopt() {
      ttq._i = ttq._i || {};
      takeOver(ttq, function () { return Object.keys(ttq._i); });
      Object.keys(ttq._i).forEach(instance);
      ttq.instance = instance;
      keepVisitor();
    }

    function instance(pixel) {
      var queue = ttq._i[pixel];
      return takeOver(queue || [], function () { return queue ? [pixel] : []; });
    }

    function takeOver(queue, pixels) {
      if (queue._adopted) { return queue; }
      queue._adopted = true;
      function run(call) {
        var method = methods[call[0]];
        if (!method) { return undefined; }
        var result = method.apply({ pixels: pixels(), queue: queue }, call.slice(1));
        emit(call[0], call.slice(1));
        return result;
      }
      METHODS.forEach(function (method) {
        queue[method] = function () { return run([method].concat(Array.prototype.slice.call(arguments))); };
      });
      queue.push = function (call) { run(call); return 0; };
      queue.splice(0, queue.length).forEach(run);
      return queue;
    }

    var methods = {
      page: function () { report(this.pixels, "Pageview", {}, {}); },
      track: function (event, properties, options) { report(this.pixels, event, properties || {}, options || {}); },
      identify: identify,
      instances: function () { return Object.keys(ttq._i).map(function (pixel) { return ttq._i[pixel]; }); },
      on: function (event, listener) { listen(event, listener, false); },
      once: function (event, listener) { listen(event, listener, true); },
      off: function (event, listener) {
        listeners[event] = (listeners[event] || []).filter(function (entry) { return entry.listener !== listener; });
      },
      ready: function (callback) { if (typeof callback === "function") { attempt(callback, []); } },
      debug: function () {},
      alias: function () {},
      group: function () {},
      enableCookie: function () { cookies = true; keepVisitor(); },
      disableCookie: function () { cookies = false; },
      holdConsent: function () { consent = "held"; },
      grantConsent: function () {
        consent = "granted";
        keepVisitor();
        held.splice(0).forEach(send);
      },
      revokeConsent: function () { consent = "revoked"; held = []; }
    };

    function listen(event, listener, once) {
      if (typeof listener !== "function") { return; }
      (listeners[event] = listeners[event] || []).push({ listener: listener, once: once });
    }

    function emit(event, values) {
      var entries = listeners[event] || [];
      listeners[event] = entries.filter(function (entry) { return !entry.once; });
      entries.forEach(function (entry) { attempt(entry.listener, values); });
    }

    function attempt(callback, values) {
      try { callback.apply(ttq, values); } catch (error) { /* a listener's fault is not the Pixel's */ }
    }

    /* Events */

    function report(pixels, event, properties, options) {
      if (consent === "revoked" || typeof event !== "string" || !event) { return; }
      var copy = Object.assign({}, properties);
      var eventId = options.event_id || copy.event_id;
      delete copy.event_id;
      var targets = options.pixel_code ? [options.pixel_code] : pixels;
      targets.forEach(function (pixel) {
        var entry = { pixel_code: pixel, event: event, properties: copy, page: where() };
        entry.event_time = Math.floor(Date.now() / 1000);
        if (eventId) { entry.event_id = String(eventId); }
        if (((ttq._o || {})[pixel] || {}).limited_data_use) { entry.limited_data_use = true; }
        if (consent === "held") { held.push(entry); } else { send(entry); }
      });
    }

    function where() {
      var page = { url: location.href };
      if (document.referrer) { page.referrer = document.referrer; }
      return page;
    }

    function send(entry) {
      if (hashing === null) { deliver(entry); } else { hashing.then(function () { deliver(entry); }); }
    }

    function deliver(entry) {
      if (consent === "held") { held.push(entry); }
      if (consent !== "granted") { return; }
      entry.user = Object.assign({}, people.everywhere, people[entry.pixel_code], visitor());
      fetch(endpoint, {
        method: "POST",
        mode: "cors",
        credentials: "omit",
        keepalive: true,
        headers: { "Content-Type": "text/plain" }, /* needs no preflight */
        body: JSON.stringify(entry)
      }).catch(function () { /* the page is being left, or the sandbox is not running */ });
    }

    /* The visitor */

    function visitor() {
      keepVisitor();
      var found = {};
      var ttclid = new URLSearchParams(location.search).get("ttclid") || cookie("ttclid");
      var ttp = cookies && cookie("_ttp");
      if (ttclid) { found.ttclid = ttclid; }
      if (ttp) { found.ttp = ttp; }
      return found;
    }

    function keepVisitor() {
      if (!cookies || consent !== "granted" || cookie("_ttp")) { return; }
      document.cookie = "_ttp=" + randomId() + "; path=/; max-age=" + THIRTEEN_MONTHS + "; SameSite=Lax" +
        (location.protocol === "https:" ? "; Secure" : "");
    }

    function cookie(wanted) {
      var pairs = document.cookie.split("; ");
      for (var index = 0; index < pairs.length; index++) {
        if (pairs[index].indexOf(wanted + "=") === 0) { return pairs[index].slice(wanted.length + 1); }
      }
      return "";
    }

    function randomId() {
      var bytes = crypto.getRandomValues(new Uint8Array(27));
      return Array.from(bytes, function (byte) { return (byte % 36).toString(36); }).join("");
    }

    /* Identity, for one pixel or everywhere: hashed before it leaves, dropped where the browser cannot hash (no HTTPS) */

    function identify(given) {
      var found = given || {};
      var whose = this.queue === ttq ? "everywhere" : this.pixels[0];
      var person = (people[whose] = people[whose] || {});
      keep(person, "email", found.sha256_email || found.email, function (text) { return text.toLowerCase(); });
      keep(person, "phone", found.sha256_phone_number || found.phone_number, function (text) {
        return text.replace(/[\s().-]/g, "");
      });
      keep(person, "external_id", found.external_id, function (text) { return text; });
    }

    function keep(person, field, value, normalise) {
      if (typeof value !== "string" || !value.trim()) { return; }
      var text = value.trim();
      if (DIGEST.test(text)) { person[field] = text; return; }
      if (!window.crypto || !crypto.subtle) { return; }
      var waiting = (hashing = hashing || Promise.resolve())
        .then(function () { return crypto.subtle.digest("SHA-256", new TextEncoder().encode(normalise(text))); })
        .then(function (digest) { person[field] = hex(digest); })
        .catch(function () { /* not sent at all then */ })
        .then(function () { if (hashing === waiting) { hashing = null; } });
      hashing = waiting;
    }

    function hex(buffer) {
      return Array.from(new Uint8Array(buffer), function (byte) {
        return ("0" + byte.toString(16)).slice(-2);
      }).join("");
    }

    hashing = null;
    return { adopt: adopt };
  }
})();
