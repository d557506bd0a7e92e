"""The guided screen of credential rotation: paste, test, promote, let the old one retire."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from dispatch import clock, rotation, standing
from dispatch.admin import history
from dispatch.admin.screens import show
from dispatch.forms import CredentialTestForm, PasteForm
from dispatch.models import Credential, Delivery
from dispatch.rotation import RotationError
from dispatch.takeover import recent_takeovers
from dispatch.wording import deliveries
from offers.admin_parts import badge
from offers.models import Pixel

State = Credential.State
View = Callable[..., HttpResponse]

may_rotate = permission_required("dispatch.rotate_credential", raise_exception=True)


@dataclass(frozen=True)
class Standing:
    """Where the rotation of a pixel stands, from its rows; nothing is kept between requests."""

    pixel: Pixel
    active: Credential | None
    staged: Credential | None
    retiring: list[Credential]
    waiting: str

    @classmethod
    def of(cls, pixel: Pixel) -> "Standing":
        kept = Credential.objects.filter(pixel=pixel).exclude(state=State.REVOKED)
        rows = list(kept.select_related("pixel", "created_by", "activated_by").order_by("-created_at"))
        return cls(
            pixel=pixel,
            active=next((row for row in rows if row.state == State.ACTIVE), None),
            staged=next((row for row in rows if row.state == State.STAGED), None),
            retiring=[row for row in rows if row.state == State.RETIRING],
            waiting=deliveries(
                standing.number_of(Delivery.objects.filter(pixel=pixel, status=Delivery.Status.WAITING))
            ),
        )

    @property
    def step(self) -> int:
        """The step to do now; 0 when there is nothing to do."""
        if self.staged:
            return 3 if self.staged.test_passed else 2
        return 4 if self.retiring else 1

    @property
    def has_refused(self) -> bool:
        """Whether one that retires is of no use any more."""
        return any(credential.is_refused for credential in self.retiring)

    @property
    def resumes(self) -> bool:
        """Whether promoting starts the pixel again."""
        return self.pixel.paused_by == Pixel.PausedBy.AUTH


def explained(view: View) -> View:
    """A step that the state does not allow ends on the guided screen, with the reason."""

    @wraps(view)
    def wrapped(request: HttpRequest, pixel_id: int, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, pixel_id=pixel_id, **kwargs)
        except RotationError as error:
            messages.error(request, str(error))
            return to_screen(pixel_id)

    return wrapped


def to_screen(pixel_id: int) -> HttpResponse:
    return redirect("admin:dispatch_credential_rotate", pixel_id)


def find(pixel_id: int, credential_id: int) -> Credential:
    """The credential, if it is this pixel's; else 404."""
    return get_object_or_404(Credential.objects.select_related("pixel"), pk=credential_id, pixel=pixel_id)


def name_of(credential: Credential) -> str:
    return f"…{credential.last_four} (fingerprint {credential.fingerprint})"


@may_rotate
def start(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Choose the pixel; those in need of a credential come first."""
    active = Credential.objects.filter(pixel=OuterRef("pk"), state=State.ACTIVE)
    refused = ExpressionWrapper(Q(paused_by=Pixel.PausedBy.AUTH), BooleanField())
    now = clock.now()
    pixels = standing.watched(Pixel.objects.annotate(has_active=Exists(active), refused=refused), now)
    urgent_first = pixels.order_by("-refused", "has_active", "name")
    found = [(pixel, standing.of(pixel, now)) for pixel in urgent_first]
    pixels_and_badges = [(pixel, badge(stands.title, stands.tone)) for pixel, stands in found]
    return show(request, "rotate_start", "Rotate a credential", model_admin, pixels=pixels_and_badges)


@sensitive_post_parameters("token", "reference")
@may_rotate
@require_http_methods(["GET", "POST"])
def overview(request: HttpRequest, model_admin: Any, pixel_id: int) -> HttpResponse:
    """The four steps; a POST is the first of them."""
    pixel = get_object_or_404(Pixel, pk=pixel_id)
    form = PasteForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and paste(request, pixel, form):
        return to_screen(pixel_id)
    return show(
        request,
        "rotate",
        f"Rotate the credential of {pixel.name}",
        model_admin,
        standing=Standing.of(pixel),
        takeover=next(recent_takeovers(clock.now(), pixel), None),
        paste_form=form,
        test_form=CredentialTestForm(initial={"test_event_code": pixel.test_event_code}),
    )


@sensitive_variables("token")
def paste(request: HttpRequest, pixel: Pixel, form: PasteForm) -> bool:
    """Stage what was pasted; False when it can't be a token, with the reason on the form."""
    token, reference = form.cleaned_data["token"], form.cleaned_data["reference"]
    try:
        credential = rotation.stage(pixel, token, reference, request.user, clock.now())
    except RotationError as error:
        form.add_error("reference" if reference and not token else "token", str(error))
        return False
    history.note_new(request.user, credential, f"Staged for {pixel}.")
    messages.success(request, f"The token {name_of(credential)} is stored. Test it now; nothing uses it yet.")
    return True


@may_rotate
@require_POST
@explained
def test(request: HttpRequest, model_admin: Any, pixel_id: int, credential_id: int) -> HttpResponse:
    """Step 2: one real call. Can be repeated."""
    credential = find(pixel_id, credential_id)
    form = CredentialTestForm(request.POST)
    if not form.is_valid():
        raise RotationError("A test needs a test event code of letters and digits, so that TikTok does not count it.")
    rotation.test(credential, form.cleaned_data["test_event_code"], clock.now())
    outcome = "passed" if credential.test_passed else "failed"
    history.note(request.user, credential, f"Test {outcome}. {credential.test_message}")
    level = messages.SUCCESS if credential.test_passed else messages.WARNING
    messages.add_message(request, level, f"The test {outcome}; step 2 shows what TikTok said.")
    return to_screen(pixel_id)


@may_rotate
@require_http_methods(["GET", "POST"])
@explained
def promote(request: HttpRequest, model_admin: Any, pixel_id: int, credential_id: int) -> HttpResponse:
    """Step 3: ask, then do."""
    credential = find(pixel_id, credential_id)
    if request.method == "GET":
        facts = {"standing": Standing.of(credential.pixel), "credential": credential}
        return show(request, "rotate_promote", "Promote this token?", model_admin, **facts)
    resumed = Standing.of(credential.pixel).resumes
    old = rotation.promote(credential, request.user, clock.now())
    history.note(request.user, credential, f"Promoted: {credential.pixel} is sent to with it from now on.")
    if old:
        history.note(request.user, old, f"Retires: {name_of(credential)} was promoted.")
    words = " The pixel is no longer paused; what waits is sent, gently at first." if resumed else ""
    messages.success(request, f"The token {name_of(credential)} is active.{words}")
    return to_screen(pixel_id)


@may_rotate
@require_http_methods(["GET", "POST"])
@explained
def revoke(request: HttpRequest, model_admin: Any, pixel_id: int, credential_id: int) -> HttpResponse:
    """Step 4: ask, then wipe the token."""
    credential = find(pixel_id, credential_id)
    if request.method == "GET":
        return show(request, "rotate_revoke", "Revoke this token?", model_admin, credential=credential)
    rotation.revoke(credential, request.user, clock.now())
    history.note(request.user, credential, "Revoked; its token was wiped.")
    messages.success(request, f"The token {name_of(credential)} is revoked and wiped from this site.")
    return to_screen(pixel_id)
