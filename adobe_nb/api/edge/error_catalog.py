"""Every error code of the Edge Network: why it happens, what to do, whether to send again. Pure
data.

Codes, titles and statuses:
https://developer.adobe.com/data-collection-apis/docs/resources/troubleshooting/. Titles differ
between Adobe's pages: match on the code; ``message`` is the other one, of the page on
authentication. Causes, fixes and advice are ours.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from adobe_nb.api.reactor.error_catalog import Explanation, explanations

Kind = Literal["service", "input", "configuration", "upstream", "warning", "authorization"]

_NEVER = "no"
_AFTER_FIX = "after the fix"
_PAUSE = "after a pause"
_DONE = "not needed"


@dataclass(frozen=True, slots=True)
class EdgeCode:
    """One code. ``fatal``: nothing was delivered; otherwise the event went on, and this is about a
    part of it.
    """

    code: str
    title: str
    kind: Kind
    send_again: str
    cause: str
    fix: str
    message: str = ""
    """On Adobe's authentication page, where it differs from the title."""

    @property
    def fatal(self) -> bool:
        """Whether the whole request was refused."""
        return self.kind not in {"upstream", "warning"}

    @property
    def status(self) -> int:
        """HTTP status of an answer with this code."""
        return {"upstream": 207, "warning": 200}.get(self.kind, int(self.code[-3:]))


