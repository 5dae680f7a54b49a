"""What was found about inviters (风控结果): evidence, and who is to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.guard.sentences import ALSO, SIGNALS
from wxengage.errors import InvalidInputError
from wxengage.log.frames import Ids, Origin, give
from wxengage.tables import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["VERDICTS", "Risk", "Risks", "Signal"]

Verdict: TypeAlias = Literal["pass", "hold", "review"]
VERDICTS: Final[tuple[Verdict, ...]] = ("pass", "hold", "review")


@attrs.frozen
class Signal:
    """One finding (异常信号).

    Attributes
    ----------
    name
        A key of ``SIGNALS``.
    count, of
        So many, of so many.
    tail
        How probable that is for somebody who is like everybody else.
    false_share
        The share of findings up to this one that may be false.
    """

    name: str
    count: int
    of: int
    tail: float
    false_share: float


@attrs.frozen
class Risk:
    """What was found about one inviter or entry (风险评估); never a ban.

    Attributes
    ----------
    who
        The inviter, or the entry.
    verdict
        ``"pass"``, ``"hold"`` (payouts wait, and it may clear up by itself) or
        ``"review"`` (a person should look).
    signals
        The findings.
    """

    who: str | int
    verdict: Verdict
    signals: tuple[Signal, ...]

    def explain(self, lang: Literal["zh", "en"] = "zh") -> str:
        """Return the verdict and its evidence as a sentence.

        Parameters
        ----------
        lang
            ``"zh"`` or ``"en"``.

        Returns
        -------
        str
            For whoever handles the case, not for the inviter.
        """
        told = [
            SIGNALS[one.name][lang].format(count=one.count, of=one.of)
            for one in self.signals
        ]
        mark, end = ("；", "：") if lang == "zh" else ("; ", ": ")  # noqa: RUF001
        verdict = ALSO[self.verdict][lang]
        return end.join([mark.join(told), verdict]) if told else verdict


@attrs.frozen(eq=False, repr=False)
class Risks:
    """What was found about all inviters or entries; prints those to look at first.

    Attributes
    ----------
    noun
        What is judged: ``"inviter"`` or ``"entry"``, the name of the first column.
    ids
        Of them: those to review, those on hold, and the rest, each by how sure
        the surest finding is.
    table
        Column -> values without the ids: verdict, signals, how many invites or votes
        there are, and of each test count, number, tail and adjusted tail.
    origin
        What kind of table the events came as.
    """

    noun: str
    ids: Ids
    table: Mapping[str, NDArray[Any]]
    origin: Origin

    def __len__(self) -> int:
        return len(self.ids)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the table as numpy arrays."""
        return {self.noun: self.ids.numpy(), **self.table}

    def to_frame(self, *, like: object = None) -> Any:
        """Return the table as the kind of table the events came as.

        Parameters
        ----------
        like
            Another kind of table: a frame, or its name.

        Returns
        -------
        object
            A frame of that kind.
        """
        return give({self.noun: self.ids, **self.table}, self.origin, like)

    def of(self, who: str | int) -> Risk:
        """Return what was found about one of them.

        Parameters
        ----------
        who
            The inviter, or the entry.

        Returns
        -------
        Risk
            With the evidence.

        Raises
        ------
        InvalidInputError
            If it is none of them.
        """
        rows = np.flatnonzero(self.ids.numpy() == who)
        if not len(rows):
            raise InvalidInputError("who", who, f"an {self.noun} of these")
        row = int(rows[0])
        names = self.table["signals"][row].split()
        signals = [
            Signal(
                name,
                int(self.table[f"{name}_count"][row]),
                int(self.table[f"{name}_of"][row]),
                float(self.table[f"{name}_tail"][row]),
                float(self.table[f"{name}_q"][row]),
            )
            if name != "circle"
            else Signal(name, 1, 1, 0.0, 0.0)
            for name in names
        ]
        return Risk(who, self.table["verdict"][row], tuple(signals))

    def _shown(self) -> dict[str, NDArray[Any]]:
        shown = list(self.table)[:3]
        return {self.noun: self.ids.numpy(), **{n: self.table[n] for n in shown}}

    def __repr__(self) -> str:
        counts = [int((self.table["verdict"] == word).sum()) for word in VERDICTS]
        told = ", ".join(f"{n} {w}" for w, n in zip(VERDICTS, counts, strict=True))
        nouns = {"inviter": "inviters", "entry": "entries"}
        return f"<Risks of {len(self)} {nouns[self.noun]}: {told}>"

    def __str__(self) -> str:
        return text_table(self._shown())

    def _repr_html_(self) -> str:
        return html_table(self._shown())
