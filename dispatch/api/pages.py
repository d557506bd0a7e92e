"""Long lists in pages that cost the same wherever they are: from a key on, never counted."""

from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """`next` and `previous` are addresses; `page_size` goes up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-id"
