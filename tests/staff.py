"""Staff members of the admin's tests: never superusers, always with named permissions."""

import uuid

from django.contrib.auth.models import Permission, User
from django.test import Client


def make_staff(*permissions: str) -> User:
    """A staff member who may do exactly what is named, such as `offers.view_offer`."""
    user = User.objects.create_user(f"staff-{uuid.uuid4().hex[:8]}", is_staff=True)
    for name in permissions:
        app_label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user


def staff_client(*permissions: str) -> Client:
    """A browser in which such a staff member is logged in."""
    client = Client()
    client.force_login(make_staff(*permissions))
    return client
