"""The addresses under /api/."""

from django.urls import URLPattern, path, re_path

from dispatch.api.docs import DocsView, NotFoundView, SchemaView

urlpatterns: list[URLPattern] = [
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("docs/", DocsView.as_view(), name="api_docs"),
    re_path("", NotFoundView.as_view()),
]
