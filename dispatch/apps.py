from importlib import import_module

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "dispatch"

    def ready(self) -> None:
        import_module("dispatch.tasks")  # connects the wake-up to conversions_recorded
