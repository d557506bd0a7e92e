from django.apps import AppConfig
from django.utils.module_loading import import_module


class DispatchConfig(AppConfig):
    name = "dispatch"

    def ready(self) -> None:
        import_module("dispatch.tasks")  # connects the wake-up to conversions_recorded
