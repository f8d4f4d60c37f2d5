"""Refusals of the simulated service, as exceptions that the app turns into JSON:API errors."""


class Problem(Exception):
    """One error object: HTTP status, code of Adobe's list (or ours, see docs/simulator.md),
    sentence, pointer.
    """

    def __init__(self, status: int, code: str, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.pointer = pointer

    @property
    def title(self) -> str:
        """The code in words."""
        if self.code == "not-found":
            return "Record Not Found"
        return self.code.replace("-", " ").replace("_", " ").capitalize()


def malformed(detail: str, pointer: str = "/data") -> Problem:
    """400: the document is not what the schema says."""
    return Problem(400, "invalid-document", detail, pointer)


def conflict(code: str, detail: str, pointer: str = "/data") -> Problem:
    """409: the state of things does not allow it."""
    return Problem(409, code, detail, pointer)


def not_found(what: str) -> Problem:
    """404."""
    return Problem(404, "not-found", f"There is nothing at {what} for you.")


def not_authorized(right: str) -> Problem:
    """403: the account lacks a right."""
    return Problem(403, "not-authorized", f"The account lacks the right {right}.")