_ROWS = (
    EdgeCode(
        "EXEG-0000-503",
        "Service unavailable",
        "service",
        _PAUSE,
        "The Edge Network takes no requests at the moment.",
        "Wait as long as Retry-After says, then send it again.",
    ),
    EdgeCode(
        "EXEG-0001-500",
        "Unexpected error",
        "service",
        _NEVER,
        "Something inside the Edge Network failed.",
        "Do not repeat it in a loop. If it stays, report the request id.",
    ),
    EdgeCode(
        "EXEG-0002-400",
        "Missing datastream parameter",
        "input",
        _AFTER_FIX,
        "The address does not say for which datastream this is.",
        "Give the datastream id.",
    ),
    EdgeCode(
        "EXEG-0003-400",
        "Invalid datastream ID",
        "input",
        _AFTER_FIX,
        "There is no such datastream.",
        "Copy its id again from Data Collection > Datastreams.",
    ),
    EdgeCode(
        "EXEG-0004-422",
        "Datastream disabled",
        "configuration",
        _AFTER_FIX,
        "The datastream is switched off.",
        "Switch it on in Data Collection > Datastreams, or use another one.",
    ),
    EdgeCode(
        "EXEG-0010-422",
        "Invalid datastream configuration",
        "configuration",
        _AFTER_FIX,
        "The organisation lacks the Experience Platform set-up that this datastream relies on.",
        "Complete the Experience Platform service of the datastream.",
    ),
    EdgeCode(
        "EXEG-0011-422",
        "Could not retrieve sandbox details",
        "configuration",
        _AFTER_FIX,
        "Experience Platform is not among the datastream's services, so it has no sandbox.",
        "Add the Adobe Experience Platform service to it.",
    ),
    EdgeCode(
        "EXEG-0012-422",
        "The referenced sandbox cannot be resolved",
        "configuration",
        _AFTER_FIX,
        "The datastream names a sandbox that is gone or is not this organisation's.",
        "Choose a sandbox that exists in the datastream's settings.",
    ),
    EdgeCode(
        "EXEG-0013-422",
        "The referenced identity namespace code cannot be resolved",
        "configuration",
        _AFTER_FIX,
        "This sandbox knows no identity namespace of that code.",
        "Correct the code, or create the namespace.",
    ),
    EdgeCode(
        "EXEG-0100-500",
        "JSON processing error",
        "input",
        _AFTER_FIX,
        "The Edge Network stumbled over the JSON.",
        "Take parts out of the event until it passes.",
    ),
    EdgeCode(
        "EXEG-0101-400",
        "Invalid JSON request",
        "input",
        _AFTER_FIX,
        "The body cannot be read as JSON.",
        "Send a dict; this package writes the JSON.",
    ),
    EdgeCode(
        "EXEG-0102-400",
        "Invalid request field",
        "input",
        _AFTER_FIX,
        "A member has a value that is not allowed there.",
        "Correct the member that the detail names.",
    ),
    EdgeCode(
        "EXEG-0103-400",
        "Missing required value",
        "input",
        _AFTER_FIX,
        "A member that must be there is not.",
        "Add the member that the detail names.",
    ),
    EdgeCode(
        "EXEG-0104-422",
        "Input validation error",
        "input",
        _AFTER_FIX,
        "The event breaks rules; report.errors lists them.",
        "Mend each of the listed errors.",
    ),
    EdgeCode(
        "EXEG-0105-400",
        "Input validation error",
        "input",
        _AFTER_FIX,
        "The event breaks a rule that is not named.",
        "Hold it against Adobe's API reference, member by member.",
    ),
    EdgeCode(
        "EXEG-0106-400",
        "Invalid Content-Type header",
        "input",
        _AFTER_FIX,
        "The Content-Type header makes no sense to the service.",
        "Send the body as application/json.",
    ),
    EdgeCode(
        "EXEG-0107-400",
        "Missing required parameter",
        "input",
        _AFTER_FIX,
        "The address lacks a parameter.",
        "Add the parameter that the detail names.",
    ),
    EdgeCode(
        "EXEG-0108-400",
        "Invalid parameter type",
        "input",
        _AFTER_FIX,
        "A parameter in the address is of the wrong type.",
        "Correct the parameter that the detail names.",
    ),
    EdgeCode(
        "EXEG-0109-408",
        "Empty request",
        "input",
        _AFTER_FIX,
        "There was no body. The status 408 is misleading: nothing timed out.",
        "Send an event.",
    ),
    EdgeCode(
        "EXEG-0110-400",
        "Missing parameter value",
        "input",
        _AFTER_FIX,
        "Cookies were asked for, but a value they need is absent, probably meta.state.domain.",
        "Add that value.",
    ),
    EdgeCode(
        "EXEG-0111-415",
        "Invalid request",
        "input",
        _AFTER_FIX,
        "The body's media type is not one that the service reads.",
        "Send the body as application/json.",
    ),
    EdgeCode(
        "EXEG-0112-413",
        "Invalid request",
        "input",
        _AFTER_FIX,
        "The body is above the limit of 64 KB.",
        "Send fewer events at once, or smaller ones.",
    ),
    EdgeCode(
        "EXEG-0113-400",
        "Invalid request",
        "input",
        _AFTER_FIX,
        "An override of the datastream's settings in the body is wrong.",
        "Correct or remove meta.configOverrides.",
    ),
    EdgeCode(
        "EXEG-0200-504",
        "The service call has timed out",
        "upstream",
        _PAUSE,
        "A service behind the Edge Network was too slow.",
        "The others have the event: repeating duplicates it there.",
    ),
    EdgeCode(
        "EXEG-0201-503",
        "The service is temporarily unavailable",
        "upstream",
        _PAUSE,
        "A service behind the Edge Network is down.",
        "The others have the event: repeating duplicates it there.",
    ),
    EdgeCode(
        "EXEG-0202-502",
        "The service failed to process this request",
        "upstream",
        _PAUSE,
        "A service behind the Edge Network refused the event.",
        "Look at the event and that service's settings first.",
    ),
    EdgeCode(
        "EXEG-0203-502",
        "The service call has failed",
        "upstream",
        _PAUSE,
        "A service behind the Edge Network could not be called.",
        "The others have the event: repeating duplicates it there.",
    ),
    EdgeCode(
        "EXEG-0204-200",
        "The service call completed with warning(s)",
        "warning",
        _DONE,
        "A service behind the Edge Network took the event with a warning.",
        "Read what it says about the cause.",
    ),
    EdgeCode(
        "EXEG-0205-502",
        "Data exchange producer request failed",
        "upstream",
        _PAUSE,
        "A service gave no data for a part that several others share.",
        "Try again later if that part matters.",
    ),
    EdgeCode(
        "EXEG-0300-502",
        "Could not check user consent",
        "upstream",
        _PAUSE,
        "The person's consent could not be looked up.",
        "Try again later.",
    ),
    EdgeCode(
        "EXEG-0301-200",
        "User consent missing",
        "warning",
        _DONE,
        "The person has not consented, so the event was dropped.",
        "Obtain consent before you send.",
    ),
    EdgeCode(
        "EXEG-0302-409",
        "Update operation not supported",
        "input",
        _NEVER,
        "The person has opted out of all advertising solutions; that is not undone this way.",
        "Leave it as it is.",
    ),
    EdgeCode(
        "EXEG-0303-200",
        "Unauthorized to fetch identities",
        "warning",
        _DONE,
        "query.identity.fetch names namespaces that may not be read.",
        "Name only those the report allows.",
    ),
    EdgeCode(
        "EXEG-0304-400",
        "Unexpected identities provided",
        "input",
        _AFTER_FIX,
        "An event has identities that do not belong in it.",
        "Take out those the detail names.",
    ),
    EdgeCode(
        "EXEG-0305-400",
        "Invalid identity provided",
        "input",
        _AFTER_FIX,
        "An identity is not valid in its namespace.",
        "Correct it, or leave it out.",
    ),
    EdgeCode(
        "EXEG-0306-400",
        "Event is missing primary identity",
        "input",
        _AFTER_FIX,
        "No identity of the event is the primary one.",
        "Set primary to true on one identity in identityMap.",
    ),
    EdgeCode(
        "EXEG-0307-502",
        "User consent update error",
        "upstream",
        _PAUSE,
        "The person's choice could not be stored.",
        "Try again later.",
    ),
    EdgeCode(
        "EXEG-0308-400",
        "Invalid identity format",
        "input",
        _AFTER_FIX,
        "An identity's value does not look as its namespace wants.",
        "Write the value as its namespace expects it.",
    ),
    EdgeCode(
        "EXEG-0400-403",
        "Request ignored due to geographical restrictions",
        "input",
        _NEVER,
        "The country that the request came from is blocked.",
        "Nothing in the request can change that.",
    ),
    EdgeCode(
        "EXEG-0500-401",
        "Invalid authorization token",
        "authorization",
        _AFTER_FIX,
        "The Authorization header is absent, lacks the word Bearer, or holds no well-formed token; or the datastream "
        "takes authenticated events only, and the headers were not sent.",
        "Send all three headers to the server host: Authorization, x-api-key, x-gw-ims-org-id.",
    ),
    EdgeCode(
        "EXEG-0501-401",
        "Invalid user authorization token",
        "authorization",
        _AFTER_FIX,
        "A header with a person's token is absent or malformed.",
        "Correct the header that the detail names.",
    ),
    EdgeCode(
        "EXEG-0502-401",
        "Invalid authorization token signature",
        "authorization",
        _AFTER_FIX,
        "The token is well-formed, but was not signed by Adobe's IMS, or was altered.",
        "Copy the whole token again, or sign in again.",
        message="Invalid authorization token",
    ),
    EdgeCode(
        "EXEG-0503-401",
        "Authorization token expired",
        "authorization",
        _AFTER_FIX,
        "The token has ended; they last 24 hours.",
        "Generate a new token, or sign in with a client secret.",
        message="Invalid authorization token",
    ),
    EdgeCode(
        "EXEG-0504-401",
        "Missing required product context",
        "authorization",
        _AFTER_FIX,
        "The developer account is in no product profile of Experience Platform, or the company has no licence for it.",
        "An administrator adds the credential to a product profile in Admin Console; ask Adobe about the licence.",
        message="Required product context is missing",
    ),
    EdgeCode(
        "EXEG-0505-401",
        "Missing required authorization token scope",
        "authorization",
        _AFTER_FIX,
        "The token of this service account lacks the scope acp.foundation.",
        "Add the Experience Platform API to the project, add acp.foundation to the scopes in ADOBE_SCOPES (which must "
        "name all of them), then sign in again.",
        message="Required authorization token scope is missing",
    ),
    EdgeCode(
        "EXEG-0506-401",
        "Missing sandbox write permissions",
        "authorization",
        _AFTER_FIX,
        "The account may not write to the sandbox that the datastream uses.",
        "An administrator grants write access to that sandbox in Experience Platform > Permissions.",
        message="Sandbox not accessible for write",
    ),
)

EDGE_CODES: MappingProxyType[str, EdgeCode] = MappingProxyType({row.code: row for row in _ROWS})

EDGE_GATEWAY: MappingProxyType[str, Explanation] = MappingProxyType(
    {
        **{code: entry for code, entry in explanations().items() if code.isdigit()},
        "403221": Explanation(
            "The token is not allowed here: its technical account is in no product profile of Experience Platform.",
            "Ask an administrator to add it to one in Admin Console.",
        ),
    }
)
"""Codes of Adobe's gateway, which stands before the Edge Network as it does before Reactor."""
