"""The life of a credential: staged, tested with a real call, active, retiring, revoked."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_q.models import OrmQ

from dispatch import rotation
from dispatch.models import Credential
from dispatch.rotation import RotationError
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Pixel
from tests.factories import TOKEN, make_credential, make_delivery, make_pixel

pytestmark = pytest.mark.django_db
State = Credential.State
NEW_TOKEN = "a-brand-new-token-0123456789-wxyz"


def stage(pixel: Pixel | None = None, token: str = NEW_TOKEN, reference: str = "") -> Credential:
    return rotation.stage(pixel or make_pixel(), token, reference, None, timezone.now())


def proven(pixel: Pixel, token: str = NEW_TOKEN) -> Credential:
    """A staged credential whose test passed."""
    credential = stage(pixel, token)
    Credential.objects.filter(pk=credential.pk).update(test_passed=True, tested_at=timezone.now())
    return credential


def promote(credential: Credential) -> Credential | None:
    return rotation.promote(credential, None, timezone.now())


def state_of(credential: Credential) -> str:
    return Credential.objects.get(pk=credential.pk).state


def test_staging_encrypts_and_uses_nothing_yet():
    pixel = make_pixel()
    active = make_credential(pixel)

    credential = stage(pixel, f"  {NEW_TOKEN}\n")

    stored = Credential.objects.filter(pk=credential.pk).values_list("token", flat=True).get()
    assert (credential.state, credential.last_four, credential.reveal()) == (State.STAGED, "wxyz", NEW_TOKEN)
    assert NEW_TOKEN not in stored.stored
    assert list(Credential.objects.usable().filter(pixel=pixel)) == [active]


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "Give a token, or a reference"),
        ("too-short", "too short"),
        ("Bearer abcdefghijklmnopqrstuvwxyz", "Bearer"),
        ("bearer\tabcdefghijklmnopqrstuvwxyz", "Bearer"),
        ("Access-Token: abcdefghijklmnopqrstuvwxyz", "spaces"),
        ("abcdefghijklm\nnopqrstuvwxyz", "line breaks"),
        ("abcdefghijklm\x00nopqrstuvwxyz", "characters"),
        ("abcdefghijklmnopqrstuvwxyzé", "characters"),
        ("abcdefghijklm\u200bnopqrstuvwxyz", "characters"),
    ],
)
def test_what_cannot_be_a_token_is_refused_without_repeating_it(token: str, words: str):
    with pytest.raises(RotationError, match=words) as caught:
        stage(token=token)

    assert not token or token not in str(caught.value)
    assert not Credential.objects.exists()


def test_the_active_token_is_refused():
    pixel = make_pixel()
    make_credential(pixel)

    with pytest.raises(RotationError, match="active already"):
        stage(pixel, TOKEN)


def test_the_retiring_token_is_refused_with_its_state():
    pixel = make_pixel()
    make_credential(pixel, state=State.RETIRING)

    with pytest.raises(RotationError, match="retiring"):
        stage(pixel, TOKEN)


def test_another_pixel_may_have_the_same_token():
    make_credential(make_pixel())

    assert stage(token=TOKEN).state == State.STAGED


def test_one_token_is_staged_at_a_time():
    pixel = make_pixel()
    stage(pixel)

    with pytest.raises(RotationError, match="staged already"):
        stage(pixel, "another-token-0123456789")


def test_a_reference_is_read_where_it_points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(f"{NEW_TOKEN}\n")
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)

    from_file = stage(token="", reference=f"file:{file}")
    from_environment = stage(token="", reference="env:SHOP_TOKEN")

    assert (from_file.reveal(), from_environment.reveal()) == (NEW_TOKEN, TOKEN)
    assert (from_file.last_four, str(from_environment.token)) == ("wxyz", "")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:NOT_SET_ANYWHERE", "holds no token"),
        ("file:/nowhere/at/all", "not a file"),
        ("file:/dev/zero", "not a file"),
        ("file:/proc/self/status", "spaces"),
        ("vault:secret", "env:NAME or file:/path"),
        ("env:DJANGO_SECRET_KEY", "secret of the site itself"),
        (NEW_TOKEN, "env:NAME or file:/path"),
    ],
)
def test_a_reference_that_leads_to_no_token_is_refused(reference: str, words: str):
    with pytest.raises(RotationError, match=words):
        stage(token="", reference=reference)


def test_token_and_reference_together_are_refused():
    with pytest.raises(RotationError, match="not both"):
        stage(reference="env:SHOP_TOKEN")


def test_the_test_is_one_real_call_that_tiktok_does_not_count(sandbox: Sandbox):
    credential = stage()

    reply = rotation.test(credential, "TEST123", timezone.now())

    [event] = sandbox.events()
    credential.refresh_from_db()
    assert reply.verdict == Verdict.ACCEPTED
    assert (credential.test_passed, credential.test_message[:11]) == (True, "OK (code 0)")
    assert (event["pixel_code"], event["test"]) == (credential.pixel.code, "TEST123")
    assert sandbox.summary()["events"] == 0


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ({"mode": "code", "code": 40105}, ["40105", "Generate a new token"]),
        ({"mode": "code", "code": 40002}, ["40002", "pixel code"]),
        ({"mode": "code", "code": 40100}, ["40100", "wait a minute"]),
        ({"mode": "garbage"}, ["no code", "test it again"]),
        ({"mode": "timeout"}, ["No complete answer", "test it again"]),
    ],
)
def test_a_failed_test_says_what_and_what_to_do(sandbox: Sandbox, mode: dict, words: list[str]):
    credential = stage()
    sandbox.set_mode(**mode)

    rotation.test(credential, "TEST123", timezone.now())

    credential.refresh_from_db()
    assert credential.test_passed is False
    assert [word for word in words if word not in credential.test_message] == []
    assert (credential.state, credential.reveal()) == (State.STAGED, NEW_TOKEN)


def test_tiktok_out_of_reach_loses_nothing(settings):
    settings.TIKTOK_API_URL = "http://127.0.0.1:9"
    credential = stage()

    rotation.test(credential, "TEST123", timezone.now())

    assert credential.test_passed is False
    assert "could not be reached" in credential.test_message
    assert credential.reveal() == NEW_TOKEN


def test_a_long_message_leaves_room_for_the_advice():
    words = rotation.in_words(Reply(Verdict.AUTH, "x" * 500, 200, 40105))

    assert len(words) <= rotation.LENGTH_OF_TEST_MESSAGE
    assert words.endswith(rotation.TEST_ADVICE[Verdict.AUTH])


def test_a_reference_is_identified_anew_at_each_test(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    credential = stage(token="", reference="env:SHOP_TOKEN")
    before = credential.fingerprint

    monkeypatch.setenv("SHOP_TOKEN", NEW_TOKEN)
    rotation.test(credential, "TEST123", timezone.now())

    credential.refresh_from_db()
    assert (credential.last_four, credential.fingerprint == before) == ("wxyz", False)


def test_promoting_retires_the_old_one_and_says_who_did_it():
    pixel = make_pixel()
    old, new = make_credential(pixel), proven(pixel)
    user = User.objects.create_user("ada")

    retired = rotation.promote(new, user, timezone.now())

    new.refresh_from_db()
    assert retired == old
    assert (state_of(old), new.state, new.activated_by) == (State.RETIRING, State.ACTIVE, user)
    assert Credential.objects.usable().filter(pixel=pixel).first() == new


def test_promoting_resumes_a_pixel_that_tiktok_refused(django_capture_on_commit_callbacks):
    pixel = make_pixel()
    pixel.pause(Pixel.PausedBy.AUTH, "Access token is incorrect.", timezone.now())
    make_delivery()

    with django_capture_on_commit_callbacks(execute=True):
        promote(proven(pixel))

    pixel.refresh_from_db()
    assert (pixel.paused_by, pixel.paused_reason, pixel.paused_at) == ("", "", None)
    assert [task.func() for task in OrmQ.objects.all()] == ["dispatch.tasks.deliver"]


def test_promoting_leaves_alone_what_staff_paused():
    pixel = make_pixel()
    pixel.pause(Pixel.PausedBy.STAFF, "Campaign is over.", timezone.now())

    promote(proven(pixel))

    pixel.refresh_from_db()
    assert pixel.paused_by == Pixel.PausedBy.STAFF


def test_nothing_untested_is_promoted():
    credential = stage()

    with pytest.raises(RotationError, match="whose last test passed"):
        promote(credential)

    assert state_of(credential) == State.STAGED


def test_promoting_twice_changes_nothing():
    credential = proven(make_pixel())
    promote(credential)

    with pytest.raises(RotationError):
        promote(credential)

    assert state_of(credential) == State.ACTIVE


def test_the_retiring_one_can_come_back():
    pixel = make_pixel()
    old = make_credential(pixel, test_passed=True)
    new = proven(pixel)
    promote(new)

    promote(old)

    assert (state_of(old), state_of(new)) == (State.ACTIVE, State.RETIRING)


def test_revoking_wipes_the_token():
    pixel = make_pixel()
    old = make_credential(pixel)
    promote(proven(pixel))

    rotation.revoke(old, None, timezone.now())

    old.refresh_from_db()
    assert (old.state, bool(old.token), old.last_four) == (State.REVOKED, False, TOKEN[-4:])


def test_the_active_one_is_not_revoked():
    credential = make_credential(make_pixel())

    with pytest.raises(RotationError, match="Promote another"):
        rotation.revoke(credential, None, timezone.now())

    assert credential.reveal() == TOKEN


def test_a_revoked_one_is_neither_revoked_again_nor_tested():
    credential = stage()
    rotation.revoke(credential, None, timezone.now())
    credential.refresh_from_db()

    with pytest.raises(RotationError, match="revoked before"):
        rotation.revoke(credential, None, timezone.now())
    with pytest.raises(RotationError, match="wiped"):
        rotation.test(credential, "TEST123", timezone.now())
