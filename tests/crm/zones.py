# SPDX-License-Identifier: Apache-2.0
"""Wall time and instants by Python's zoneinfo, as core/tz.h defines them: what the generators of tables have in common."""
import datetime as dt

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
SECOND = dt.timedelta(seconds=1)


def ms(t):
    return (t.astimezone(UTC) - EPOCH) // dt.timedelta(milliseconds=1)


def at(milliseconds):
    return EPOCH + dt.timedelta(milliseconds=milliseconds)


def instant(zone, wall):
    """First of two in an overlap; in a gap the first instant at which the clock has passed the wall time."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return ms(first)
    low, high = ms(first) - 30 * 3600 * 1000, ms(first) + 30 * 3600 * 1000
    while high - low > 1:
        middle = (low + high) // 2
        if at(middle).astimezone(zone).replace(tzinfo=None) < wall:
            low = middle
        else:
            high = middle
    return high


def changes(zone, year):
    """Instants at which the offset of the zone changes, to the second."""
    t, found = dt.datetime(year, 1, 1, tzinfo=UTC), []
    while t.year == year:
        later = t + dt.timedelta(days=1)
        if t.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            low, high = t, later
            while high - low > SECOND:
                middle = low + (high - low) // 2 // SECOND * SECOND
                if low.astimezone(zone).utcoffset() == middle.astimezone(zone).utcoffset():
                    low = middle
                else:
                    high = middle
            found.append(high)
        t = later
    return found
