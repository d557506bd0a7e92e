"""What the sandbox's tests share: a good request, and a client that shows the raw answer."""

import http.client
import json
import time
from urllib.parse import urlsplit

PIXEL = "PIXELCODE1"
TOKEN = "token-of-the-first-pixel"
TRACK = "/open_api/v1.3/event/track/"


def make_event(event_id="e-1", **fields):
    event = {"event": "Purchase", "event_time": int(time.time()), "event_id": event_id}
    return event | {"page": {"url": "https://shop.example/thanks"}} | fields


def make_body(*events, **fields):
    data = list(events) or [make_event()]
    return {"event_source": "web", "event_source_id": PIXEL, "data": data} | fields


def call(sandbox, method, path, body=None, timeout=5, **headers):
    """The status, the headers and the body of the answer."""
    address = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    try:
        data = json.dumps(body) if isinstance(body, dict | list) else body
        connection.request(method, path, data, {name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def track(sandbox, body=None, token=TOKEN, timeout=5):
    """The parsed answer of the Events API."""
    headers = {"Access_Token": token, "Content_Type": "application/json"}
    status, _, answer = call(sandbox, "POST", TRACK, body or make_body(), timeout, **headers)
    assert status == 200
    return json.loads(answer)


def post_json(sandbox, path, body):
    status, _, answer = call(sandbox, "POST", path, body, Content_Type="application/json")
    return status, json.loads(answer)


def get_json(sandbox, path):
    status, _, answer = call(sandbox, "GET", path)
    assert status == 200
    return json.loads(answer)
