"""A lottery that anybody can check (可验证抽奖): committed first, drawn by arithmetic.

Before it begins the organiser publishes the fingerprint of a secret seed. When the
tickets are closed, a number comes in that nobody could know, say of a public draw.
Then the seed is published, and whoever has the list of tickets can draw again.
"""

from __future__ import annotations

import decimal
import hashlib
import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.money import Reward

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Prize", "Win", "commitment", "draw_lots", "winning_odds"]

# More than a fraction of 256 bits has.
_DIGITS: Final = 90
# Seeds that can be guessed by trying are no secret.
_LEAST_SEED: Final = 16
# Floats nearer than that are told apart in many digits.
_NEAR: Final = 1e-9
_RANGE: Final = 1 << 256
# Of each stretch of time that is integrated over.
_NODES: Final = 40
_SCALES: Final = (0.1, 2.0, 20.0)


@attrs.frozen
class Prize:
    """What can be won, and how many of it there are (奖品与库存).

    Attributes
    ----------
    reward
        What one winner gets.
    stock
        How many, at least 1.
    """

    reward: Reward
    stock: int

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.reward, get_args(Reward)):
            hint = "for example Cash(yuan('500'))"
            raise InvalidInputError("reward", self.reward, "a reward", hint)
        require_whole("stock", self.stock, least=1)


@attrs.frozen
class Win:
    """Who won what (中奖).

    Attributes
    ----------
    place
        From 1, in the order of drawing.
    user
        The winner.
    reward
        What they won.
    """

    place: int
    user: str
    reward: Reward


def commitment(seed: str) -> str:
    """Return what to publish before the lottery begins.

    Parameters
    ----------
    seed
        The secret, at least 16 characters that nobody can guess, such as
        ``secrets.token_hex(16)``.

    Returns
    -------
    str
        The SHA-256 of the seed in UTF-8, 64 hexadecimal digits. Nobody finds another
        seed with the same one, the organiser neither.

    Raises
    ------
    InvalidInputError
        If the seed is shorter.

    Examples
    --------
    >>> commitment("an example is no secret")[:16]
    'ea6932da70f41b2d'
    """
    if not isinstance(seed, str) or len(seed) < _LEAST_SEED:
        hint = "secrets.token_hex(16) makes one"
        raise InvalidInputError("seed", "...", "16 characters or more", hint)
    return hashlib.sha256(seed.encode()).hexdigest()


def draw_lots(
    tickets: Mapping[str, int],
    prizes: Sequence[Prize],
    *,
    seed: str,
    committed: str,
    entropy: str,
) -> tuple[Win, ...]:
    """Draw the winners of a lottery, the same ones whoever draws.

    Parameters
    ----------
    tickets
        User -> how many tickets they have, from 0. Nobody wins twice.
    prizes
        The first is drawn first, as often as there are of it.
    seed
        The secret, published now.
    committed
        What was published before: the ``commitment`` of the seed.
    entropy
        What nobody could know before the tickets were closed, so that the organiser
        could not choose tickets to the seed.

    Returns
    -------
    tuple of Win
        As many as there are prizes, or people with a ticket.

    Raises
    ------
    InvalidInputError
        If the seed is not the one committed to, or a field breaks its rule.

    Notes
    -----
    A user with ``w`` tickets is served after ``-ln(u) / w``, where ``u`` is the
    SHA-256 of seed, entropy and user as a fraction; who is served first wins first.
    That is drawing tickets one by one and taking out all of a winner (Efraimidis and
    Spirakis 2006), and it does not depend on the order of the list. Floats decide,
    unless two are so near that a machine's logarithm could: then ninety digits do.
    ``O(n log n)``.

    Examples
    --------
    >>> from wxengage.money import Points
    >>> seed = "an example is no secret"
    >>> wins = draw_lots(
    ...     {"ada": 1, "bo": 5, "cy": 0}, [Prize(Points(10), 3)],
    ...     seed=seed, committed=commitment(seed), entropy="2026031 03-11-19",
    ... )
    >>> [(win.place, win.user) for win in wins]
    [(1, 'bo'), (2, 'ada')]
    """
    if commitment(seed) != committed:
        rule = "the commitment of the seed"
        raise InvalidInputError("committed", committed, rule, "the seed was changed")
    if not isinstance(entropy, str) or not entropy.strip():
        raise InvalidInputError("entropy", entropy, "a text that was not known before")
    counts = _tickets(tickets)
    every = [prize.reward for prize in _prizes(prizes) for _ in range(prize.stock)]
    wait = {
        user: _Wait(_fraction(seed, entropy, user), count)
        for user, count in counts.items()
    }
    ordered = _in_order(wait)
    pairs = zip(ordered, every, strict=False)
    return tuple(Win(n, user, reward) for n, (user, reward) in enumerate(pairs, 1))


def _tickets(tickets: object) -> dict[str, int]:
    if not isinstance(tickets, Mapping):
        raise InvalidInputError("tickets", tickets, "a mapping of users to tickets")
    for user, count in tickets.items():
        require_id("tickets", user)
        require_whole(f"tickets[{user!r}]", count)
    return {user: count for user, count in tickets.items() if count}


def _prizes(prizes: Sequence[Prize]) -> Sequence[Prize]:
    for row, prize in enumerate(prizes):
        if not isinstance(prize, Prize):
            raise InvalidInputError(f"prizes[{row}]", prize, "a Prize")
    return prizes


def _fraction(seed: str, entropy: str, user: str) -> int:
    """Return a number from 1 to 2**256 that only the seed decides."""
    digest = hashlib.sha256()
    for part in (seed, entropy, user):
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return int.from_bytes(digest.digest(), "big") + 1


