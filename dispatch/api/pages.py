"""Long lists in pages that cost the same wherever they are: from a key on, never counted."""

import re

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

KEY = re.compile(r"\d{1,18}", re.ASCII)
PAGE = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous`."),
    OpenApiParameter("page_size", OpenApiTypes.INT, description="50 unless said, 200 at most."),
]


class Pages(CursorPagination):
    """`next` and `previous` are addresses; `page_size` goes up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-id"
    invalid_cursor_message = "There is no such page. Take cursor from next or previous as it is."

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises NotFound, for a cursor that somebody made up as well."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor and cursor.position is not None and not KEY.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
