"""As much of PyPI's crontab as an old cron.py calls: CronTab(fields).next()."""

import time


class CronTab:
    def __init__(self, fields):
        self._fields = fields.split()
        if len(self._fields) != 5:
            raise ValueError("expected five fields")
        self._values = [_values(field) for field in self._fields]

    def next(self, now=None, default_utc=False):
        """Return the seconds until the next minute that matches."""
        now = time.time() if now is None else now
        minute = int(now // 60) + 1
        while not self._matches(time.gmtime(minute * 60) if default_utc else time.localtime(minute * 60)):
            minute += 1
        return minute * 60 - now

    def _matches(self, t):
        parts = (t.tm_min, t.tm_hour, t.tm_mday, t.tm_mon, (t.tm_wday + 1) % 7)
        return all(values is None or part in values for part, values in zip(parts, self._values))


def _values(field):
    if field == "*":
        return None
    if field.startswith("*/"):
        return set(range(0, 60, int(field[2:])))
    return {int(value) for value in field.split(",")}
