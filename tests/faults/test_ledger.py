"""The heart of the matter: whatever dies or lies, every sale is told to TikTok, and told once.

Postbacks come in over HTTP while processes are killed, the database is struck down, TikTok plays all its failure modes
and tokens are revoked, all in an order that a seed decides. Then it is quiet, people do what is theirs to do, and the
books have to be right: see `ledger.py`. To run it with another seed, or for longer:

    FAULTS_SEED=7 FAULTS_SECONDS=600 make test ARGS=tests/faults/test_ledger.py
"""

import itertools
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from conversions.models import Click, Conversion, Postback
from dispatch import rotation
from dispatch.models import Credential, Delivery
from dispatch.tiktok.sandbox import Sandbox
from dispatch.tiktok.sandbox.modes import NAMES
from offers.models import Pixel
from tests.databases import at_home_in, copy_of
from tests.factories import make_credential, make_network, make_offer, make_pixel
from tests.faults.hosts import migrate, wait_for
from tests.faults.ledger import Evidence, violations
from tests.faults.network import Reporter, Sale
from tests.faults.servers import MortalPostgreSQL
from tests.faults.site import Site, site
from tests.faults.storm import WORKERS, Storm, hurry

SEED = int(os.environ.get("FAULTS_SEED") or 1)
SECONDS = float(os.environ.get("FAULTS_SECONDS") or 0)
DEADLINE, LEASE = 2.0, 8.0
SALES_A_SECOND = 20.0
MOST_SALES = 3000 + int(SECONDS * 2 * SALES_A_SECOND)
QUIET_WITHIN = 60.0
Status = Delivery.Status


@dataclass
class Database:
    """One of the test's own, on which its ORM works; with its server where it has one."""

    url: str
    server: MortalPostgreSQL | None = None


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any) -> Iterator[Database]:
    with ExitStack() as stack:
        if settings.IS_SQLITE:
            made = Database(stack.enter_context(copy_of(request.getfixturevalue("tables"), tmp_path)))
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True))
            server = stack.enter_context(MortalPostgreSQL(Path(folder)))
            made = Database(server.url, server)
            migrate(made.url, tmp_path)
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(at_home_in(made.url))
        yield made


class Scene:
    """Three pixels, two networks, and an offer for each pair.

    The first pixel keeps its token. Those of the others are revoked: the second has another one staged, which takes
    over, and to the third a person has to bring one.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.pixels = [make_pixel() for _ in range(3)]
        self.networks = [make_network() for _ in range(2)]
        pairs = itertools.product(self.pixels, self.networks)
        self.offers = [make_offer(pixel=pixel, network=network) for pixel, network in pairs]
        for pixel in self.pixels:
            sandbox.register_token(pixel.code, first_token(pixel))
            sandbox.register_token(pixel.code, second_token(pixel))
            make_credential(pixel, first_token(pixel))
        make_credential(self.pixels[1], second_token(self.pixels[1]), state=Credential.State.STAGED)

    def sales(self) -> list[Sale]:
        """Sales to come, on clicks that came a moment before."""
        offers = itertools.islice(itertools.cycle(self.offers), MOST_SALES)
        seen = {"created_at": timezone.now(), "landing_url": "https://landing.example/", "ttclid": "E.C.P.abc"}
        clicks = [Click(offer=offer, **seen) for offer in offers]
        Click.objects.bulk_create(clicks, batch_size=500)
        paths = {network.pk: f"/postback/{network.slug}/{network.secret.reveal()}/" for network in self.networks}
        return [
            Sale(click.pk, f"T-{number}", paths[click.offer.network_id], f"{1 + number % 97}.50")
            for number, click in enumerate(clicks)
        ]

    def revoke_tokens(self) -> None:
        for pixel in self.pixels[1:]:
            self.sandbox.register_token(pixel.code, first_token(pixel), "revoked")

    def people_do_their_part(self) -> None:
        """They bring the third pixel another token, and have everything sent again that waits for their word."""
        now, third = timezone.now(), self.pixels[2]
        staged = rotation.stage(third, second_token(third), "", None, now)
        Credential.objects.filter(pk=staged.pk).update(test_passed=True)
        rotation.promote(staged, None, now)
        Delivery.objects.undecided().requeue(None, now)


def first_token(pixel: Pixel) -> str:
    return f"first-token-of-{pixel.code}"


def second_token(pixel: Pixel) -> str:
    return f"second-token-of-{pixel.code}"


@dataclass
class Trial:
    """Everything that takes part, and what is wrong so far."""

    site: Site
    sandbox: Sandbox
    storm: Storm
    reporter: Reporter
    scene: Scene

    def wait_until_quiet(self) -> None:
        """Until there is nothing left to do for machines."""
        wait_for(self._is_quiet, lambda: self.site.said, QUIET_WITHIN)

    def check(self) -> None:
        evidence = Evidence(
            self.reporter.begun, self.sandbox.events(), self.sandbox.requests(), self.storm.log, DEADLINE, LEASE
        )
        found = violations(evidence)
        self.storm.diary.note(self.summary())
        print(f"FAULTS_SEED={SEED}", *self.storm.diary, sep="\n")
        assert not found, "\n".join(found)

    def summary(self) -> str:
        answers = Counter(answer for sale in self.reporter.begun for answer in sale.answers)
        statuses = Counter(Delivery.objects.values_list("status", "reason"))
        copies = Counter(Counter(copy["event_id"] for copy in self.sandbox.events()).values())
        return f"{len(self.reporter.begun)} sales, answers {answers}, deliveries {statuses}, events by copies {copies}"

    def _is_quiet(self) -> bool:
        self.site.tend()
        hurry()
        to_be_sent = Q(status=Status.WAITING, pixel__in=Pixel.objects.sending())  # asked at once: one becomes the other
        return not (
            Postback.objects.due(timezone.now()).exists()
            or Conversion.objects.unplanned().exists()
            or Delivery.objects.filter(Q(status=Status.LEASED) | to_be_sent).exists()
        )


@pytest.fixture
def trial(database: Database, tmp_path: Path) -> Iterator[Trial]:
    """A site at work. Its lease is short, for what a killed worker held is given to others when the lease ends."""
    surroundings = {"TIKTOK_DEADLINE_SECONDS": f"{DEADLINE}", "DELIVERY_LEASE_SECONDS": f"{LEASE}"}
    with (
        Sandbox.running() as sandbox,
        site(tmp_path, database.url, workers=WORKERS, TIKTOK_API_URL=sandbox.url, **surroundings) as running,
    ):
        scene, storm = Scene(sandbox), Storm(running, sandbox, database.server, SEED)
        reporter = Reporter(running.port, scene.sales(), SEED, SALES_A_SECOND)
        reporter.start()
        yield Trial(running, sandbox, storm, reporter, scene)
        reporter.close()


def test_every_sale_is_told_once_whatever_dies_or_lies(trial: Trial) -> None:
    trial.storm.rage(SECONDS, at_half_time=trial.scene.revoke_tokens)
    trial.reporter.close()
    trial.wait_until_quiet()
    trial.check()
    assert Pixel.objects.get(pk=trial.scene.pixels[1].pk).paused_by == Pixel.PausedBy.NOBODY
    assert Pixel.objects.get(pk=trial.scene.pixels[2].pk).paused_by == Pixel.PausedBy.AUTH

    trial.scene.people_do_their_part()
    trial.wait_until_quiet()
    trial.check()
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.ACCEPTED}
    assert {request["mode"] for request in trial.sandbox.requests()} == set(NAMES), "every mode was met"
