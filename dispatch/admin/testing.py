"""Test conversions: the list of runs, and the page of one that shows its stages while they pass."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter

from dispatch import clock
from dispatch.admin.screens import show, who
from dispatch.models import TestConversion
from dispatch.test_conversions.running import CannotTestError, advance, advance_all, start
from dispatch.test_conversions.stages import LABELS, State, verdict_of
from offers.admin_parts import RecordAdmin, admin_link, badge, link, moment, mono, shown, table
from offers.models import Offer

MAY_RUN, MAY_VIEW = "dispatch.run_testconversion", "dispatch.view_testconversion"
RESULTS = {None: ("Running", "busy"), True: ("Passed", "good"), False: ("Failed", "bad")}
STATES = {
    State.WAITING: ("To come", "calm"),
    State.RUNNING: ("Running", "busy"),
    State.PASSED: ("Passed", "good"),
    State.FAILED: ("Failed", "bad"),
    State.SKIPPED: ("Skipped", "calm"),
}
AGREES = {True: ("Agrees", "good"), False: ("Differs", "bad")}
HEADERS = ["Part", "The Pixel was told", "The server told", "Agreement"]


def result_badge(run: TestConversion) -> SafeString:
    return badge(*RESULTS[run.passed])


@admin.register(TestConversion)
class TestConversionAdmin(RecordAdmin):
    """Every run, and on a page of its own what it showed."""

    list_display = ["run_link", "result", "started", "took", "person"]
    list_display_links = None
    list_filter = [("offer", RelatedDropdownFilter), "passed"]
    list_filter_submit = True
    list_select_related = ["offer", "started_by"]
    sortable_by: list[str] = []
    empty_sentence = (
        "No test conversion was run yet. Open an offer's page and choose “Run a test conversion”: it plays a click, "
        "the landing page and a sale through to TikTok's test events, and counts nowhere."
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("offer/<int:offer_id>/run/", view(self.run_view), name="dispatch_testconversion_run"),
            path("<int:key>/stages/", view(self.stages_view), name="dispatch_testconversion_stages"),
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TestConversion]:
        rows: QuerySet[TestConversion] = super().get_queryset(request)
        return rows.defer("stages")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if self.has_view_permission(request):
            advance_all(clock.now())
        return super().changelist_view(request, extra_context)

    def run_view(self, request: HttpRequest, offer_id: int) -> HttpResponse:
        """On POST run a test and show it; anything else only leads to the offer."""
        if not request.user.has_perm(MAY_RUN):
            raise PermissionDenied
        offer = get_object_or_404(Offer.objects.select_related("network", "pixel"), pk=offer_id)
        back: HttpResponseRedirect = redirect("admin:offers_offer_change", offer.pk)
        if request.method != "POST":
            return back
        try:
            run = start(offer, request.user, clock.now())
        except CannotTestError as error:
            self.message_user(request, f"No test was run. {error}", messages.ERROR)
            return back
        return redirect("admin:dispatch_testconversion_change", run.pk)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The run's page."""
        run = self.current(request, object_id)
        context = facts_of(run, request)
        context["offer_link"] = admin_link(run.offer) if request.user.has_perm("offers.view_offer") else run.offer
        context["is_click_shown"] = run.click_id and request.user.has_perm("conversions.view_click")
        return show(request, "test_conversion", f"Test conversion of {run.offer}", self, **context)

    def stages_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """The part of the page that its script asks for while the test runs."""
        run = self.current(request, str(key))
        return render(request, "admin/dispatch/parts/test_stages.html", facts_of(run, request))

    def current(self, request: HttpRequest, object_id: str) -> TestConversion:
        """The run as it stands by now. Raises PermissionDenied and Http404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return advance(int(object_id), clock.now())
        except (TestConversion.DoesNotExist, ValueError, OverflowError) as error:
            raise Http404 from error

    run_link = shown("offer", lambda run: link(page_of(run), str(run.offer)))
    result = shown("result", result_badge)
    started = shown("started (UTC)", lambda run: moment(run.started_at))
    took = shown("took", lambda run: f"{(run.ended_at - run.started_at).total_seconds():.0f} s" if run.ended_at else "")
    person = who("started_by", "started by")


def page_of(run: TestConversion) -> str:
    return reverse("admin:dispatch_testconversion_change", args=[run.pk])


def run_url(offer: Offer) -> str:
    return reverse("admin:dispatch_testconversion_run", args=[offer.pk])


def facts_of(run: TestConversion, request: HttpRequest) -> dict[str, Any]:
    """What the page shows of a run, in words and badges."""
    return {
        "run": run,
        "run_url": run_url(run.offer) if request.user.has_perm(MAY_RUN) else "",
        "result": result_badge(run),
        "tone": RESULTS[run.passed][1],
        "verdict": verdict_of(run),
        "stages": [stage_shown(stage) for stage in run.stages],
    }


def stage_shown(stage: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": LABELS[stage["name"]],
        "badge": badge(*STATES[State(stage["state"])]),
        "words": stage["words"],
        "events": [event_shown(event) for event in stage.get("events", [])],
    }


def leg_shown(row: dict[str, Any], leg: str) -> SafeString:
    """What one leg told; of a time, which TikTok gets in Unix seconds, the clock as well."""
    value = row[leg]
    if row["what"] == "Time" and isinstance(value, int):
        return mono(f"{moment(datetime.fromtimestamp(value, UTC))} ({value})")
    return mono(value)


def agrees_badge(ok: bool | None) -> SafeString | str:
    return "" if ok is None else badge(*AGREES[ok])


def row_shown(row: dict[str, Any]) -> list[Any]:
    return [row["what"], leg_shown(row, "pixel"), leg_shown(row, "server"), agrees_badge(row["ok"])]


def event_shown(event: dict[str, Any]) -> dict[str, Any]:
    """What both legs told of one event, side by side."""
    rows = [row_shown(row) for row in event["rows"]]
    return {"name": event["event"], "note": event["note"], "table": table(HEADERS, rows, "")}


def newest_of(offer: Offer, request: HttpRequest) -> dict[str, Any]:
    """What the offer's page says of its tests: the way to run one, and how the newest one went."""
    may = request.user.has_perm
    run = offer.test_conversions.defer("stages").order_by("-pk").first() if may(MAY_VIEW) else None
    runs = f"{reverse('admin:dispatch_testconversion_changelist')}?offer__id__exact={offer.pk}"
    newest = {"url": page_of(run), "badge": result_badge(run), "started": moment(run.started_at)} if run else None
    return {
        "test_run_url": run_url(offer) if may(MAY_RUN) and may(MAY_VIEW) else "",
        "test_newest": newest,
        "test_runs_url": runs if run else "",
    }