@attrs.frozen
class _Wait:
    """How long until somebody is served: a fraction, and their tickets."""

    fraction: int
    tickets: int

    def rough(self) -> float:
        """Return it as a float."""
        share = self.fraction / _RANGE
        log = math.log(share) if share < 0.5 else math.log1p(share - 1)  # noqa: PLR2004
        return -log / self.tickets

    def exact(self) -> decimal.Decimal:
        """Return it in ninety digits, correctly rounded on every machine."""
        context = decimal.Context(prec=_DIGITS)
        share = context.divide(decimal.Decimal(self.fraction), decimal.Decimal(_RANGE))
        # A bare minus sign would round to the digits of the caller's context.
        log = context.minus(context.ln(share))
        return context.divide(log, decimal.Decimal(self.tickets))


def _in_order(wait: Mapping[str, _Wait]) -> list[str]:
    """Return users by how long they wait, then by id."""
    rough = {user: each.rough() for user, each in wait.items()}
    ordered = sorted(rough, key=lambda user: (rough[user], user))
    start = 0
    for stop in range(1, len(ordered) + 1):
        near = stop < len(ordered) and (
            rough[ordered[stop]] - rough[ordered[stop - 1]]
            <= _NEAR * rough[ordered[stop]]
        )
        if not near:
            if stop - start > 1:
                some = ordered[start:stop]
                some.sort(key=lambda user: (wait[user].exact(), user))
                ordered[start:stop] = some
            start = stop
    return ordered


def winning_odds(
    tickets: Mapping[str, int], prizes: Sequence[Prize]
) -> dict[str, float]:
    """Return how probable it is for each user to win something.

    Parameters
    ----------
    tickets, prizes
        As for ``draw_lots``.

    Returns
    -------
    dict
        User -> probability from 0 to 1; they sum to the number of winners.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Notes
    -----
    Somebody wins who is served while fewer than all prizes are gone. How many others
    are served by a time is a sum of binomials, one for each number of tickets that
    people have; the time is integrated over by Gauss and Legendre's rule. ``O(c * k *
    log k)`` a node for ``c`` numbers of tickets and ``k`` prizes.

    Examples
    --------
    >>> from wxengage.money import Points
    >>> odds = winning_odds({"ada": 1, "bo": 2, "cy": 1}, [Prize(Points(10), 1)])
    >>> {user: round(odd, 6) for user, odd in odds.items()}
    {'ada': 0.25, 'bo': 0.5, 'cy': 0.25}
    """
    counts = _tickets(tickets)
    winners = sum(prize.stock for prize in _prizes(prizes))
    found = dict.fromkeys(tickets, 0.0)
    if winners >= len(counts):
        return found | dict.fromkeys(counts, 1.0)
    if not winners:
        return found
    weights, people = np.unique(list(counts.values()), return_counts=True)
    odds = _odds(weights.astype(np.float64), people, winners)
    by_weight = dict(zip(weights.tolist(), odds, strict=True))
    return found | {user: by_weight[count] for user, count in counts.items()}


def _odds(weights: Any, people: Any, winners: int) -> list[float]:
    """Return the odds of one person of each weight."""
    nodes, shares = np.polynomial.legendre.leggauss(_NODES)
    edges = _edges(weights, people, winners)
    found = []
    for row, weight in enumerate(weights.tolist()):
        others = people.copy()
        others[row] -= 1
        total = 0.0
        for low, high in itertools.pairwise(edges.tolist()):
            times = low + (high - low) * (nodes + 1) / 2
            free = _still_there(times, weights, others, winners)
            density = weight * np.exp(-weight * times)
            total += float((shares * density * free).sum()) * (high - low) / 2
        found.append(min(total, 1.0))
    return found


def _edges(weights: Any, people: Any, winners: int) -> Any:
    """Return times between which the prizes go, the last one when all are gone."""

    def gone(time: float) -> float:
        return float((people * -np.expm1(-weights * time)).sum())

    low, high = 0.0, 1.0 / float(weights.min())
    while gone(high) < winners:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if gone(middle) < winners else (low, middle)
    spread = 12 / math.sqrt(winners)
    parts = (0.0, max(1 - spread, 0.25), 1.0, 1 + spread, 3 * (1 + spread))
    end = 40 * high * (1 + spread)
    # Whoever has far more tickets than others is served on another scale of time.
    own = (scale / weight for weight in weights.tolist() for scale in _SCALES)
    return np.unique(
        [*(high * part for part in parts), *(t for t in own if t < end), end]
    )


def _still_there(times: Any, weights: Any, others: Any, winners: int) -> Any:
    """Return how probable it is that fewer than all prizes are gone, by time."""
    from scipy.special import gammaln, xlog1py, xlogy  # noqa: PLC0415  slow to import

    some = np.arange(winners)
    law = np.zeros((len(times), winners))
    law[:, 0] = 1.0
    for weight, size in zip(weights.tolist(), others.tolist(), strict=True):
        k = some[some <= size].astype(np.float64)
        served = -np.expm1(-weight * times)[:, None]
        ways = gammaln(size + 1) - gammaln(k + 1) - gammaln(size - k + 1)
        part = np.zeros_like(law)
        part[:, : len(k)] = np.exp(ways + xlogy(k, served) + xlog1py(size - k, -served))
        length = 2 * winners
        both = np.fft.irfft(
            np.fft.rfft(law, length, axis=1) * np.fft.rfft(part, length, axis=1),
            length,
            axis=1,
        )
        law = np.maximum(both[:, :winners], 0.0)
    return law.sum(axis=1)
