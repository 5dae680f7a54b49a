"""A rehearsal (演练): a sender that sends nothing and writes down everything.

It keeps the promise that every sender has to keep: one key is sent once. The
same letter again gets the same answer; another letter under a known key is
refused, since one of the two would be lost.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.delivery.ports import Letter, NotSent
from wxengage.errors import InvalidInputError
from wxengage.sends import Send, Sent
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    Answer = Sent | NotSent

__all__ = ["DryRun", "dry_run"]

_TIMES: Final = ("at", "not_before", "expires")
_SENDS: Final = tuple(field.name for field in attrs.fields(Send))
_EXPIRED: Final = NotSent("expired", "drop")
_EARLY: Final = NotSent("too_early", "wait")
_NEVER_SEEN: Final = NotSent("never_seen", "retry")


def _fields(letter: Letter) -> dict[str, Any]:
    """Return a letter's fields, times as instants."""
    fields = attrs.asdict(letter.send)
    # Python says that a time in an hour that comes twice equals no time that is
    # written in another zone, not even the same instant.
    for name in _TIMES:
        at = fields[name]
        fields[name] = None if at is None else micros(name, at)
    return fields


def _line(letter: Letter, outcome: Answer) -> str:
    """Return a letter and what became of it as one line of JSON."""
    send = attrs.asdict(letter.send)
    for name in _TIMES:
        send[name] = None if send[name] is None else send[name].isoformat()
    if isinstance(outcome, Sent):
        became = {"outcome": "sent", "sent_at": outcome.at.isoformat()}
    else:
        became = {"outcome": outcome.code, "sent_at": ""}
    return json.dumps({"key": letter.key} | send | became, ensure_ascii=False)


def _read(line: str) -> tuple[Letter, Answer]:
    """Return what ``_line`` wrote; any error means that it did not."""
    fields: dict[str, Any] = json.loads(line)
    key, outcome, sent_at = (fields.pop(name) for name in ("key", "outcome", "sent_at"))
    for name in _TIMES:
        if fields[name] is not None:
            fields[name] = dt.datetime.fromisoformat(fields[name])
    if fields.keys() != set(_SENDS):
        raise KeyError(*fields.keys() ^ set(_SENDS))
    letter = Letter(Send(**fields), key)
    if outcome == "sent":
        return letter, _sent(letter, dt.datetime.fromisoformat(sent_at))
    return letter, {_EXPIRED.code: _EXPIRED}[outcome]


def _sent(letter: Letter, at: dt.datetime) -> Sent:
    return Sent.of(letter.send, at, key=letter.key, receipt=f"dry-run-{letter.key}")


