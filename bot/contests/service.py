"""What commands may do with contests, put together from its parts."""

from __future__ import annotations

from bot.contests.entering import Entering
from bot.contests.judging import Judging
from bot.contests.organising import Organising
from bot.contests.publishing import Publishing
from bot.contests.voting import Voting


class ContestService(Organising, Entering, Voting, Judging, Publishing):
    """Every method raises `Refused`, and every change is one unit that can be asked for again."""
