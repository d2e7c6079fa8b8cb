#!/usr/bin/env python3
"""Writes the instants at which schedules must fire, minute by minute, straight from the rules.

The rules: a fixed time that a clock change jumps over fires once, at the first instant behind the gap; one that comes
twice fires the first time. A pattern with `*` or a step in hours or minutes fires at each local time that it matches,
so it skips the gap and fires through both hours of the fold.

Run it in this folder: ./expected.py > expected.txt
"""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = ["America/New_York", "Europe/Stockholm", "Australia/Lord_Howe", "Asia/Tokyo"]
YEARS = [2024, 2025]
EXPRESSIONS = [
    "0 * * * *", "30 * * * *", "*/15 * * * *", "30 1 * * *", "30 2 * * *", "0 0 1 * *", "0 9 * * MON-FRI",
    "0 0 13 * 5", "59 23 L * *", "0 0 12 ? * 2",
]
NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MINUTE = timedelta(minutes=1)


def numbers(field, low, high):
    """The numbers of a field."""
    found = set()
    for part in field.split(","):
        part, _, step = part.partition("/")
        if part in ("*", "?"):
            first, last = low, high
        else:
            ends = [NAMES.index(end) + low if end in NAMES else int(end) for end in part.split("-")]
            first, last = ends[0], ends[-1]
        found.update(range(first, last + 1, int(step or 1)))
    return found


def matcher(expression):
    """A function from a local minute to whether it matches, and whether the expression is a pattern."""
    fields = expression.split()
    quartz = len(fields) == 6
    if quartz:
        assert fields[0] == "0", "minute by minute, seconds must be 0"
        fields = fields[1:]
    minute, hour, day, month, weekday = fields
    minutes, hours, months = numbers(minute, 0, 59), numbers(hour, 0, 23), numbers(month, 1, 12)
    days = None if day == "L" else numbers(day, 1, 31)
    # Sunday is 1 in Quartz and 0 or 7 in cron.
    weekdays = numbers(weekday, 1, 7) if quartz else {number % 7 for number in numbers(weekday, 0, 7)}
    either = not quartz and day[0] not in "*?" and weekday[0] not in "*?"

    def matches(local):
        last = (local.date() + timedelta(days=1)).month != local.month
        of_month = last if days is None else local.day in days
        of_week = local.isoweekday() % 7 + (1 if quartz else 0) in weekdays
        by_day = (of_month or of_week) if either else (of_month and of_week)
        return by_day and local.month in months and local.hour in hours and local.minute in minutes

    return matches, any(sign in field for field in (minute, hour) for sign in "*/")


def occurrences(expression, zone, year):
    matches, pattern = matcher(expression)
    at = datetime(year, 1, 1, tzinfo=zone).astimezone(timezone.utc)
    end = datetime(year + 1, 1, 1, tzinfo=zone).astimezone(timezone.utc)
    before = (at - MINUTE).astimezone(zone).replace(tzinfo=None)
    while at < end:
        aware = at.astimezone(zone)
        local = aware.replace(tzinfo=None)
        if pattern:
            fires = matches(local)
        else:
            fires = aware.fold == 0 and matches(local)
            skipped = before + MINUTE
            while skipped < local:
                fires = fires or matches(skipped)
                skipped += MINUTE
        if fires:
            yield int(at.timestamp())
        before = local
        at += MINUTE


def main():
    print("# Written by expected.py: zone, year, expression, then the instants: the first in seconds since 1970,")
    print("# the others as minutes since the one before, with xN behind for N times the same.")
    for zone in ZONES:
        for year in YEARS:
            for expression in EXPRESSIONS:
                print(f"{zone} | {year} | {expression} | {' '.join(shortened(list(occurrences(expression, ZoneInfo(zone), year))))}")


def shortened(instants):
    yield str(instants[0])
    steps = [(later - earlier) // 60 for earlier, later in zip(instants, instants[1:])]
    position = 0
    while position < len(steps):
        count = 1
        while position + count < len(steps) and steps[position + count] == steps[position]:
            count += 1
        yield f"{steps[position]}x{count}"
        position += count


if __name__ == "__main__":
    main()
