"""An affiliate network that reports sales to the site over several connections, and remembers every answer."""

import json
import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.faults.site import Visitor

CONNECTIONS = 5
TRIES = 20
PAUSE_SECONDS = 0.5  # before a postback without a 200 is sent again, as networks do, only sooner


@dataclass
class Sale:
    """One sale, its postback, and the answers that came, 0 for none."""

    click_id: str
    transaction_id: str
    path: str
    payout: str
    answers: list[int] = field(default_factory=list)

    @property
    def is_confirmed(self) -> bool:
        return 200 in self.answers

    @property
    def params(self) -> dict[str, str]:
        return {"click_id": self.click_id, "txid": self.transaction_id, "payout": self.payout, "status": "approved"}

    def report(self, visitor: Visitor, way: str) -> bool:
        """Whether the site has said that it has it."""
        match way:
            case "GET":
                answer = visitor.ask("GET", f"{self.path}?{urlencode(self.params)}")
            case "form":
                body = urlencode(self.params).encode()
                answer = visitor.ask("POST", self.path, body, "application/x-www-form-urlencoded")
            case _:
                answer = visitor.ask("POST", self.path, json.dumps(self.params).encode(), "application/json")
        self.answers.append(answer)
        return answer == 200


class Reporter:
    """Takes one sale after another and reports it, some of them more than once, at a gentle pace."""

    def __init__(self, port: int, sales: Iterable[Sale], seed: int, per_second: float) -> None:
        self.begun: list[Sale] = []
        self._sales, self._lock, self._port = iter(sales), threading.Lock(), port
        self._pause = CONNECTIONS / per_second
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(seed + number),), daemon=True)
            for number in range(CONNECTIONS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Begin no further sale, and wait for the answers to those that have begun."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _work(self, chance: random.Random) -> None:
        visitor = Visitor(self._port)
        while not self._closing.is_set():
            with self._lock:
                sale = next(self._sales, None)
                if sale is None:
                    break
                self.begun.append(sale)
            self._report(sale, visitor, chance)
            if chance.random() < 0.2:  # and again, what somebody else may be reporting at this moment
                self._report(chance.choice(self.begun[-10:]), visitor, chance)
            self._closing.wait(chance.uniform(0, 2 * self._pause))
        visitor.leave()

    def _report(self, sale: Sale, visitor: Visitor, chance: random.Random) -> None:
        for _ in range(TRIES):
            if sale.report(visitor, chance.choice(["GET", "form", "json"])):
                return
            self._closing.wait(PAUSE_SECONDS)
            if self._closing.is_set() and chance.random() < 0.5:
                return  # a network that never asks again
