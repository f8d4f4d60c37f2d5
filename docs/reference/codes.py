"""The reference pages of error codes, made from the error catalogs of the package.

The build of the site writes them (``docs/conf.py``).
"""

from adobe_nb.api.edge.error_catalog import EdgeCode, edge_codes
from adobe_nb.api.reactor.error_catalog import explanations

_NOTE = "<!-- Written by docs/reference/codes.py: do not edit. -->"


def pages() -> dict[str, str]:
    """Return every page by file name."""
    return {"reactor-codes.md": reactor_page(), "edge-codes.md": edge_page()}


def reactor_page() -> str:
    sections = []
    gateway = []
    for code, (cause, fix) in explanations().items():
        section = f"### {code}\n\n{cause}\n\n**What to do**: {fix}"
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
            "the API, which checks the token, the client id and the organization.",
            *gateway,
            "## Codes of Reactor",
            *sections,
        ]
    )


def edge_page() -> str:
    return "\n\n".join(
        [
            f"{_NOTE}\n# Error codes of the Edge Network",
            'In a notebook, `edge.explain("EXEG-0503-401")` returns the row of a code, and finds '
            "codes by Adobe's title or message, too; `edge.errors()` returns all of them. The last "
            "digits of a code are a status, but an event that only one service behind the Edge "
            "Network refused is answered with 207 or 200. The codes and titles are from [Adobe's "
            "page](https://developer.adobe.com/data-collection-apis/docs/resources/"
            "troubleshooting/).",
            *map(_edge_section, edge_codes().values()),
        ]
    )


def _edge_section(code: EdgeCode) -> str:
    wording = f"“{code.title}”"
    if code.message != code.title:
        wording += f", also “{code.message}”"
    return "\n\n".join(
        [
            f"## {code.code}",
            f"{wording}. HTTP status {code.status}.",
            code.cause,
            f"**What to do**: {code.fix} **Send it again**: {code.send_again}.",
        ]
    )
