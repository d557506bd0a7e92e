"""Staff at the screen of credential rotation."""

from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dispatch.models import Credential
from offers.models import Pixel
from tests.staff import staff_client

State = Credential.State
START = reverse("admin:dispatch_credential_rotate_start")
NEW_TOKEN = "a-brand-new-token-0123456789-wxyz"


class Browser:
    """A member of staff at the screen of one pixel; keeps every page that was shown."""

    def __init__(self, pixel: Pixel, *permissions: str) -> None:
        self.pixel = pixel
        self.client: Client = staff_client(*permissions or ("dispatch.rotate_credential",))
        self.screen = reverse("admin:dispatch_credential_rotate", args=[pixel.pk])
        self.pages: list[str] = []

    def keep(self, response: Any) -> str:
        assert response.status_code == 200
        self.pages.append(response.content.decode())
        return self.pages[-1]

    def get(self, url: str = "") -> str:
        return self.keep(self.client.get(url or self.screen))

    def post(self, url: str = "", **data: str) -> str:
        return self.keep(self.client.post(url or self.screen, data, follow=True))

    def paste(self, token: str = NEW_TOKEN) -> str:
        return self.post(token=token)

    def step(self, name: str, credential: Credential | None = None) -> str:
        credential = credential or Credential.objects.get(pixel=self.pixel, state=State.STAGED)
        return reverse(f"admin:dispatch_credential_{name}", args=[self.pixel.pk, credential.pk])


def pause(pixel: Pixel) -> None:
    pixel.pause(Pixel.PausedBy.AUTH, "Access token is incorrect.", timezone.now())
