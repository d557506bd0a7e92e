"""TikTok's base code as a page carries it: the queue `ttq`, to which calls may be made before its script is there."""

import json

from django.utils.safestring import SafeString, mark_safe

# Only <, >, & and quotes could end a script element or an attribute; the separators end a line in old browsers.
JS_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&'\u2028\u2029"}

# A page that the browser has kept and shows again, by its back button or in a restored tab, perhaps days later, runs
# its scripts again with what was true when it was made. It must fire nothing of its own accord, as TikTok merges copies
# for 48 hours only and the visitor may have withdrawn since. A refusal that the browser remembers counts on new pages,
# too, unless the visitor has agreed at this offer since (conversions/pixel/browser.js keeps both). Where there is no
# storage, the way that led here is all that tells a kept page.
PAGE_GUARD = """\
!function (w) {
  var SEEN = "tracking_pages", MOST = 100, isNew = {};
  function attempt(action) { try { return action() } catch (e) {} }
  function isKept() { return w.performance.getEntriesByType("navigation")[0].type == "back_forward" }
  function look(page) {
    var storage = w.sessionStorage, seen = (storage.getItem(SEEN) || "").split(" ");
    if (seen.indexOf(page) >= 0) return false;
    storage.setItem(SEEN, seen.concat(page).slice(-MOST).join(" "));
    return true
  }
  function hasRefused(offer) {
    function says(name) { return w.localStorage.getItem("tracking_consent" + name) }
    return says("_" + offer) != "granted" && /^(denied|withdrawn)$/.test(says(""))
  }
  w.trackingIsNewPage = w.trackingIsNewPage || function (page) {
    if (!(page in isNew)) isNew[page] = attempt(function () { return look(page) });
    if (isNew[page] === undefined) isNew[page] = !attempt(isKept);
    return isNew[page]
  };
  w.trackingMayTell = w.trackingMayTell || function (page, offer) {
    return w.trackingIsNewPage(page) && !attempt(function () { return hasRefused(offer) })
  }
}(window);"""

# Source: the base code of TikTok's Events Manager. Ours differs: a page's own `ttq` keeps its methods, the three
# methods of consent are always there, and the script element takes on the page's nonce and says when it was blocked.
BASE_CODE = """\
!function (w, d, t) {
  w.TiktokAnalyticsObject = t; var ttq = w[t] = w[t] || [], nonce = (d.currentScript || {}).nonce;
  ttq.methods = ["page", "track", "identify", "instances", "debug", "on", "off", "once", "ready", "alias", "group", \
"enableCookie", "disableCookie", "holdConsent", "revokeConsent", "grantConsent"];
  ttq.setAndDefer = function (o, m) {
    if (!o.hasOwnProperty(m)) o[m] = function () { o.push([m].concat([].slice.call(arguments))) }
  };
  ttq.methods.forEach(function (m) { ttq.setAndDefer(ttq, m) });
  ttq.instance = ttq.instance || function (p) {
    var i = (ttq._i || {})[p] || []; ttq.methods.forEach(function (m) { ttq.setAndDefer(i, m) }); return i
  };
  ttq.load = ttq.load || function (p, o) {
    var u = SCRIPT_URL; ttq._i = ttq._i || {}; ttq._i[p] = []; ttq._i[p]._u = u;
    ttq._t = ttq._t || {}; ttq._t[p] = +new Date; ttq._o = ttq._o || {}; ttq._o[p] = o || {};
    var s = d.createElement("script"); s.async = true; s.src = u + "?sdkid=" + p + "&lib=" + t;
    if (nonce) s.nonce = nonce;
    s.onerror = function () { s.hasFailed = true };
    var f = d.getElementsByTagName("script")[0]; f.parentNode.insertBefore(s, f)
  }
}(window, document, "ttq");"""


def script_json(value: object) -> SafeString:
    """JSON that is safe inside a script element whatever the value holds."""
    return mark_safe(json.dumps(value).translate(JS_ESCAPES))  # noqa: S308


def call(function: str, *arguments: object) -> str:
    """One statement that calls a function of the page with JSON arguments."""
    return f"{function}({', '.join(map(script_json, arguments))});"


def push(*message: object) -> str:
    """One message to the offer's script, which may not be there yet."""
    return call("(window.tracking = window.tracking || []).push", message)


def base_code(script_url: str) -> str:
    return BASE_CODE.replace("SCRIPT_URL", script_json(script_url))
