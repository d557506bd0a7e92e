"""The API's own description, for programs and for people, and the answer where there is nothing."""

from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from dispatch.api.base import ApiView
from dispatch.api.tokens import TokenAuthentication


def only_ours(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leaves the postback gateway out, which is for networks and described with them."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


class SchemaView(SpectacularAPIView):
    """The description in OpenAPI 3, for every account and token."""

    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]


@method_decorator(staff_member_required, name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """The description to read and to try, from files of this site."""

    url_name = "api_schema"
    title = "API"
    authentication_classes = [SessionAuthentication]
    permission_classes = [IsAuthenticated]


@extend_schema(exclude=True)
class NotFoundView(ApiView):
    """What is said about addresses that the API does not have, to anybody."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404("The API has no such address. See /api/docs/.")
