"""Turn the bytes of 1,000 pages of 100 rules into a typed frame.

Compares with json.loads and json_normalize, and several decoders with each other.

The pages are those of the simulator with ids, names and dates of their own: 100,000 different
rules. Equal dates flatter `pandas.to_datetime`, which caches them, so both cases are shown. Each
measurement runs in a process of its own, because the garbage of one slows down the next. Seconds
are processor seconds, which depend little on other work on the machine.

    python benchmarks/bytes_to_frame.py
"""

import contextlib
import gc
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd
from measuring import fresh, headers, reached, show, simulator, worked

PAGES = 1_000
TIMES = 3
_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)


def template() -> bytes:
    """Return a page of 100 rules of the simulator."""
    import requests

    with simulator("--seed", "empty", "--properties", 1, "--rules", 100, "--components", 4) as (
        about,
        _,
        _,
    ):
        get = partial(requests.get, headers=headers(about), params={"page[size]": 100}, timeout=60)
        company = f"{about['reactor_url']}/companies/{about['company_id']}"
        first = get(f"{company}/properties").json()["data"][0]["id"]
        return get(f"{about['reactor_url']}/properties/{first}/rules").content


def pages(page: bytes, *, distinct: bool = True, unknown: bool = False) -> list[bytes]:
    """Return pages of different rules, with distinct dates or an unknown attribute."""
    document = json.loads(page)
    document["meta"]["pagination"] |= {"total_count": PAGES * 100, "total_pages": PAGES}
    made = []
    for number in range(PAGES):
        for position, rule in enumerate(document["data"]):
            index = number * 100 + position
            rule["id"] = f"RL{index:032x}"
            attributes = rule["attributes"]
            attributes["name"] = f"Rule {index}"
            if distinct:
                date = _BEGAN + timedelta(seconds=61 * index, milliseconds=index % 997)
                attributes["created_at"] = _api_date(date)
                attributes["updated_at"] = _api_date(date + timedelta(seconds=7 * index))
            if unknown:
                attributes["colour"] = f"shade {index}"
        made.append(json.dumps(document, separators=(",", ":")).encode())
    return made


def _api_date(date: datetime) -> str:
    return f"{date:%Y-%m-%dT%H:%M:%S}.{date.microsecond // 1000:03d}Z"


def ours(bodies: list[bytes]) -> pd.DataFrame:
    """Do what a list does: pages become columns, a few thousand rows at a time become arrays."""
    from adobe_nb.api.reactor.decoding import Decoder
    from adobe_nb.api.reactor.frames import FrameBuilder
    from adobe_nb.registry import RESOURCES

    row = RESOURCES["rules"]
    decoder, builder = Decoder(row), FrameBuilder(row, "properties")
    for number, body in enumerate(bodies):
        builder.add(decoder(body, "/rules"), (number,), "PR0")
    return builder.frame()


def plain(bodies: list[bytes], decode: Callable[[bytes], Any]) -> pd.DataFrame:
    """Do the same from documents of any decoder."""
    from adobe_nb.api.reactor.frames import FrameBuilder
    from adobe_nb.registry import RESOURCES

    builder = FrameBuilder(RESOURCES["rules"], "properties")
    for number, body in enumerate(bodies):
        documents = decode(body)["data"]
        builder.add_documents(documents, (number,), "PR0")
    return builder.frame()


def normalized(bodies: list[bytes]) -> pd.DataFrame:
    """Do what most people write first. Dates stay text."""
    rules: list[dict[str, Any]] = []
    for body in bodies:
        rules += json.loads(body)["data"]
    return pd.json_normalize(rules)


def parsed(bodies: list[bytes], decode: Callable[[bytes], Any]) -> None:
    """Decode page by page, and keep nothing."""
    for body in bodies:
        decode(body)


def decoders() -> dict[str, Callable[[bytes], Any]]:
    """Return the decoders of plain documents, with orjson where it is installed."""
    import msgspec

    by_name: dict[str, Callable[[bytes], Any]] = {"json": json.loads}
    with contextlib.suppress(ImportError):
        import orjson

        by_name["orjson"] = orjson.loads
    by_name["msgspec, generic"] = msgspec.json.Decoder().decode
    return by_name


