"""Rotation without a browser, for vaults and schedules: the same steps as the guided screen."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dispatch import clock, rotation
from dispatch.models import Credential
from dispatch.rotation import RotationError
from dispatch.tiktok.codes import Verdict
from offers.models import Pixel


class Command(BaseCommand):
    help = "Stage an access token for a pixel, test it with a real call, and promote it. The token is read from stdin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pixel_code")
        parser.add_argument("--reference", default="", help="env:NAME or file:/path instead of a token on stdin")
        parser.add_argument("--test-event-code", default="", help="the pixel's own unless given")

    def handle(self, *args: Any, **options: Any) -> None:
        pixel = Pixel.objects.filter(code=options["pixel_code"]).first()
        if pixel is None:
            raise CommandError(f"There is no pixel {options['pixel_code']}.")
        test_event_code = options["test_event_code"] or pixel.test_event_code
        if not test_event_code:
            raise CommandError("Name a --test-event-code: the test event must not be counted.")
        reference = options["reference"]
        try:
            credential = self.rotate(pixel, "" if reference else sys.stdin.read(), reference, test_event_code)
        except RotationError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Sending to {pixel.code} with …{credential.last_four} from now on.")

    def rotate(self, pixel: Pixel, token: str, reference: str, test_event_code: str) -> Credential:
        """Raises RotationError; a token that TikTok refused is revoked, so that the next try starts clean."""
        credential = rotation.stage(pixel, token, reference, None, clock.now())
        reply = rotation.test(credential, test_event_code, clock.now())
        if reply.verdict != Verdict.ACCEPTED:
            rotation.revoke(credential, None, clock.now())
            said = f"code {reply.code}: {reply.message}" if reply.code else reply.message
            raise RotationError(f"Not promoted, and the token is not kept. {said}")
        rotation.promote(credential, None, clock.now())
        return credential