@attrs.define(eq=False)
class DryRun:
    """A sender that only pretends; made by ``dry_run``.

    Attributes
    ----------
    path
        Where lines are written; None for nowhere.
    """

    path: Path | None
    _seen: dict[str, tuple[Letter, Answer]] = attrs.field(
        factory=dict, init=False, repr=False
    )

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def letters(self) -> tuple[Letter, ...]:
        """The letters with a final answer, in the order in which they came."""
        return tuple(letter for letter, _ in self._seen.values())

    @property
    def lines(self) -> tuple[str, ...]:
        """The same as lines of JSON, as they are in the file."""
        return tuple(_line(letter, outcome) for letter, outcome in self._seen.values())

    def send(self, letter: Letter, now: dt.datetime) -> Answer:
        """Pretend to deliver a letter.

        Parameters
        ----------
        letter
            What would go.
        now
            When, aware.

        Returns
        -------
        Sent or NotSent
            ``NotSent("too_early", "wait")`` before ``not_before``, which is not
            final; ``NotSent("expired", "drop")`` from ``expires`` on; else
            ``Sent``. A letter with a final answer gets that answer again.

        Raises
        ------
        InvalidInputError
            If another letter has the key, or ``now`` is naive.
        """
        outcome, line = self._decide(letter, now)
        self._write([line] if line else [])
        return outcome

    def query(self, letter: Letter, now: dt.datetime) -> Answer:
        """Say what became of a letter without pretending to send it.

        Parameters
        ----------
        letter
            The letter.
        now
            When it is asked, aware.

        Returns
        -------
        Sent or NotSent
            Its final answer, or ``NotSent("never_seen", "retry")``.

        Raises
        ------
        InvalidInputError
            If another letter has the key, or ``now`` is naive.
        """
        micros("now", now)
        return self._known(letter) or _NEVER_SEEN

    def rehearse(
        self, letters: Iterable[Letter], *, now: dt.datetime | None = None
    ) -> tuple[Answer, ...]:
        """Pretend to deliver letters, each at the time it was planned for.

        Parameters
        ----------
        letters
            What would go.
        now
            When letters without a time of their own go, aware.

        Returns
        -------
        tuple of Sent or NotSent
            One for each letter.

        Raises
        ------
        InvalidInputError
            If a letter has no time and ``now`` is not given, or another letter
            has its key. Letters before it are written.
        """
        outcomes: list[Answer] = []
        lines: list[str] = []
        try:
            for row, letter in enumerate(letters):
                at = letter.send.at or now
                if at is None:
                    hint = "or give now="
                    raise InvalidInputError(
                        f"letters[{row}].send.at", None, "an aware time", hint
                    )
                outcome, line = self._decide(letter, at)
                outcomes.append(outcome)
                lines += [line] if line else []
        finally:
            self._write(lines)
        return tuple(outcomes)

    def _known(self, letter: Letter) -> Answer | None:
        if letter.key not in self._seen:
            return None
        known, outcome = self._seen[letter.key]
        if _fields(known) != _fields(letter):
            raise InvalidInputError(
                "letter.key",
                letter.key,
                "one letter's own",
                f"it was used for {known.send.id!r} to {known.send.user!r}, with "
                "other words or worth; to rehearse anew, give another path",
            )
        return outcome

    def _decide(self, letter: Letter, now: dt.datetime) -> tuple[Answer, str | None]:
        """Return the answer, and a line where it is new and final."""
        at, send = micros("now", now), letter.send
        known = self._known(letter)
        if known is not None:
            return known, None
        if send.not_before is not None and at < micros("not_before", send.not_before):
            return _EARLY, None
        late = send.expires is not None and at >= micros("expires", send.expires)
        outcome: Answer = _EXPIRED if late else _sent(letter, now)
        self._seen[letter.key] = letter, outcome
        return outcome, _line(letter, outcome)

    def _write(self, lines: list[str]) -> None:
        if self.path is not None and lines:
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{line}\n" for line in lines)


def dry_run(path: str | os.PathLike[str] | None = None) -> DryRun:
    """Return a sender that sends nothing.

    Parameters
    ----------
    path
        Where to write one line of JSON for each letter, UTF-8. A file of an
        earlier dry run is continued: its letters are known already. None keeps
        them in memory.

    Returns
    -------
    DryRun
        A sender as ``wxengage.delivery.Sender`` describes it.

    Raises
    ------
    InvalidInputError
        If the folder does not exist, or the file holds something else.

    Examples
    --------
    >>> from wxengage.delivery.ports import letters
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    >>> sender = dry_run()
    >>> send = Send("s1", "ada", "wecom", "gift", at=noon)
    >>> outcomes = sender.rehearse(letters([send]))
    >>> outcomes[0].user, len(sender)
    ('ada', 1)
    """
    if path is None:
        return DryRun(None)
    where = Path(path)
    if where.is_dir() or not where.parent.is_dir():
        raise InvalidInputError("path", str(where), "a file in a folder that exists")
    found = DryRun(where)
    if where.exists():
        text = where.read_text(encoding="utf-8", errors="replace")
        for row, line in enumerate(text.split("\n"), start=1):
            if not line:
                continue
            try:
                letter, outcome = _read(line)
            except (ValueError, TypeError, KeyError, AttributeError):
                raise InvalidInputError(
                    f"{where.name}:{row}",
                    line,
                    "a line that a dry run wrote",
                    "give another path, or remove the line",
                ) from None
            found._seen[letter.key] = letter, outcome  # noqa: SLF001  our own
    return found
