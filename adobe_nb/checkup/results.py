"""The result of a check."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem", "unknown"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, and what to do about it."""

    check: str
    status: Status
    detail: str
    advice: str = ""


def problem_of(check: str, message: str, status: Status = "problem") -> Result:
    """Return the result for an error, whose message ends with what to do."""
    detail, dot, advice = " ".join(message.split()).partition(". ")
    return Result(check, status, detail + dot.strip(), advice)
