"""What the library and lifetimes do with customers, ready to be timed."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from customers import COLUMNS, PACES
from jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from customers import Customers
    from numpy.typing import NDArray
    from timing import Digests

__all__ = ["HORIZON", "OWN", "PEER", "PEER_GROUPED", "make_job", "unequal"]

OWN: Final = "wxengage"
PEER: Final = "lifetimes"
PEER_GROUPED: Final = "lifetimes, grouped"
#: Days ahead that are scored.
HORIZON: Final = 90.0
_SOON: Final = 30.0
#: How far answers may be apart: of the value, where it is above 1. The peer's search
#: for the parameters stops before the last digits.
_WITHIN: Final = {"loglik": 1e-10, "purchases": 1e-6, "p_alive": 1e-6}
_WITHIN_PARAMETERS: Final = 1e-3

_Columns = tuple["NDArray[np.float64]", ...]


def make_job(work: str, engine: str, customers: Customers, scratch: Path) -> Job:
    """Make an engine ready for a comparison.

    Parameters
    ----------
    work
        ``"B1"`` to ``"B6"``.
    engine
        Its name in that comparison.
    customers
        Whom it is about.
    scratch
        Not needed.

    Returns
    -------
    Job
        Ready.
    """
    del scratch
    columns = tuple(customers.column(name) for name in COLUMNS)
    if work == "B6":
        return Job(lambda: columns, _fit_and_score, _params, _plain)
    own = engine == OWN
    if work in {"B4", "B5"}:
        predict = (_our_prediction if own else _their_prediction)(work)
        name = "purchases" if work == "B4" else "p_alive"
        return Job(lambda: columns[:3], predict, lambda found: {name: found}, _plain)
    rows, weights = _fitted_rows(work, columns), None
    if engine == PEER_GROUPED:
        rows, weights = _grouped(rows)
    fit = (_our_fit if own else _their_fit)(work)
    answer = _our_answer if own else partial(_their_answer, rows)
    return Job(lambda: rows, lambda rows: fit(*rows, weights=weights), answer, _plain)


def _fitted_rows(work: str, columns: _Columns) -> _Columns:
    """Return what a model is fitted to: purchases, or values of who came back."""
    x, t_x, age, mean_value = columns
    if work != "B3":
        return x, t_x, age
    return x[x > 0], mean_value[x > 0]


def _grouped(rows: _Columns) -> tuple[_Columns, NDArray[np.int64]]:
    """Return the distinct rows, and how often each is there."""
    import pandas as pd

    names = [str(place) for place in range(len(rows))]
    table = pd.DataFrame(dict(zip(names, rows, strict=True)))
    table = table.groupby(names, as_index=False).size()
    return tuple(table[name].to_numpy() for name in names), table["size"].to_numpy()


# --- wxengage --------------------------------------------------------------


def _our_fit(work: str) -> Callable[..., Any]:
    from wxengage.stats.btyd import fit_bgnbd, fit_gamma_gamma, fit_mbgnbd

    return {"B1": fit_bgnbd, "B2": fit_mbgnbd, "B3": fit_gamma_gamma}[work]


def _our_answer(model: Any) -> dict[str, Any]:
    return dict(model.params) | {"loglik": model.loglik}


def _our_prediction(work: str) -> Callable[[_Columns], Any]:
    from wxengage.stats.btyd import BgNbd

    model = BgNbd(**PACES)
    if work == "B4":
        return lambda rows: model.expected_purchases(HORIZON, *rows)
    return lambda rows: model.p_alive(*rows)


def _fit_and_score(columns: _Columns) -> dict[str, Any]:
    """Fit both models to all customers, and ask them everything about each."""
    from wxengage.stats.btyd import fit_bgnbd, fit_gamma_gamma

    x, t_x, age, mean_value = columns
    back = x > 0
    purchases = fit_bgnbd(x, t_x, age)
    values = fit_gamma_gamma(x[back], mean_value[back])
    return {
        "purchases": purchases,
        "values": values,
        "p_alive": purchases.p_alive(x, t_x, age),
        "p_active": purchases.p_active(_SOON, x, t_x, age),
        "expected_purchases": purchases.expected_purchases(HORIZON, x, t_x, age),
        "expected_value": values.expected_value(x, mean_value),
    }


def _params(found: Mapping[str, Any]) -> dict[str, Any]:
    return _our_answer(found["purchases"]) | dict(found["values"].params)


# --- lifetimes -------------------------------------------------------------


def _lifetimes() -> Any:
    with warnings.catch_warnings():
        # It sets an option of pandas that pandas 3 has no use for.
        warnings.filterwarnings("ignore", "The 'mode.chained_assignment' option")
        import lifetimes
    return lifetimes


def _their_fit(work: str) -> Callable[..., Any]:
    peer = _lifetimes()
    fitter = {
        "B1": peer.BetaGeoFitter,
        "B2": peer.ModifiedBetaGeoFitter,
        "B3": peer.GammaGammaFitter,
    }[work]
    # With its default of 1e-7 Gamma-Gamma ends in an error on some of our sizes.
    tolerance = 1e-6 if work == "B3" else 1e-7
    return partial(fitter().fit, tol=tolerance)


def _their_answer(rows: _Columns, fitter: Any) -> dict[str, Any]:
    """Return what they found; their likelihood is a mean, with ages below 1."""
    weights = fitter.data["weights"].to_numpy()
    mean: float = fitter._negative_log_likelihood_
    unit = float(np.log(getattr(fitter, "_scale", 1.0)))
    loglik = -mean * weights.sum() + unit * (weights @ rows[0])
    return fitter.params_.to_dict() | {"loglik": loglik}


def _their_prediction(work: str) -> Callable[[_Columns], Any]:
    import pandas as pd

    fitter = _lifetimes().BetaGeoFitter()
    fitter.params_ = pd.Series(PACES)
    if work == "B4":
        ahead = fitter.conditional_expected_number_of_purchases_up_to_time
        return lambda rows: ahead(HORIZON, *rows)
    return lambda rows: fitter.conditional_probability_alive(*rows)


# --- answers ---------------------------------------------------------------


def _plain(answer: Mapping[str, Any]) -> dict[str, list[float]]:
    return {name: np.atleast_1d(column).tolist() for name, column in answer.items()}


def unequal(found: Digests) -> list[str]:
    """Return in what engines do not agree with the first one.

    Parameters
    ----------
    found
        Numbers by name, by engine.

    Returns
    -------
    list of str
        ``"engine: name"`` each; empty when all answers are as near as we ask.
    """
    (first, right), *others = found.items()
    said = []
    for engine, answer in others:
        for name, values in right.items():
            ours, theirs = np.array(values), np.array(answer.get(name, np.nan))
            within = _WITHIN.get(name, _WITHIN_PARAMETERS)
            room = within * np.maximum(np.abs(ours), 1.0 if name in _WITHIN else 0.0)
            if ours.shape != theirs.shape or not (abs(theirs - ours) <= room).all():
                said.append(f"{engine}: {name} is not what {first} says")
    return said
