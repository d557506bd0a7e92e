"""From where on something is a finding: spans, shares, and the least numbers that say anything, all in one place.

The targets themselves, such as 95 % of accepted events, are those of `dispatch.health.targets`.
"""

from dataclasses import dataclass
from datetime import timedelta

DAY = timedelta(hours=24)
LATELY = timedelta(hours=3)  # what has begun just now shows here long before it moves the figure of a day
OLD_ENOUGH = timedelta(hours=24)  # a network has had its time to report a sale that a page has told of
GAP_SPAN = timedelta(days=3)

LONG_QUEUE = timedelta(minutes=30)
SUMS_LATE = timedelta(minutes=10)


@dataclass(frozen=True)
class Least:
    """How many cases there must be, and how many of them must be off, of a day or of the last hours."""

    cases: int
    off: int = 1
    off_lately: int = 2


ACCEPTANCE = Least(cases=5, off=2)
MATCH = Least(cases=5, off=2)
DUPLICATES = Least(cases=1, off=1)  # one sale under two event_ids teaches TikTok that it was two
DUPLICATES_SHARE = 0.001  # one of thousands is no reason to stop
RETRIES = Least(cases=20, off=2)
DELAY = Least(cases=10)
GAP = Least(cases=10, off=2)

IDENTIFIERS_CASES = 20
IDENTIFIERS_SHARE = 0.5

CONSENT_SHARE = 0.5
CONSENT_CASES = 10  # fewer say something only when not one of them may be told

UNUSABLE_SHARE = 0.03
UNUSABLE_COUNT = 3
MOST = 0.5
UNUSABLE_LATELY = 2  # a single call says little of all of them
DOUBTFUL_CASES = 3  # a click may come some seconds after its postback, and anybody may forge a call

ONE_FOR_SALES = 3  # a visitor may have come by two clicks, and the network name either
ONE_FOR_VISITORS = 10  # somebody may send an address on to friends

HUSHED_SPAN = timedelta(hours=6)  # of a network that nobody has said of how long it may be silent
HUSHED_CALLS = 5
HUSHED_DAYS = 2  # of a network with fewer than these the whole last day is looked at

VOLUME_SPAN = timedelta(hours=3)
VOLUME_DAYS = 7
VOLUME_DAYS_KNOWN = 2  # a raise takes as many
VOLUME_SHARE = 0.3
VOLUME_CLICKS = 30
VOLUME_SALES = 5

VALUE_BEFORE = timedelta(hours=72)
VALUE_SALES = 10
VALUE_ERRORS = 3  # standard errors: where each sale pays another amount, few of them say little
VALUE_OF = [  # for how long, how many sales at least, and by what share they may differ from those before
    (DAY, VALUE_SALES, 0.2),
    (LATELY, 5, 0.4),  # a few sales differ from each other
]

TAKEN_BACK_SPAN = timedelta(hours=72)  # the time that a decision on spend looks back on
TAKEN_BACK_AGE = timedelta(days=60)  # refunds are promised for 30 days, or for 60
TAKEN_BACK_CASES = 5  # one of three says nothing
TAKEN_BACK_USUAL = 0.15  # 5 to 15 % are usual in the trade
TAKEN_BACK_ERRORS = 1.64  # standard errors: one moment in twenty is beyond them by chance
TAKEN_BACK_WARN = 0.2
TAKEN_BACK_BAD = 1 / 3  # of what an average sale pays, nobody knows how much will remain
