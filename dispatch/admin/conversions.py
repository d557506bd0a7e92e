"""What the app that sends adds to the list of conversions: the rows behind the figures of health."""

from typing import Any

from django.contrib import admin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from conversions.admin.conversion import ConversionAdmin
from conversions.models import Conversion
from dispatch.admin.figure_filters import ConversionFigureFilter

admin.site.unregister(Conversion)


@admin.register(Conversion)
class ToldConversionAdmin(ConversionAdmin):
    list_filter: list[Any] = [
        *ConversionAdmin.list_filter,
        ("offer__network", RelatedDropdownFilter),
        ConversionFigureFilter,
    ]
