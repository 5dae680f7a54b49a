"""Buy till you die (购买至流失模型): who is alive, and what they will buy."""

from wxengage.stats.btyd.beta_bernoulli import BgBb, fit_bgbb
from wxengage.stats.btyd.beta_geometric import BgNbd, MbgNbd, fit_bgnbd, fit_mbgnbd
from wxengage.stats.btyd.fitting import Fit
from wxengage.stats.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from wxengage.stats.btyd.geometric import Sbg, fit_sbg
from wxengage.stats.btyd.pareto import ParetoNbd, fit_pareto_nbd

__all__ = [
    "BgBb",
    "BgNbd",
    "Fit",
    "GammaGamma",
    "MbgNbd",
    "ParetoNbd",
    "Sbg",
    "fit_bgbb",
    "fit_bgnbd",
    "fit_gamma_gamma",
    "fit_mbgnbd",
    "fit_pareto_nbd",
    "fit_sbg",
]
