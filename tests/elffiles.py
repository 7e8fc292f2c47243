"""Small ELF libraries, made byte by byte, that name where they look for others."""

from __future__ import annotations

import struct

DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29
BASE = 0x10000


def make_elf(*paths: tuple[int, str], wide: bool = True, order: str = "<") -> bytes:
    """Return a minimal ELF library whose dynamic section has these tags and strings.

    It is loaded at `BASE`, so that addresses and offsets in the file differ.
    """
    strings, tags = b"\0", []
    for tag, text in paths:
        tags.append((tag, len(strings)))
        strings += text.encode() + b"\0"
    header, program = (64, 56) if wide else (52, 32)
    at = header + 2 * program
    form = struct.Struct(order + ("qQ" if wide else "iI"))
    dynamic = b"".join(form.pack(*tag) for tag in tags)
    size = len(dynamic) + 2 * form.size
    dynamic += form.pack(DT_STRTAB, BASE + at + size) + form.pack(0, 0)
    total = at + len(dynamic) + len(strings)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    word = "Q" if wide else "I"
    head = struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH",
        *(3, 62, 1, 0, header, 0),
        *(0, header, program, 2, 0, 0, 0),
    )
    segments = [(1, 0, BASE, total), (2, at, BASE + at, len(dynamic))]
    table = b"".join(
        struct.pack(order + "IIQQQQQQ", kind, 4, offset, where, where, length, length, 8)
        if wide
        else struct.pack(order + "IIIIIIII", kind, offset, where, where, length, length, 4, 4)
        for kind, offset, where, length in segments
    )
    return ident + head + table + dynamic + strings
