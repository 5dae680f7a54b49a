"""Asking the gate before and after planning (先问闸门): who may get which option.

The gate judges one message against what was sent before. A plan can send several:
``ask`` says which options a user may have at all, and ``overrun`` goes through a
finished plan, each send with those before it as its past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.log.frames import ARRAYS, Ids
from wxengage.plan.gating.allowances import Allowances
from wxengage.plan.gating.columns import Words, places
from wxengage.plan.gating.messages import Messages
from wxengage.plan.gating.past import FIELDS, LONG_AGO, Past
from wxengage.plan.gating.people import People
from wxengage.plan.gating.rounds import NEVER
from wxengage.plan.refusals import Refused
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from wxengage.plan.gating.gate import Gate
    from wxengage.plan.options import Option
    from wxengage.plan.result import Plan
    from wxengage.sends import Freeze

__all__ = ["Asker", "ask", "overrun"]

_FIELDS: Final = (*FIELDS, "content")


@attrs.frozen(eq=False)
class Asker:
    """The gate, and everything that it is told about the users.

    Attributes
    ----------
    gate
        The gate.
    people, past, quotas
        As ``Gate.check_many`` takes them, read already.
    freezes
        What has been stopped.
    """

    gate: Gate
    people: People
    past: Past
    quotas: Allowances | None
    freezes: tuple[Freeze, ...]

    @classmethod
    def of(
        cls, gate: Gate, tables: tuple[Any, Any, Any], freezes: Sequence[Freeze]
    ) -> Asker:
        """Return an asker from tables of past sends, users and quotas.

        Parameters
        ----------
        gate
            The gate.
        tables
            Past, users and quotas, as for ``Gate.check_many``; a past of None is
            nothing, quotas of None are not asked.
        freezes
            What has been stopped.

        Returns
        -------
        Asker
            With the tables read and sorted.
        """
        past, users, quotas = tables
        people = users if isinstance(users, People) else People.of(users)
        if past is None:
            past = {"user": people.ids.numpy()[:0], "at": np.empty(0, "datetime64[us]")}
        return cls(
            gate,
            people,
            past if isinstance(past, Past) else Past.of(past),
            quotas
            if quotas is None or isinstance(quotas, Allowances)
            else Allowances.of(quotas),
            tuple(freezes),
        )

    def with_segments(
        self, who: NDArray[np.int64], segment: NDArray[np.int64], names: Sequence[str]
    ) -> Asker:
        """Return the asker with the users' segments as given.

        Parameters
        ----------
        who
            Places among the people. Shape ``(n,)``.
        segment
            The segment of each, a place in ``names``. Shape ``(n,)``.
        names
            The segments.

        Returns
        -------
        Asker
            Whose people are in no segment but those given.
        """
        codes = np.zeros(len(self.people), dtype=np.int32)
        codes[who] = segment + 1
        people = attrs.evolve(self.people, segment=Words(codes, ("", *names)))
        return attrs.evolve(self, people=people)

    def places(self, users: NDArray[Any]) -> NDArray[np.int64]:
        """Return each user's place among the people, -1 for a stranger."""
        return places(Ids(users), self.people.ids)

    def refusals(
        self, option: Option, at: int, who: NDArray[np.int64], past: Past | None = None
    ) -> list[Refused | None]:
        """Return what the gate has against an option, user by user.

        Parameters
        ----------
        option
            The option.
        at
            When it would go, microseconds since 1970.
        who
            Places among the people. Shape ``(n,)``.
        past
            What went out before; None for the asker's own.

        Returns
        -------
        list
            One a user; None where it may go at that instant.
        """
        size = len(who)
        messages = Messages(
            np.arange(size),
            who,
            self.people.ids,
            {name: _constant(getattr(option, name) or "", size) for name in _FIELDS},
            np.broadcast_to(np.int64(LONG_AGO), size),
            np.broadcast_to(np.int64(LONG_AGO), size),
            # What binds is asked, not whether it would come too late.
            np.broadcast_to(np.int64(NEVER), size),
            np.full(size, option.is_ad),
            np.full(size, option.transactional),
            ARRAYS,
        )
        found = self.gate.check_many(
            messages,
            self.past if past is None else past,
            self.people,
            self.quotas,
            from_micros(at),
            freezes=self.freezes,
        )
        known: dict[tuple[str, str], Refused] = {}
        return [
            None
            if action == "send"
            else known.setdefault((reason, what), Refused(reason, what))
            for action, reason, what in zip(
                found.action.tolist(),
                found.reason.tolist(),
                found.constraint.tolist(),
                strict=True,
            )
        ]


