"""What is installed (版本信息): the first lines of a report of a fault."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXTRAS", "show_versions"]

#: Extra -> the packages that it brings; "" is what always comes along.
EXTRAS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "": ("attrs", "cattrs", "narwhals", "numpy", "scipy"),
        "files": ("pyarrow",),
        "report": ("altair", "jinja2", "vl-convert-python"),
        "cn": ("chinesecalendar", "opencc"),
        "spark": ("pyspark",),
        "wechat": ("wechatpy",),
        "pay": ("wechatpayv3",),
        "postgres": ("psycopg",),
        "mysql": ("PyMySQL",),
    }
)
# Not ours to bring, but their versions explain most surprises.
_FRAMES: Final = ("pandas", "polars", "duckdb", "ibis-framework")
_WIDTH: Final = 18


def show_versions() -> str:
    """Return the versions of the library and of what it stands on.

    Returns
    -------
    str
        One line each, for ``print``. A package that is missing is followed by
        the extra that brings it. No package is imported to find out.

    Examples
    --------
    >>> print(show_versions().splitlines()[0].split()[0])
    wxengage
    """
    lines = [
        _line("wxengage", __version__),
        _line("python", f"{platform.python_version()} on {platform.platform()}"),
        _line("sqlite", sqlite3.sqlite_version),
    ]
    for extra, packages in EXTRAS.items():
        mend = f"missing: pip install 'wxengage{extra and f'[{extra}]'}'"
        lines += [_line(package, _installed(package) or mend) for package in packages]
    lines += [_line(package, _installed(package) or "missing") for package in _FRAMES]
    return "\n".join(lines)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _line(name: str, said: str) -> str:
    return f"{name:<{_WIDTH}} {said}"
