"""A tiny database of places in MaxMind's format, of IPv4 addresses alone.

Source: MaxMind DB File Format Specification 2.0. A tree of nodes with two records of 24 bits, one for each bit that
may follow; 16 zero bytes; the data; a marker; the metadata.
"""

import ipaddress
from pathlib import Path
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"
TEXT, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 5, 6, 7, 9, 11
FIRST_EXTENDED = 8


def write_places(path: Path, places: dict[str, Any]) -> None:
    """The file with one record a network; networks do not contain each other."""
    nodes: list[list[Any]] = [["", ""]]
    for network in places:
        plant(nodes, ipaddress.IPv4Network(network))
    data, offsets = b"", {}
    for network, record in places.items():
        offsets[network] = len(nodes) + 16 + len(data)
        data += encode(record)
    tree = b"".join(pointer(record, len(nodes), offsets) for node in nodes for record in node)
    path.write_bytes(tree + bytes(16) + data + MARKER + metadata(len(nodes)))


def plant(nodes: list[list[Any]], network: ipaddress.IPv4Network) -> None:
    bits = [int(network.network_address) >> (31 - depth) & 1 for depth in range(network.prefixlen)]
    at = 0
    for bit in bits[:-1]:
        if nodes[at][bit] == "":
            nodes.append(["", ""])
            nodes[at][bit] = len(nodes) - 1
        at = nodes[at][bit]
    nodes[at][bits[-1]] = str(network)


def pointer(record: Any, count: int, offsets: dict[str, int]) -> bytes:
    number = record if isinstance(record, int) else offsets.get(record, count)
    return number.to_bytes(3, "big")


def encode(value: Any) -> bytes:
    if isinstance(value, dict):
        return head(MAP, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, list):
        return head(ARRAY, len(value)) + b"".join(map(encode, value))
    if isinstance(value, tuple):
        kind, number = value
        return head(kind, 4 if kind == UINT32 else 2) + number.to_bytes(4 if kind == UINT32 else 2, "big")
    return head(TEXT, len(value.encode())) + value.encode()


def head(kind: int, size: int) -> bytes:
    """The kind of what follows and its size, below 29."""
    return bytes([kind << 5 | size]) if kind < FIRST_EXTENDED else bytes([size, kind - 7])


def metadata(node_count: int) -> bytes:
    return encode(
        {
            "node_count": (UINT32, node_count),
            "record_size": (UINT16, 24),
            "ip_version": (UINT16, 4),
            "database_type": "Places of a test",
            "languages": ["en"],
            "binary_format_major_version": (UINT16, 2),
            "binary_format_minor_version": (UINT16, 0),
            "build_epoch": (UINT64, 1000),
            "description": {"en": "Places"},
        }
    )
