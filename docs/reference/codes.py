"""The reference pages of error codes, made from the error catalogs of the package.

The build of the site writes them (``docs/conf.py``).
"""

from adobe_nb.api.edge.error_catalog import EdgeCode, Kind, edge_codes
from adobe_nb.api.reactor.error_catalog import explanations

_NOTE = "<!-- Written by docs/reference/codes.py: do not edit. -->"
_KINDS: dict[Kind, str] = {
    "authorization": "Authorization",
    "input": "The request and its events",
    "configuration": "The datastream",
    "upstream": "Services behind the Edge Network",
    "warning": "Warnings",
    "service": "The Edge Network itself",
}


def pages() -> dict[str, str]:
    """Return every page by file name."""
    return {"reactor-codes.md": reactor_page(), "edge-codes.md": edge_page()}


def reactor_page() -> str:
    sections = []
    gateway = []
    for code, (cause, fix) in explanations().items():
        section = f"### {code}\n\n{cause} **What to do**: {fix}"
        if code.isdigit():
            gateway.append(section)
        else:
            sections.append(section)
    return "\n\n".join(
        [
            f"{_NOTE}\n# Error codes of the Reactor API",
            "An [`ApiError`](python/errors.md) carries the code as `error.code`, and the two "
            "sentences below as `error.cause` and `error.fix`. The codes are from "
            "[Adobe's guide](https://experienceleague.adobe.com/en/docs/experience-platform/tags/"
            "api/guides/errors).",
            "## Codes of the gateway\n\nNumbers of six digits come from the gateway in front of "
            "the API, which checks the token, the client ID and the organization.",
            *gateway,
            "## Codes of Reactor",
            *sections,
        ]
    )


def edge_page() -> str:
    sections = []
    for kind, title in _KINDS.items():
        sections.append(f"## {title}")
        for code in edge_codes().values():
            if code.kind == kind:
                sections.append(_edge_section(code))
    return "\n\n".join(
        [
            f"{_NOTE}\n# Error codes of the Edge Network",
            'In a notebook, `edge.explain("EXEG-0503-401")` returns the row of a code, and finds '
            "codes by Adobe's title or message, too; `edge.errors()` returns all of them. The codes "
            "and titles are from [Adobe's page](https://developer.adobe.com/data-collection-apis/"
            "docs/resources/troubleshooting/).",
            *sections,
        ]
    )


def _edge_section(code: EdgeCode) -> str:
    wording = f"*{code.title}*"
    if code.message != code.title:
        wording += f", also *{code.message}*"
    return "\n\n".join(
        [
            f"### {code.code}",
            f"{wording} (HTTP status {code.status})",
            f"{code.cause} **What to do**: {code.fix} **Send it again**: {code.send_again}.",
        ]
    )
