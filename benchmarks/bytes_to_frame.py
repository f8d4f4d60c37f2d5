"""From the bytes of 1,000 pages of 100 rules to a typed frame: against json.loads and
json_normalize, and by decoder.

The pages are those of the simulator with ids, names and dates of their own: 100,000 rules, each of
them different. Where all dates are the same, `pandas.to_datetime` looks most of them up; that
flatters, so both are shown. Each measurement is a process of its own, since what one leaves behind
makes the garbage collector of the next one work. Seconds are the processor's: others on the machine
hardly show in them.

    python benchmarks/bytes_to_frame.py
"""

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
    """A page of 100 rules, as the simulator gives it."""
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
    """Many pages of different rules; ``distinct`` dates, and an attribute that the table does not
    know.
    """
    document = json.loads(page)
    document["meta"]["pagination"] |= {"total_count": PAGES * 100, "total_pages": PAGES}
    made = []
    for number in range(PAGES):
        for at, rule in enumerate(document["data"]):
            index = number * 100 + at
            rule["id"] = f"RL{index:032x}"
            attributes = rule["attributes"]
            attributes["name"] = f"Rule {index}"
            if distinct:
                moment = _BEGAN + timedelta(seconds=61 * index, milliseconds=index % 997)
                attributes["created_at"] = _stamp(moment)
                attributes["updated_at"] = _stamp(moment + timedelta(seconds=7 * index))
            if unknown:
                attributes["colour"] = f"shade {index}"
        made.append(json.dumps(document, separators=(",", ":")).encode())
    return made


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def ours(bodies: list[bytes]) -> pd.DataFrame:
    """As a pull does it: each page into columns, a few thousand rows at a time into arrays."""
    from adobe_nb.api.reactor.decoding import Decoder
    from adobe_nb.api.reactor.frames import FrameBuilder
    from adobe_nb.registry import RESOURCES

    row = RESOURCES["rules"]
    decoder, builder = Decoder(row), FrameBuilder(row, "properties")
    for number, body in enumerate(bodies):
        builder.add(decoder(body, "/rules"), (number,), "PR0")
    return builder.frame()


def plain(bodies: list[bytes], decode: Callable[[bytes], Any]) -> pd.DataFrame:
    """The same from documents, whichever decoder made them."""
    from adobe_nb.api.reactor.frames import FrameBuilder
    from adobe_nb.registry import RESOURCES

    builder = FrameBuilder(RESOURCES["rules"], "properties")
    for number, body in enumerate(bodies):
        documents = decode(body)["data"]
        builder.add_documents(documents, ["PR0"] * len(documents), (number,))
    return builder.frame()


def normalized(bodies: list[bytes]) -> pd.DataFrame:
    """What everybody writes first. Dates stay texts in it."""
    return pd.json_normalize(
        [rule for page in [json.loads(body) for body in bodies] for rule in page["data"]]
    )


def parsed(bodies: list[bytes], decode: Callable[[bytes], Any]) -> None:
    """Decode page by page, each dropped at once."""
    for body in bodies:
        decode(body)


def decoders() -> dict[str, Callable[[bytes], Any]]:
    """Those that make plain documents; orjson where it is installed."""
    import msgspec

    found: dict[str, Callable[[bytes], Any]] = {
        "json": json.loads,
        "msgspec, generic": msgspec.json.Decoder().decode,
    }
    try:
        import orjson
    except ImportError:
        return found
    return {
        "json": json.loads,
        "orjson": orjson.loads,
        "msgspec, generic": found["msgspec, generic"],
    }


def work(what: str, bodies: list[bytes]) -> object:
    """One thing to measure, by its name."""
    kind, _, name = what.partition(": ")
    if kind == "ours":
        return ours(bodies)
    if kind == "normalized":
        return normalized(bodies)
    if kind == "typed":
        from adobe_nb.api.reactor.decoding import Decoder
        from adobe_nb.registry import RESOURCES

        decoder = Decoder(RESOURCES["rules"])
        return parsed(bodies, lambda body: decoder(body, "/rules"))
    return (parsed if kind == "parsed" else plain)(bodies, decoders()[name])


def seconds(
    page: bytes,
    names: list[str],
    *,
    times: int = TIMES,
    distinct: bool = True,
    unknown: bool = False,
) -> dict[str, float]:
    """Processor seconds: the best of several runs of each, in turn, so that a slow moment strikes
    all of them.
    """
    bodies = pages(page, distinct=distinct, unknown=unknown)
    gc.collect()
    runs: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        work(name, bodies[:20])
    for _ in range(times):
        for name in names:
            runs[name].append(worked(lambda name=name: work(name, bodies)))
            gc.collect()
    return {name: min(found) for name, found in runs.items()}


def rows(page: bytes) -> Iterator[tuple[str, ...]]:
    recent = int(pd.__version__.partition(".")[0]) >= 3
    most = 0.8 if recent else 1.2
    for distinct in (True, False):
        found, slow = _in_turn(page, distinct=distinct)
        dates = "every date another" if distinct else "always the same dates"
        ratio = slow / found["ours"]
        figure = f"{found['ours']:.2f} s"
        yield (
            dates,
            figure,
            f"json_normalize: {slow:.2f} s",
            f"{ratio:.1f} times faster",
            reached(ratio, least=8),
        )
        ratio = found["ours"] / found["parsed: json"]
        wanted = reached(ratio, most=most) if distinct else ""
        yield (
            dates,
            figure,
            f"json.loads alone: {found['parsed: json']:.2f} s",
            f"{ratio:.2f}",
            wanted,
        )
    base, more = (
        fresh(seconds, page, ["ours"], unknown=unknown)["ours"] for unknown in (False, True)
    )
    ratio = more / base
    yield (
        "an unknown attribute",
        f"{more:.2f} s",
        f"without: {base:.2f} s",
        f"{ratio:.2f}",
        reached(ratio, most=1.5),
    )
    names = [f"{kind}: {name}" for name in decoders() for kind in ("parsed", "plain")]
    found = fresh(seconds, page, [*names, "typed", "ours"], times=2)
    least = found["parsed: json"]
    for name in decoders():
        yield _decoder(name, found[f"parsed: {name}"], found[f"plain: {name}"], least)
    yield _decoder("msgspec, typed", found["typed"], found["ours"], least)


def _in_turn(page: bytes, *, distinct: bool) -> tuple[dict[str, float], float]:
    """Ours and json.loads, and json_normalize: it leaves so much behind that it has processes of
    its own.
    """
    ours: list[dict[str, float]] = []
    slow: list[float] = []
    for _ in range(TIMES):
        ours.append(fresh(seconds, page, ["parsed: json", "ours"], distinct=distinct))
        slow.append(fresh(seconds, page, ["normalized"], times=1, distinct=distinct)["normalized"])
    return {name: min(found[name] for found in ours) for name in ours[0]}, min(slow)


def _decoder(name: str, alone: float, framed: float, least: float) -> tuple[str, ...]:
    ratios = f"{alone / least:.2f}; {framed / least:.2f}"
    return (
        f"decoder {name}",
        f"{alone:.2f} s; {framed:.2f} s to a frame",
        f"json.loads alone: {least:.2f} s",
        ratios,
        "",
    )


def main() -> None:
    page = template()
    print(f"{PAGES:,} pages of 100 rules, {len(page):,} bytes each; pandas {pd.__version__}")
    show(list(rows(page)), "what", "ours", "against", "ratio", "wanted")


if __name__ == "__main__":
    main()
