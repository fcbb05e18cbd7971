"""Helpers, without the GIL: how they wait, are given pieces of work, and are waited for.

To wake a thread that sleeps costs tens of microseconds, as much as a small kernel; one that looks at a word in memory
sees it change in a tenth of one.  So a helper looks for a while before it sleeps.  Work is called by its address, so
that dividing some microseconds of it pays.

Helper and caller may each *claim* a call, and one of them gets it: a helper that is late finds everything done, and
nobody waits for a helper that has not begun.
"""

from __future__ import annotations

from .apart import apart
from .door import kernel
from .words import call, counted, exchanged, load, read_byte, store, write_byte, yielded

CALLS, CLAIMED, DONE, ASLEEP, BELL, BYTE = range(6)  # words of a helper
WORK, ARGUMENTS, NEXT, PIECES, FAILED = range(5)  # words of the caller, in the first row; WORK is 0 for Python's work
PATIENCE = 100_000  # rounds for which a caller looks whether a helper is done, before it lets others run


@apart
def _take_turns(caller):
    """Pieces, one after the other, until there are none."""
    work, arguments, pieces = load(caller, WORK), load(caller, ARGUMENTS), load(caller, PIECES)
    i = counted(caller, NEXT)
    while i < pieces:
        if call(work, arguments, i):
            store(caller, FAILED, 1)
        i = counted(caller, NEXT)


@kernel
def park(team, me, seen, pipe, rounds, pause):
    """Say that call `seen` is done, do what helper `me` is called for, and return the number of a call for Python.

    It looks for so many rounds, of a quarter of a nanosecond or more, then sleeps on the pipe.  Before it returns it
    waits a few rounds more, in which the thread that calls gets to its own kernel and lets go of the GIL.
    """
    words, left = team[me], rounds
    store(words, DONE, seen)
    while True:
        now = load(words, CALLS)
        if now != seen:
            seen, left = now, rounds
            if exchanged(words, CLAIMED, now - 1, now):
                if load(team[0], WORK) == 0:
                    for _ in range(pause):
                        load(words, CALLS)
                    return now
                _take_turns(team[0])
                store(words, DONE, now)
        elif left > 0:
            left -= 1
        else:
            store(words, ASLEEP, 1)
            if load(words, CALLS) == seen:
                read_byte(pipe, words, BYTE)
            store(words, ASLEEP, 0)
            left = rounds


@kernel
def begin(team, helpers):
    """Call the first helpers; what they are to do stands in the caller's words."""
    for me in range(1, helpers + 1):
        words = team[me]
        store(words, CALLS, load(words, CALLS) + 1)
        if load(words, ASLEEP):
            write_byte(load(words, BELL), words, BYTE)


@kernel
def end(team, helpers):
    """Whether all of them are done, or have not begun and shall not; if not, it has been waited for a while."""
    left = PATIENCE
    for me in range(1, helpers + 1):
        words = team[me]
        now = load(words, CALLS)
        if exchanged(words, CLAIMED, now - 1, now):
            store(words, DONE, now)
        while load(words, DONE) != now:
            if left == 0:
                return False
            left -= 1
    return True


@apart
def each(team, helpers, pieces, work, arguments):
    """Call the piece at the address `work` (see `entry`) for all i < pieces, on this thread and so many helpers, with
    what `kept` made of its arguments.  Within a kernel that `share` in pool.py calls; arrays are those it was given."""
    failed, caller = 0, team[0]
    if helpers:
        store(caller, WORK, work)
        store(caller, ARGUMENTS, arguments)
        store(caller, PIECES, pieces)
        store(caller, FAILED, 0)
        store(caller, NEXT, 0)
        begin(team, helpers)
        _take_turns(caller)
        while not end(team, helpers):
            yielded()
        failed = load(caller, FAILED)
    else:
        for i in range(pieces):
            failed |= call(work, arguments, i)
    if failed:
        raise MemoryError("a kernel found no room for its work")
