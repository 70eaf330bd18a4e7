"""The checks of this project, one session each: `nox -l` lists them, `nox -s lint types` runs two.

Sessions run in the environment that nox itself runs in, which has the extra `dev`. Those that need
another interpreter, or older libraries, make an environment of their own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "layers", "security", "contract", "docs", "quick"]

LOWEST = (
    *("tests/connection", "tests/subtools/test_wrong_calls.py", "tests/subtools/test_arguments.py"),
    *("tests/calls/test_reply.py", "tests/test_tool.py", "tests/test_tool_reads.py"),
)
"""What the base install's libraries decide: how arguments are read, and how requests are sent."""

SLOW_NETWORKS = "tests/connection/test_unreachable.py"


def python(session: nox.Session, *command: str) -> None:
    """Run a module of the environment that nox runs in."""
    session.run(sys.executable, "-m", *command, external=True)


def customerio_tool(session: nox.Session, *words: str) -> None:
    """Run our own command, of the environment that nox runs in."""
    session.run(str(Path(sys.executable).with_name("customerio-tool")), *words, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style and the format of all Python."""
    python(session, "ruff", "check", ".")
    python(session, "ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check all types, strictly."""
    python(session, "mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that each module imports from lower layers only."""
    session.run(str(Path(sys.executable).with_name("lint-imports")), external=True)


@nox.session
def security(session: nox.Session) -> None:
    """Look for what is known to be unsafe."""
    python(session, "bandit", "-q", "-r", "customerio_tool", "-c", "pyproject.toml")


@nox.session
def contract(session: nox.Session) -> None:
    """Check that every generated file is what the declarations give."""
    customerio_tool(session, "publish", "--check")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning, or a link to nowhere, is an error."""
    python(session, "zensical", "build", "--clean", "--strict", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build both distributions, and check what an index would refuse."""
    with tempfile.TemporaryDirectory() as folder:
        python(session, "build", "--no-isolation", "--outdir", folder, ".")
        python(session, "twine", "check", "--strict", *map(str, Path(folder).iterdir()))


@nox.session
def quick(session: nox.Session) -> None:
    """Run the tests that tell most in least time: under a minute on two cores."""
    python(session, "pytest", "--quick", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test. `REQUIRE_ALL=1` makes a skipped one a failure."""
    python(session, "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the quick tests, and count the lines and branches that they reach."""
    python(
        session, "pytest", "--quick", "--cov", "--cov-report=term:skip-covered", *session.posargs
    )


@nox.session
def speed(session: nox.Session) -> None:
    """Measure at small sizes; fail where a ratio is 25 % worse than it must be."""
    python(session, "benchmarks", "--short", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Break a target on purpose and see which tests notice: `-- run policy` (extra `mutants`)."""
    python(session, "tests.mutation", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Let the demo prove every subtool on the local Customer.io."""
    customerio_tool(session, "demo")


@nox.session(venv_backend="venv")
def lowest(session: nox.Session) -> None:
    """Run on the lowest versions that pyproject.toml allows, and the oldest urllib3 in use."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    bounds = [bound.replace(">=", "==") for bound in project["dependencies"]]
    session.install("-q", "-e", ".[checks]", *bounds)
    # Both refuse that urllib3.
    session.run_install("pip", "uninstall", "-q", "-y", "types-requests", "customerio")
    session.install("-q", "urllib3==1.26.20")
    if not os.environ.get("INSTALL_ONLY"):
        # Those libraries decide nothing about networks that do not answer.
        unasked = ("--ignore", SLOW_NETWORKS)
        session.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *LOWEST, *unasked)


@nox.session(venv_backend="venv", python=["3.10", "3.13"])
def wheel(session: nox.Session) -> None:
    """Install the wheel alone, on the oldest and the newest Python, and let it play the demo."""
    with tempfile.TemporaryDirectory() as folder:
        python(session, "build", "--wheel", "--no-isolation", "--outdir", folder, ".")
        (built,) = Path(folder).iterdir()
        session.install("-q", f"{built}[all]")
        session.chdir(folder)
        session.run("customerio-tool", "demo")