def _constant(word: str, size: int) -> Words:
    return Words(np.broadcast_to(np.int32(word != ""), size), ("", word))


def ask(
    asker: Asker,
    options: Sequence[Option],
    suits: Sequence[NDArray[np.int64]],
) -> tuple[NDArray[np.int16], tuple[Refused, ...]]:
    """Return which options the gate lets each user have at their first instant.

    Parameters
    ----------
    asker
        The gate and what it is told. ``n`` people.
    options
        The options. Length ``k``.
    suits
        For each option the places of the people whom it may suit; nobody else is
        asked about.

    Returns
    -------
    codes
        0 where it may go, else 1 + a place among the refusals. Shape ``(n, k)``.
    refusals
        What the gate has against options, each once.
    """
    codes = np.zeros((len(asker.people), len(options)), dtype=np.int16)
    known: dict[Refused | None, int] = {None: 0}
    for column, (option, who) in enumerate(zip(options, suits, strict=True)):
        found = asker.refusals(option, micros("start", option.start), who)
        codes[who, column] = [known.setdefault(one, len(known)) for one in found]
    return codes, tuple(one for one in known if one is not None)


def overrun(asker: Asker, plan: Plan, who: NDArray[np.int64]) -> dict[int, int]:
    """Return who gets more from a plan than the gate allows, and how much it does.

    Parameters
    ----------
    asker
        The gate and what it is told.
    plan
        The plan. Each user's first send is taken to be allowed, as ``ask`` said.
    who
        Each candidate's place among the people. Shape ``(n,)``.

    Returns
    -------
    dict
        Position among the candidates -> sends that pass, each on those before it.

    Notes
    -----
    A round for each second, third ... send of a day; nothing where nobody has two.
    """
    users, options = plan.chosen_user, plan.chosen_option
    turns = _turns(users)
    allowed: dict[int, int] = {}
    for turn in range(1, int(turns.max(initial=0)) + 1):
        before, now = np.flatnonzero(turns < turn), np.flatnonzero(turns == turn)
        past = asker.past.plus(_sent(asker, plan, before, who))
        for option in np.unique(options[now]).tolist():
            mine = users[now[options[now] == option]]
            at = int(plan.instants[option])
            found = asker.refusals(plan.candidates.options[option], at, who[mine], past)
            for user, refused in zip(mine.tolist(), found, strict=True):
                if refused is not None:
                    allowed.setdefault(user, turn)
    return allowed


def _turns(users: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of its user's sends each one is, from 0, in the given order."""
    order = np.argsort(users, kind="stable")
    sorted_users = users[order]
    starts = np.flatnonzero(np.diff(sorted_users, prepend=-1))
    sizes = np.diff(np.append(starts, len(users)))
    turns = np.empty(len(users), dtype=np.int64)
    turns[order] = np.arange(len(users)) - np.repeat(starts, sizes)
    return turns


def _sent(
    asker: Asker, plan: Plan, rows: NDArray[np.int64], who: NDArray[np.int64]
) -> Past:
    """Return planned sends as if they had gone."""
    options = plan.candidates.options
    of = plan.chosen_option[rows]

    def column(name: str) -> NDArray[np.object_]:
        words = np.array([*(getattr(o, name) or "" for o in options), None], object)
        found: NDArray[np.object_] = words[of]
        return found

    columns: dict[str, NDArray[Any]] = {name: column(name) for name in _FIELDS}
    columns["user"] = asker.people.ids.numpy()[who[plan.chosen_user[rows]]]
    columns["at"] = plan.instants[of].astype("datetime64[us]")
    columns["is_ad"] = np.array([o.is_ad for o in options], dtype=np.bool_)[of]
    return Past.of(columns)
