"""One command per check: ``nox -s tests``, ``nox -s lint``, ``nox -l`` for all."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = [
    "tests",
    "no_extras",
    "lint",
    "types",
    "floors",
    "docs",
    "api",
]

PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; a missing interpreter is skipped and said."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11")
def coverage(session: nox.Session) -> None:
    """Run the tests with branch coverage."""
    session.install("-e", ".[dev,spark]")
    session.run("pytest", "--cov", "--cov-fail-under=95", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    if session.venv_backend != "uv":
        session.skip("uv is not installed, and only uv resolves to the lowest versions")
    session.install("--resolution=lowest-direct", "-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11")
def wechatpy_alpha(session: nox.Session) -> None:
    """Run what speaks to WeChat with the alpha of wechatpy 2 as well."""
    session.install("-e", ".[dev]", "wechatpy[cryptography]==2.0.0a26")
    session.run("pytest", "tests/adapters", "tests/testing", *session.posargs)


@nox.session(python="3.11")
def no_extras(session: nox.Session) -> None:
    """Run the tests with no extra at all: what needs one skips, with its reason."""
    session.install("-e", ".", "pytest>=8.3", "hypothesis>=6.112", "sybil>=9")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Check the types of the package and of its tests."""
    session.install("-e", ".[dev]")
    session.run("mypy", "wxengage", "tests", "conftest.py", "noxfile.py")


@nox.session(python="3.11")
def floors(session: nox.Session) -> None:
    """Check that every import points down."""
    session.install("-e", ".", "import-linter>=2.3")
    session.run("lint-imports")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Build the documentation in both languages; a warning is an error."""
    session.install("-e", ".[docs]")
    for language in ("en", "zh"):
        session.run("mkdocs", "build", "--strict", "-f", f"mkdocs.{language}.yml")


@nox.session(python="3.11")
def api(session: nox.Session) -> None:
    """Compare the public names with those of the last release."""
    tags = session.run(
        *("git", "tag", "--list", "v*", "--sort=-v:refname"),
        external=True,
        silent=True,
    )
    if not tags:
        session.skip("no release tag yet: nothing to compare with")
    session.install("griffe>=1.6")
    session.run("griffe", "check", "wxengage", "--against", str(tags).split()[0])


@nox.session(python="3.11")
@nox.parametrize("program", [nox.param(one, id=one) for one in ("segments", "btyd")])
def bench(session: nox.Session, program: str) -> None:
    """Measure against the libraries one would take instead; "bench(btyd)" for one."""
    session.install("-e", ".[bench,spark]")
    session.run("python", f"benchmarks/{program}.py", *session.posargs)


@nox.session(python="3.11")
def torture(session: nox.Session) -> None:
    """Run the long tests that break things on purpose; there are none yet (exit 5)."""
    session.install("-e", ".[dev,spark]")
    session.run("pytest", "-m", "torture", *session.posargs, success_codes=[0, 5])
