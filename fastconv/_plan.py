"""The cache of plans: bounded, least recently used first out, safe between threads.

A plan is built outside the lock (building may take milliseconds); two threads that meet the same new
problem may both build it, and one of the two equal plans is kept.  What was begun before the cache was
emptied is not kept: it may rest on what made someone empty it.
"""

import threading
from collections import OrderedDict

from ._core import calls


class Cache:
    """A bounded mapping; ``get(key, make)`` builds what is missing."""

    def __init__(self, size, forget=None):
        """forget: called when the cache is emptied."""
        self._size = size
        self._forget = forget
        self._items = OrderedDict()
        self._lock = threading.Lock()
        self.emptied = 0  # how often

    def get(self, key, make):
        """The value under key, made by ``make()`` if it is not there; key None: made each time."""
        if key is None:
            return make()
        try:  # each step is whole, and between them the item may go
            value = self._items[key]
            self._items.move_to_end(key)
            return value
        except KeyError:
            emptied = self.emptied
        value = make()
        with self._lock:
            if emptied != self.emptied:
                return value
            self._items[key] = value
            self._items.move_to_end(key)
            while len(self._items) > self._size:
                self._items.popitem(last=False)
        return value

    def __len__(self):
        return len(self._items)

    def clear(self):
        """Forget everything."""
        with self._lock:
            self._items.clear()
            self.emptied += 1
        if self._forget is not None:
            self._forget()


PLANS = Cache(256)  # (problem, backend) -> Plan
CALLS = Cache(512, calls.forget)  # arguments of a function call, as given -> what was decided for them
