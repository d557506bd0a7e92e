"""TikTok's base code as a page carries it: the queue `ttq`, to which calls may be made before its script is there."""

import json

from django.utils.safestring import SafeString, mark_safe

# Only <, >, & and quotes could end a script element or an attribute; the separators end a line in old browsers.
JS_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&'\u2028\u2029"}

# Source: the base code of TikTok's Events Manager. Ours differs: a page's own `ttq` keeps its methods, the three
# methods of consent are always there, and the script element takes on the page's nonce and says when it was blocked.
# `trackingIsNewPage` is false for a page that the browser has kept and shows again, by its back button or in a restored
# tab, perhaps days later: that one must fire nothing, as TikTok merges copies for 48 hours only.
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
  var pages = {};
  w.trackingIsNewPage = w.trackingIsNewPage || function (page) {
    if (page in pages) return pages[page];
    pages[page] = true;
    try { pages[page] = !w.sessionStorage.getItem(page); w.sessionStorage.setItem(page, 1) } catch (e) {}
    return pages[page]
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
