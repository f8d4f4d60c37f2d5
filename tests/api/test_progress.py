"""Progress bars in terminals and notebooks, and silence elsewhere."""

import io
import re
import sys
import types
from contextlib import redirect_stderr
from typing import Any

import pytest
import tqdm
import tqdm.auto
import tqdm.notebook

from adobe_nb.api import progress
from adobe_nb.http.limiter import Limiter
from tests.conftest import sign_in


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal that a user looks at, and work that is always long enough for a bar."""
    monkeypatch.setattr(progress, "_SHORT", 0.0)
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.std.tqdm)
    monkeypatch.delenv("ADOBE_NB_PROGRESS", raising=False)
    return Terminal()


def test_terminal_shows_requests_rows_and_rate_and_is_clean_afterwards(
    terminal: Terminal,
) -> None:
    with redirect_stderr(terminal), progress.bar(Limiter(), "rules") as meter:
        meter.expect(4)
        meter.update()
        meter.done(2, rows=1_234)
        meter._shown.mininterval = 0.0
        meter.update()
        assert "rules:  50%" in terminal.getvalue()
        assert "2/4" in terminal.getvalue()
        assert "1,234 rows" in terminal.getvalue()
        assert " request/s" in terminal.getvalue()
    assert terminal.getvalue().rstrip(" ").endswith("\r")


def test_bar_grows_with_further_requests_in_a_notebook_too(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    with redirect_stderr(terminal), progress.bar(Limiter(), "pull") as meter:
        meter.expect(10)
        meter.update()
        meter.expect(90)
        meter.done(10)
        meter._shown.mininterval = 0.0
        meter.update()
        _, widget, _ = meter._shown.container.children
        assert (widget.value, widget.max) == (10, 100)


def test_first_rate_counts_from_the_beginning_of_the_work(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SHORT", 1_000.0)
    with redirect_stderr(terminal), progress.bar(Limiter(), "rules") as meter:
        meter._began -= 1_000.0
        meter.expect(4_000)
        meter.done(2_000)
        meter.update()
    assert "2000/4000" in terminal.getvalue()
    rates = re.findall(r"([\d.]+) request/s", terminal.getvalue())
    assert 1.0 < float(rates[-1]) <= 2.0


@pytest.mark.parametrize("done", [9, 10])
def test_bar_disappears_from_a_notebook_though_it_was_drawn_before_the_last_responses(
    done: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    with redirect_stderr(terminal), progress.bar(Limiter(), "pull") as meter:
        meter.expect(10)
        meter.done(8)
        meter.update()
        shown = meter._shown.container
        meter.done(done - 8)
    _, widget, _ = shown.children
    assert (widget.bar_style, shown.layout.visibility) == ("", "hidden")


@pytest.mark.parametrize(("seconds", "told"), [(0.3, "waiting 1 s"), (17.5, "waiting 18 s")])
def test_bar_says_how_long_the_rate_limit_lasts(
    seconds: float, told: str, terminal: Terminal
) -> None:
    limiter = Limiter(clock=lambda: 0.0)
    limiter._closed_until = seconds
    with redirect_stderr(terminal), progress.bar(limiter, "rules") as meter:
        meter.expect(4)
        meter.update()
    assert f"{told} for the service's rate limit" in terminal.getvalue()


def test_bar_says_which_concurrency_limit_applies(terminal: Terminal) -> None:
    limiter = Limiter()
    with limiter.turn() as turn:
        turn.refused = True
    with redirect_stderr(terminal), progress.bar(limiter, "rules") as meter:
        meter.expect(4)
        meter.update()
        meter.done(1)
        meter._shown.mininterval = 0.0
        meter.update()
    assert "limited to 2 requests at once" in terminal.getvalue()


def test_short_work_shows_no_bar(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SHORT", 1.0)
    with redirect_stderr(terminal), progress.bar(Limiter(), "rules") as meter:
        meter.expect(1)
        meter.update()
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("how", ["switched off", "not interactive"])
def test_no_bar_when_turned_off_or_not_interactive(
    how: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "switched off":
        monkeypatch.setenv("ADOBE_NB_PROGRESS", "off")
    else:
        monkeypatch.setattr(terminal, "isatty", lambda: False)
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with redirect_stderr(terminal), progress.bar(Limiter(), "rules") as meter:
        assert type(meter) is progress.Meter


@pytest.mark.parametrize("kernel", [True, False])
def test_list_of_several_requests_shows_a_bar(
    kernel: bool, simulate: Any, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernel:
        monkeypatch.setattr(terminal, "isatty", lambda: False)
        monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    session = sign_in(simulate())
    shown = []
    monkeypatch.setattr(
        progress._Bar, "close", lambda bar: shown.append((bar._label, bar._done, bar._rows))
    )
    with redirect_stderr(terminal):
        session.reactor.rules(session.reactor.properties())
    assert [label for label, *_ in shown] == ["rules"]  # the others are one request each
    assert all(done > 0 and rows > 0 for _, done, rows in shown)


@pytest.mark.parametrize(
    "call",
    [
        lambda reactor: reactor.companies(),
        lambda reactor: reactor.companies.get(reactor.companies()),
    ],
)
def test_single_request_that_waits_for_the_rate_limit_shows_a_bar(
    call: Any, simulate: Any, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sign_in(simulate())
    session.reactor.companies()
    shown = []
    close = progress._Bar.close

    def closed(bar: Any) -> None:
        shown.append((bar._shown.n, bar._shown.total))
        close(bar)

    monkeypatch.setattr(progress._Bar, "close", closed)
    limiter = session.client.limiter
    limiter._closed_until = limiter._clock() + 1.0
    with redirect_stderr(terminal):
        call(session.reactor)
    assert "companies" in terminal.getvalue()
    assert "for the service's rate limit" in terminal.getvalue()
    assert shown == [(1, 1)]
