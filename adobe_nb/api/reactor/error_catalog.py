"""What a refusal means: every error code of Reactor and of the gateway before it, and the error
that is raised for it.

Codes: Adobe's error guide,
https://experienceleague.adobe.com/en/docs/experience-platform/tags/api/guides/errors
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from adobe_nb.errors import ApiError, NotAllowed, NotFound, RateLimited
from adobe_nb.http.messages import Request, Response


class Explanation(NamedTuple):
    """Why an error happens, and what to do."""

    cause: str
    fix: str


GATEWAY: MappingProxyType[str, Explanation] = MappingProxyType(
    {
        "403010": Explanation(
            "No access token was sent.", "Sign in: adobe_nb.connect() or %adobe_auth."
        ),
        "401013": Explanation(
            "The access token is not valid (any more).", "Sign in again, or paste a new token."
        ),
        "403000": Explanation(
            "No API key was sent.",
            "Set ADOBE_CLIENT_ID to the Client ID shown in Developer Console.",
        ),
        "403003": Explanation(
            "The API key is unknown here.",
            "Use the Client ID of the project to which the API was added.",
        ),
        "400003": Explanation(
            "The organisation id was not sent.", "Set ADOBE_ORG_ID, it ends in @AdobeOrg."
        ),
        "403025": Explanation(
            "The token is of another organisation.", "Check ADOBE_ORG_ID, the organisation id."
        ),
        "403221": Explanation(
            "The credential has no access to tags: its technical account is in no product profile for them.",
            "Ask an administrator to add it to one in Admin Console.",
        ),
        "429050": Explanation(
            "Too many requests came in a short time.", "Wait a minute, then run it again."
        ),
    }
)

REACTOR: MappingProxyType[str, Explanation] = MappingProxyType(
    {
        "authentication-failure": Explanation(
            "IMS does not accept the token.", "Sign in again; client id and organisation must fit."
        ),
        "connection-refused": Explanation(
            "The SFTP server does not let us in.", "Check the host's server, port and firewall."
        ),
        "decrypt-bad-passphrase": Explanation(
            "The passphrase is not the one it was encrypted with.", "Encrypt again and resend."
        ),
        "decrypt-failed": Explanation(
            "The private key does not decrypt.",
            "Try it locally, then encrypt it without extra spaces.",
        ),
        "decrypt-no-data": Explanation(
            "A host of this kind needs a private key.", "Give encrypted_private_key."
        ),
        "delegate-descriptor-unresolved": Explanation(
            "delegate_descriptor_id is missing, or names something that the installed version lacks.",
            "reactor.extension_packages.delegates(extension) lists what there is.",
        ),
        "deleted-resources": Explanation(
            "One of the resources to add is deleted.", "Leave it out, or choose another."
        ),
        "environment-in-use": Explanation(
            "This environment is occupied, and it holds one library only.",
            "Take another, or unassign the library in it.",
        ),
        "environment-required": Explanation(
            "The library has no environment to build to.", "Assign one of the right stage first."
        ),
        "extension-not-found": Explanation(
            "The library lacks the extension that one of its resources needs.", "Add its revision."
        ),
        "extension-package-path-error": Explanation(
            "extension.json contains a malformed path.", "Correct it and upload again."
        ),
        "extension-package-transform-definition-error": Explanation(
            "extension.json defines a transform wrongly: one file or function transform per settings member.",
            "Mend it.",
        ),
        "extension-package-zip-error": Explanation(
            "The zip could not be opened or written.", "Make it again with Adobe's packager."
        ),
        "host-in-use": Explanation(
            "Environments still use this host.", "Move or delete them first."
        ),
        "host-required": Explanation(
            "The environment has no working host.", "Give it one whose status is succeeded."
        ),
        "host-type-error": Explanation("Only SFTP hosts can be tested.", "Choose one of those."),
        "illegal-custom-code-transform": Explanation(
            "customCode is reserved.", "Use a function or a file transform instead."
        ),
        "ims-not-authorized": Explanation(
            "Adobe could not authorise the account.", "Try later; else check its product profiles."
        ),
        "ims-session-error": Explanation(
            "The sign-in is damaged on Adobe's side.", "Sign in again."
        ),
        "internal-error": Explanation(
            "Something failed inside Adobe's service.",
            "Try later; report the request id if it stays.",
        ),
        "invalid-data_element": Explanation(
            "This data element cannot be added as it is.",
            "It has to be a revision (revise=True makes one), and of the same property.",
        ),
        "invalid-embed_code": Explanation(
            "The embed code is not usable here.", "DTM embed codes belong to production only."
        ),
        "invalid-extension": Explanation(
            "This extension cannot be added as it is.",
            "It has to be a revision (revise=True makes one), and of the same property.",
        ),
        "invalid-extension_package_id": Explanation(
            "That part of a package cannot be changed, or the package does not fit.",
            "Compare name, platform and availability of the package with the property.",
        ),
        "invalid-new-owner-org-id": Explanation(
            "There is no organisation with the new owner's id.", "It must end in @AdobeOrg."
        ),
        "invalid-org": Explanation(
            "This organisation may not use the API.",
            "Check ADOBE_ORG_ID and what the company has licensed.",
        ),
        "invalid-rule": Explanation(
            "This rule cannot be added as it is.",
            "It has to be a revision (revise=True makes one), and of the same property.",
        ),
        "invalid-settings-syntax": Explanation(
            "settings is not readable JSON.", "Send a dict, or check the text."
        ),
        "library-file-not-found": Explanation(
            "The zip lacks a file that extension.json names.", "Add it, or correct the path."
        ),
        "minification-error": Explanation(
            "Custom code does not compile.", "meta.status_details shows where."
        ),
        "multiple-revisions": Explanation(
            "The library would hold two revisions of one resource.",
            "Remove the older first: reactor.libraries.remove(library, head). Then add again.",
        ),
        "no-available-orgs": Explanation(
            "The account sees no organisation with tags: it is in no product profile, or its token lacks scopes.",
            "Ask an administrator, and compare ADOBE_SCOPES with Developer Console.",
        ),
        "not-authorized": Explanation(
            "The account lacks the right for this.", "An administrator grants it in Admin Console."
        ),
        "not-found": Explanation(
            "You can see nothing of that id.",
            "Check id and rights, and whether this is the right organisation.",
        ),
        "not-unique": Explanation(
            "There is one already: of that name, stage or package.",
            "Use the one that is there, or choose another name.",
        ),
        "public-release-not-authorized": Explanation(
            "Public releases are agreed with Adobe.", "Release privately first."
        ),
        "read-only": Explanation(
            "This cannot be changed: it is a revision, is released, or its library has left development.",
            "Change the head, or use a library that is in development.",
        ),
        "session-timeout": Explanation("The session has ended.", "Sign in again."),
        "sftp-authentication-failed": Explanation(
            "The SFTP server refused user or key.", "Check both on the host."
        ),
        "sftp-connection-timeout": Explanation(
            "The SFTP server took too long to connect.", "Check that it can be reached; retry."
        ),
        "sftp-exception": Explanation(
            "Adobe could not connect by SFTP.",
            "Compare the host's settings with the server; retry.",
        ),
        "sftp-status-exception": Explanation(
            "The SFTP server reported an error.", "Check rights and path there."
        ),
        "socket-error": Explanation("The transfer was interrupted.", "Build again."),
        "ssh-disconnect": Explanation("The SSH connection was lost.", "Build again."),
        "timeout-error": Explanation(
            "The SFTP server was too slow to answer.", "Retry; look at its load."
        ),
        "unknown-error": Explanation(
            "Adobe could not say what failed.", "Retry later; report the request id if it stays."
        ),
        "unsupported-custom-code-language": Explanation(
            "The custom code is in a language that this delegate does not take.",
            "Use one that its schema allows; JavaScript is the safe choice.",
        ),
        "upgraded-extension-required": Explanation(
            "The extension was upgraded, and this library still has the old version.",
            "Add the upgraded revision.",
        ),
        "upstream-build-required": Explanation(
            "The library before this one has no successful build.", "Build that one first."
        ),
    }
)


def explanation(code: str | None) -> Explanation | None:
    """What is known of a code, or None."""
    return GATEWAY.get(code or "") or REACTOR.get(code or "")


def error_of(request: Request, answer: Response, document: object, next_step: str = "") -> ApiError:
    """The exception for an answer of 400 and above; never quotes the body of what is not Adobe's
    JSON.

    ``next_step``: of a write, what to look for when the server failed and may have done it before.
    """
    errors: list[Mapping[str, Any]] = []
    code: str | None = None
    detail = ""
    request_id = answer.headers.get("x-request-id")
    if isinstance(document, dict) and document.get("errors"):
        errors = _error_objects(document["errors"])
        first = errors[0] if errors else {}
        code = str(first["code"]) if first.get("code") else None
        detail = str(first.get("detail") or first.get("title") or "")
        source = first.get("source")
        pointer = source.get("pointer") if isinstance(source, dict) else None
        if isinstance(pointer, str) and pointer not in {"", "/data"}:
            detail = f"{detail.strip().rstrip('.')}; see {pointer}"
        meta = first.get("meta")
        request_id = (
            str(meta["request_id"])
            if isinstance(meta, dict) and meta.get("request_id")
            else request_id
        )
    elif isinstance(document, dict) and document.get("error_code"):
        code = str(document["error_code"])
        errors = [document]
        detail = str(document.get("message", ""))
    message = _message(request, answer, code, detail, known=isinstance(document, dict))
    if next_step and unsure(answer.status):
        message = f"{_RUN_AGAIN.sub('', message)} It may have been done all the same. {next_step}"
    return _error_class(answer.status)(
        message,
        status=answer.status,
        code=code,
        errors=errors,
        request_id=request_id,
        method=request.method,
        url=request.full_url,
        **(known._asdict() if (known := explanation(code)) else {}),
    )


def _error_objects(errors: object) -> list[Mapping[str, Any]]:
    """The errors of a document: objects, or texts, which are taken for their details."""
    several = errors if isinstance(errors, list) else [errors]
    told = [{"detail": error} if isinstance(error, str) else error for error in several]
    return [error for error in told if isinstance(error, dict)]


_RUN_AGAIN = re.compile(r", then run it again(?=\.)")


def unsure(status: int) -> bool:
    """Whether a write may have been done despite that status: a server or a gateway gave up."""
    return status >= 500 or status in {408, 499}


def _message(
    request: Request, answer: Response, code: str | None, detail: str, *, known: bool
) -> str:
    what = f"{request.method} {path_of(request)} was answered with {answer.status}"
    if not known:
        return (
            f"{what} and a page that is not Adobe's JSON: probably a proxy or a login page in between. Sign in to your "
            "network, check HTTPS_PROXY, then run it again."
        )
    named = f"{what} {code}" if code else what
    # Half a character, a lone surrogate, cannot be printed.
    detail = detail.strip().rstrip(".").encode("utf-8", "backslashreplace").decode()
    said = f" ({detail})" if detail else ""
    known_code = explanation(code)
    advice = (
        f"{known_code.cause} {known_code.fix}" if known_code else _advice_by_status(answer.status)
    )
    return f"{named}{said}. {advice}"


def _advice_by_status(status: int) -> str:
    if status == 404:
        return "Check the id, whether this is the right organisation, and your rights."
    if status == 429:
        return " ".join(GATEWAY["429050"])
    if status >= 500:
        return "Adobe's service is unavailable. Wait a few minutes, then run it again."
    if status in {400, 409, 422}:
        return (
            "The service says in brackets what stands in the way. Correct that, then send it again."
        )
    if status in {401, 403}:
        return "Check the credentials and the product profiles of their account."
    return "Compare the request with Adobe's guide."


def _error_class(status: int) -> type[ApiError]:
    return {401: NotAllowed, 403: NotAllowed, 404: NotFound, 429: RateLimited}.get(status, ApiError)


def path_of(request: Request) -> str:
    """The path that was asked for, for messages."""
    return urlsplit(request.url).path
