"""Errors of the simulated service, as exceptions that the app turns into JSON:API errors."""


class Problem(Exception):
    """One error object: HTTP status, code, detail and pointer.

    Codes are those of Adobe's list, or ours: see docs/simulator.md.
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
    """Return a 400: the document does not fit Adobe's schema."""
    return Problem(400, "invalid-document", detail, pointer)


def conflict(code: str, detail: str, pointer: str = "/data") -> Problem:
    """Return a 409: the current state does not allow the request."""
    return Problem(409, code, detail, pointer)


def not_found(path: str) -> Problem:
    """Return a 404: there is nothing at the path that the account may see."""
    return Problem(404, "not-found", f"No resource at {path}, or no access to it.")


def not_authorized(right: str) -> Problem:
    """Return a 403: the account lacks a right."""
    return Problem(403, "not-authorized", f"The account lacks the right {right}.")
