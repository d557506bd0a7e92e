"""What the app that sends adds to the list of conversions: the pages of health, and the rows behind their figures."""

from typing import Any

from django.contrib import admin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from conversions.admin.conversion import ConversionAdmin
from conversions.models import Conversion
from dispatch.admin.figure_filters import ConversionFigureFilter, FiguredMixin
from dispatch.admin.health_overview import health_page
from dispatch.admin.health_subject import subject_page

admin.site.unregister(Conversion)


@admin.register(Conversion)
class ToldConversionAdmin(FiguredMixin, ConversionAdmin):
    list_filter: list[Any] = [
        *ConversionAdmin.list_filter,
        ("offer__network", RelatedDropdownFilter),
        ConversionFigureFilter,
    ]
    custom_urls = (
        ("health/", "conversions_conversion_health", health_page),
        ("health/<str:scope>/<int:key>/", "conversions_conversion_health_of", subject_page),
    )
