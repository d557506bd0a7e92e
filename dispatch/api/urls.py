"""The addresses under /api/."""

from django.urls import URLPattern, path, re_path

from dispatch.api.decisions import DecisionHistoryView, DecisionsView
from dispatch.api.docs import DocsView, NotFoundView, SchemaView
from dispatch.api.health import SCOPES, HealthView
from dispatch.api.report import ReportView
from dispatch.api.test_conversions import StartTestView, TestView
from dispatch.api.trace import TraceView
from dispatch.api.wrong import AlertsView, FindingsView

urlpatterns: list[URLPattern] = [
    path("v1/trace/", TraceView.as_view(), name="api_trace"),
    path("v1/report/", ReportView.as_view(), name="api_report"),
    *(path(f"v1/health/{name}/", HealthView.as_view(scope=name), name=f"api_health_{name}") for name in SCOPES),
    path("v1/decisions/", DecisionsView.as_view(), name="api_decisions"),
    path("v1/decisions/<slug:slug>/", DecisionHistoryView.as_view(), name="api_decisions_of"),
    path("v1/findings/", FindingsView.as_view(), name="api_findings"),
    path("v1/alerts/", AlertsView.as_view(), name="api_alerts"),
    path("v1/test-conversions/", StartTestView.as_view(), name="api_test_conversions"),
    path("v1/test-conversions/<int:pk>/", TestView.as_view(), name="api_test_conversion"),
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("docs/", DocsView.as_view(), name="api_docs"),
    re_path("", NotFoundView.as_view()),
]