def work(task: str, bodies: list[bytes]) -> object:
    """Do one of the measured tasks."""
    step, _, name = task.partition(": ")
    if step == "ours":
        return ours(bodies)
    if step == "normalized":
        return normalized(bodies)
    if step == "typed":
        from adobe_nb.api.reactor.decoding import Decoder
        from adobe_nb.registry import RESOURCES

        decoder = Decoder(RESOURCES["rules"])
        return parsed(bodies, lambda body: decoder(body, "/rules"))
    if step == "parsed":
        return parsed(bodies, decoders()[name])
    return plain(bodies, decoders()[name])


def seconds(
    page: bytes,
    names: list[str],
    *,
    times: int = TIMES,
    distinct: bool = True,
    unknown: bool = False,
) -> dict[str, float]:
    """Return the best processor seconds of several runs, in turn, so that all meet slow times."""
    bodies = pages(page, distinct=distinct, unknown=unknown)
    gc.collect()
    runs: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        work(name, bodies[:20])
    for _ in range(times):
        for name in names:
            runs[name].append(worked(lambda name=name: work(name, bodies)))
            gc.collect()
    return {name: min(times_of_name) for name, times_of_name in runs.items()}


def rows(page: bytes) -> Iterator[tuple[str, ...]]:
    recent = int(pd.__version__.partition(".")[0]) >= 3
    most = 0.8 if recent else 1.2
    for distinct in (True, False):
        fast, slow = _in_turn(page, distinct=distinct)
        dates = "distinct dates" if distinct else "equal dates"
        ratio = slow / fast["ours"]
        figure = f"{fast['ours']:.2f} s"
        yield (
            dates,
            figure,
            f"json_normalize: {slow:.2f} s",
            f"{ratio:.1f} times faster",
            reached(ratio, least=8),
        )
        ratio = fast["ours"] / fast["parsed: json"]
        target = reached(ratio, most=most) if distinct else ""
        yield (
            dates,
            figure,
            f"json.loads alone: {fast['parsed: json']:.2f} s",
            f"{ratio:.2f}",
            target,
        )
    base = fresh(seconds, page, ["ours"])["ours"]
    more = fresh(seconds, page, ["ours"], unknown=True)["ours"]
    ratio = more / base
    yield (
        "an unknown attribute",
        f"{more:.2f} s",
        f"without: {base:.2f} s",
        f"{ratio:.2f}",
        reached(ratio, most=1.5),
    )
    names = [f"{step}: {name}" for name in decoders() for step in ("parsed", "plain")]
    best = fresh(seconds, page, [*names, "typed", "ours"], times=2)
    base = best["parsed: json"]
    for name in decoders():
        yield _decoder(name, best[f"parsed: {name}"], best[f"plain: {name}"], base)
    yield _decoder("msgspec, typed", best["typed"], best["ours"], base)


def _in_turn(page: bytes, *, distinct: bool) -> tuple[dict[str, float], float]:
    """Return the seconds of our code and json.loads, and those of json_normalize.

    json_normalize leaves so much garbage that it gets processes of its own.
    """
    fast: list[dict[str, float]] = []
    slow: list[float] = []
    for _ in range(TIMES):
        fast.append(fresh(seconds, page, ["parsed: json", "ours"], distinct=distinct))
        slow.append(fresh(seconds, page, ["normalized"], times=1, distinct=distinct)["normalized"])
    best = {name: min(run[name] for run in fast) for name in fast[0]}
    return best, min(slow)


def _decoder(name: str, alone: float, framed: float, base: float) -> tuple[str, ...]:
    ratios = f"{alone / base:.2f}; {framed / base:.2f}"
    return (
        f"decoder {name}",
        f"{alone:.2f} s; {framed:.2f} s to a frame",
        f"json.loads alone: {base:.2f} s",
        ratios,
        "",
    )


def main() -> None:
    page = template()
    print(f"{PAGES:,} pages of 100 rules, {len(page):,} bytes each; pandas {pd.__version__}")
    show(list(rows(page)), "what", "ours", "against", "ratio", "target")


if __name__ == "__main__":
    main()
