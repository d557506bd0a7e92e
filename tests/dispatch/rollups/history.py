"""A site's history by chance: what visitors, pages, networks, TikTok and staff may do, in any order."""

import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from conversions.browser_news import bring_up_to_date
from conversions.consent import record_answer
from conversions.digest import digest_batch
from conversions.models import Click, Conversion, Postback, Sighting
from conversions.replaying import replay
from dispatch import outbox
from dispatch.models import Delivery
from dispatch.planning import plan
from dispatch.tiktok.client import Reply
from offers.models import EventRule
from tests.factories import call_page_event, make_attempt, make_click, make_network, make_offer, make_postback

RULES = [
    {"trigger": "page", "event_name": "Purchase"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
    {"trigger": "pending", "event_name": "Purchase"},
    {"trigger": "page", "event_name": "Lead"},
    {"trigger": "rebill", "event_name": "Subscribe"},
]
VERDICTS = ["accepted", "accepted", "accepted", "unknown", "transient", "invalid", "throttled"]
STATUSES = ["approved", "approved", "pending", "refunded", "partial", "rejected", "chargeback", "nonsense"]


class History:
    """What happens next is up to the seed."""

    def __init__(self, seed: int, begin: datetime) -> None:
        self.random, self.now = random.Random(seed), begin
        network = make_network(slug=f"network-{seed}")
        self.offers = [
            make_offer(RULES, network=network),
            make_offer(RULES, network=network, send_email=True, send_external_id=True, consent_required=True),
        ]
        self.clicks: list[Click] = []
        self.acts: list[Callable[[], Any]] = [
            *[self.arrive] * 5, *[self.call_page] * 4, *[self.postback] * 6, *[self.work] * 4, *[self.see] * 2,
            self.replay, self.decide, self.answer, self.change_rules, self.turn_out_human,
        ]  # fmt: skip

    def go_on(self, acts: int) -> None:
        for _ in range(acts):
            self.now += timedelta(seconds=self.random.randint(0, 900))
            self.random.choice(self.acts)()

    def pick(self, rows: Any) -> Any:
        found = list(rows)
        return self.random.choice(found) if found else None

    def arrive(self) -> None:
        choose = self.random.choice
        self.clicks.append(
            make_click(
                choose(self.offers),
                created_at=self.now - choose([timedelta(0), timedelta(0), timedelta(hours=3)]),
                campaign_id=choose(["", "c1", "c2"]),
                country=choose(["", "DE"]),
                robot=choose(["", "", "", "bot", "prefetch"]),
                ip=choose(["198.51.100.7", None, "10.0.0.1"]),
                ttclid=choose(["", "E.C.P.abc"]),
                email_sha256=choose(["", "a" * 64]),
                is_test=self.random.random() < 0.1,
            )
        )

    def call_page(self) -> None:
        if click := self.pick(self.clicks):
            key = self.random.choice(["", "", "t1", "t2"])
            conversion = call_page_event(click, self.random.choice(["Purchase", "Lead"]), self.now, key=key)
            Conversion.objects.filter(pk=conversion.pk).update(is_test=click.is_test)

    def postback(self) -> None:
        if click := self.pick(self.clicks):
            choose = self.random.choice
            params = {
                "click_id": choose([click.pk, click.pk, click.pk, "x" * 26, ""]),
                "transaction_id": choose(["", "t1", "t2", "t3", uuid.UUID(int=self.random.getrandbits(128)).hex]),
                "status": choose(STATUSES),
                "payout": choose(["", "10.50", "40"]),
                "currency": choose(["USD", "EUR"]),
                "event": choose(["", "", "", "goal1"]),
            }
            given = {name: value for name, value in params.items() if value}
            make_postback(self.offers[0].network, given, received_at=self.now, is_test=click.is_test)

    def work(self) -> None:
        digest_batch(self.now)
        plan(self.now)
        self.send()
        outbox.release_expired(self.now + timedelta(days=self.random.choice([0, 1])))

    def send(self) -> None:
        offer = self.random.choice(self.offers)
        claimed = outbox.claim(offer.pixel, self.now, 3)
        verdict = self.random.choice(VERDICTS)
        if self.random.random() < 0.2:
            return  # the worker dies
        for delivery in claimed:
            make_attempt(delivery, verdict=verdict, started_at=self.now)
        if claimed:
            outbox.settle(claimed, Reply(verdict, http_status=200, code=0, message=""), self.now)

    def see(self) -> None:
        if conversion := self.pick(Conversion.objects.order_by("pk")):
            outcome = self.random.choice(Sighting.Outcome.values)
            Sighting.objects.get_or_create(conversion=conversion, outcome=outcome, defaults={"created_at": self.now})

    def replay(self) -> None:
        replay(list(Postback.objects.order_by("pk").values_list("pk", flat=True))[-5:], self.now)

    def decide(self) -> None:
        undecided = Delivery.objects.undecided()
        if self.random.random() < 0.5:
            undecided.requeue(None, self.now)
        else:
            undecided.discard(None, "By chance.", self.now)

    def answer(self) -> None:
        if click := self.pick(self.clicks):
            record_answer(click.pk, self.random.choice(["granted", "denied"]), "test", "", self.now)

    def change_rules(self) -> None:
        rules = EventRule.objects.filter(offer=self.offers[0], trigger="page")
        rules.update(legs=self.random.choice(["both", "server"]))

    def turn_out_human(self) -> None:
        if click := self.pick(Click.objects.filter(robot="prefetch")):
            bring_up_to_date(click, {"robot": "", "user_agent": "A browser", "ip": "198.51.100.8"})
