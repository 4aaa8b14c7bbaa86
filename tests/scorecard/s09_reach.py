"""S9: no link makes the bot connect to where it may not.

`tests.reach` writes addresses inside in 200 ways and fetches each like a source: directly, behind one to three
redirects, as a name that changes its mind between two looks, and where an operator listed it by mistake. Every
connection of the process is written down. Broken: addresses are judged by the resolver only, which nobody asks of
one that is written out.
"""

from __future__ import annotations

import asyncio

from tests.reach import FORMS, HOSTS, WRITTEN_OUT, NamesOnly, Walk, walk
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    return _told(asyncio.run(walk()), len(HOSTS))


def broken() -> Measured:
    return _told(asyncio.run(walk(WRITTEN_OUT, guard=NamesOnly)), len(WRITTEN_OUT))


def _told(walked: Walk, hosts: int) -> Measured:
    text = f"{hosts * len(FORMS)} forms, {walked.fetches} fetches: {len(walked.inside)} connections inside"
    return Measured(f"{text}, {walked.brought} files brought", not walked.inside and not walked.brought)


ROW = Row(
    9,
    "no link leads inside",
    "200 forms of address, direct, behind 1 to 3 redirects, rebinding: 1,000 fetches, 0 connections elsewhere",
    "tests/wire/test_download_reach.py",
    measure,
    broken,
)
