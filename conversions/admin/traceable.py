"""A button on a record's page that leads to its trace, which an app further right has."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.decorators import action

from offers.admin_parts import page_url

MAY_TRACE = "dispatch.trace"


class TraceMixin:
    """For the admin of a row whose model has a name that a trace knows: `{name} {key}` is asked for."""

    actions_detail: Any = ["trace_this"]
    opts: Any

    def has_trace_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(page_url("dispatch_trace")) and request.user.has_perm(MAY_TRACE)

    @action(description="Trace", url_path="trace", permissions=["trace"], icon="timeline")  # type: ignore[untyped-decorator]
    def trace_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        asked = {"id": f"{self.opts.verbose_name} {object_id}"}
        return redirect(f"{page_url('dispatch_trace')}?{urlencode(asked)}")
