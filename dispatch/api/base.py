"""What every view of the API has: who may call it, how often, and errors that are always JSON."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from dispatch.api.throttling import PerCaller
from dispatch.api.tokens import TokenAuthentication


class BadRequest(APIException):
    """Something asked for that can't be: says in words what is wrong and what to do."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_request"


class Conflict(APIException):
    """Something that can't be done as things are now."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Failure(serializers.Serializer[Any]):
    """What every failure looks like."""

    code = serializers.CharField()
    message = serializers.CharField(help_text="What is wrong and what to do, for people.")


class MayCall(BasePermission):
    """The permission that the view names: the same one as on the page with the same facts."""

    message = "Your account lacks the permission for this. Ask an administrator for a role that has it."

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated and view.may_call(request.user))


class ApiView(APIView):
    """`permission` is the Django permission that a caller needs, such as `dispatch.trace`."""

    permission = ""
    authentication_classes: Sequence[Any] = (TokenAuthentication, SessionAuthentication)
    permission_classes: Sequence[Any] = (MayCall,)
    throttle_classes: Sequence[Any] = (PerCaller,)
    renderer_classes = (JSONRenderer,)

    def may_call(self, user: Any) -> bool:
        return bool(user.has_perm(self.permission))

    def get_exception_handler(self) -> Any:
        return as_json


def as_json(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as `{"code", "message"}`; None, and so Django's own way, for a fault of ours."""
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"code": code_of(error, response.status_code), "message": words_of(error)}
    return response


def code_of(error: Exception, http_status: int) -> str:
    codes = error.get_codes() if isinstance(error, APIException) else None
    return codes if isinstance(codes, str) else HTTPStatus(http_status).name.lower()


def words_of(error: Exception) -> str:
    if isinstance(error, Http404):
        return str(error) or "There is no such thing."
    if isinstance(error, PermissionDenied):
        return MayCall.message
    if isinstance(error, ValidationError):
        return " ".join(said(error.detail))
    return str(getattr(error, "detail", error))


def said(detail: Any, name: str = "") -> list[str]:
    """What is wrong with each field, as sentences."""
    if isinstance(detail, dict):
        return [words for key, value in detail.items() for words in said(value, str(key))]
    if isinstance(detail, list):
        return [words for value in detail for words in said(value, name)]
    return [f"{name}: {detail}" if name and name != "non_field_errors" else str(detail)]
