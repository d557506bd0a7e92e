"""A worker in small: `python -m tests.faults.lone_sender` does what is due and ends, misbehaving as it is told to.

--kill PLACE, --stop PLACE     it gets SIGKILL or SIGSTOP there, at its first request; see PLACES
--poison EVENT_ID              building this event kills it
--clock-off SECONDS            its host's clock is wrong by so much
--claim-only                   it waits for a line, claims everything, prints the keys, and sends nothing
"""

import argparse
import os
import signal
import time
from typing import Any
from unittest import mock

import django
import time_machine

PLACES = {"before-request": "dispatch.sender.post", "after-reply": "dispatch.sending.settle"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill", choices=PLACES)
    parser.add_argument("--stop", choices=PLACES)
    parser.add_argument("--poison")
    parser.add_argument("--clock-off", type=float, default=0.0)
    parser.add_argument("--claim-only", action="store_true")
    return parser.parse_args()


def interrupt(place: str, number: int) -> None:
    """Send this process a signal when it comes there for the first time."""
    real, times = import_string(PLACES[place]), []

    def interrupted(*args: Any) -> Any:
        if not times:
            times.append(1)
            os.kill(os.getpid(), number)
        return real(*args)

    mock.patch(PLACES[place], interrupted).start()


def poison(event_id: str) -> None:
    real = sending.make_shipment

    def deadly(delivery: Delivery, *args: Any) -> Any:
        if str(delivery.event_id) == event_id:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(delivery, *args)

    mock.patch("dispatch.sending.make_shipment", deadly).start()


def claim_everything() -> None:
    print("ready", flush=True)
    input()
    for pixel in Pixel.objects.all():
        while claimed := outbox.claim(pixel, clock.now(), 3):
            print(*(delivery.pk for delivery in claimed), sep="\n", flush=True)


def main() -> None:
    arguments = parse()
    if arguments.clock_off:
        time_machine.travel(time.time() + arguments.clock_off).start()
    if arguments.kill:
        interrupt(arguments.kill, signal.SIGKILL)
    if arguments.stop:
        interrupt(arguments.stop, signal.SIGSTOP)
    if arguments.poison:
        poison(arguments.poison)
    if arguments.claim_only:
        return claim_everything()
    digest()
    sweep()


if __name__ == "__main__":
    django.setup()

    from django.utils.module_loading import import_string

    from conversions.tasks import digest
    from dispatch import clock, outbox, sending
    from dispatch.models import Delivery
    from dispatch.tasks import sweep
    from offers.models import Pixel

    main()
