"""Request -> Response, without a server: IMS and Reactor as one pure function of the state.

Where Adobe's behaviour is not known, a choice was made; docs/simulator.md lists them.
"""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from adobe_nb.simulator.calls import Call, Options
from adobe_nb.simulator.drift import Change, drift
from adobe_nb.simulator.ims import NEEDED_BY_REACTOR, Grant, Ims
from adobe_nb.simulator.messages import JSON_API, Request, Response, answer
from adobe_nb.simulator.problems import Problem, not_found
from adobe_nb.simulator.router import respond, routes
from adobe_nb.simulator.store import Store

ADOBE_TOOLS_KEY = "Activation-DTM"
_FORM = "application/x-www-form-urlencoded"
_TOKEN_PATHS = ("/ims/token/v3", "/ims/token/v2")
"""Version 2 is what older clients ask; both answer the same."""


class App:
    """IMS and Reactor on one state: ``stores`` maps organisation ids to what they own."""

    def __init__(
        self, ims: Ims, stores: Mapping[str, Store], base_url: str, options: Options | None = None
    ) -> None:
        self.ims = ims
        self.stores = stores
        self.base_url = base_url
        self.options = options or Options()
        self.options.base_url = base_url
        self._routes = routes()

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        request = replace(request, path=_without_spare_slashes(request.path))
        if request.path.startswith("/ims/"):
            return self._ims(request)
        grant = self._gateway(request)
        return grant if isinstance(grant, Response) else self._reactor(request, grant)

    def drift(self, request: Request, chance: Random) -> Change | None:
        """Somebody else changes the list that is asked for, before it is answered. What happened,
        if it could.
        """
        grant = self._gateway(request)
        store = None if isinstance(grant, Response) else self.stores.get(grant.account.org_id)
        if isinstance(grant, Response) or store is None or request.method != "GET":
            return None
        request = replace(request, path=_without_spare_slashes(request.path))
        store.settle()
        somebody = replace(grant.account.with_all_rights(), display_name="Somebody Else")
        return drift(Call(store, somebody, self.options), request.path, chance)

    # -- the identity service

    def _ims(self, request: Request) -> Response:
        form = dict(request.query)
        if request.headers.get("content-type", "").startswith(_FORM):
            form |= dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if request.path not in {
            *_TOKEN_PATHS,
            "/ims/validate_token/v1",
            "/ims/invalidate_token/v2",
        }:
            return answer(404, {"error": "not_found"})
        if request.method != "POST":
            return answer(405, {"error": "method_not_allowed"})
        if request.path in _TOKEN_PATHS:
            return answer(*self.ims.token(form))
        if request.path == "/ims/validate_token/v1":
            return answer(200, {"valid": self.ims.check(form.get("token", "")) is not None})
        self.ims.revoke(form.get("token", ""))
        return answer(200, {})

    # -- the gateway before Reactor

    def _gateway(self, request: Request) -> Grant | Response:
        """The grant of a properly signed request, or the gateway's refusal."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            return _gateway_error("403010", "Oauth token is missing")
        grant = self.ims.check(token.strip())
        if grant is None:
            return _gateway_error("401013", "Oauth token is not valid")
        key = request.headers.get("x-api-key", "")
        if not key:
            return _gateway_error("403000", "Api Key is required")
        if key != ADOBE_TOOLS_KEY and key not in self.ims.accounts:
            return _gateway_error("403003", "Api Key is invalid")
        org_id = request.headers.get("x-gw-ims-org-id", "")
        if not org_id and key == ADOBE_TOOLS_KEY:
            # Adobe's uploader and releaser send no organisation: the token says whose they are.
            org_id = grant.account.org_id
        if not org_id:
            return _gateway_error("400003", "Missing header x-gw-ims-org-id")
        if org_id != grant.account.org_id:
            return _gateway_error("403025", "Profile is not valid")
        if not grant.account.product_profile:
            return _gateway_error("403221", "Forbidden: the token is not allowed in this context")
        return grant

    # -- Reactor

    def _reactor(self, request: Request, grant: Grant) -> Response:
        missing = [scope for scope in NEEDED_BY_REACTOR if scope not in grant.scopes]
        if missing:
            problem = Problem(
                403, "no-available-orgs", "The token shows no organisation with tags."
            )
            return _refusal(problem)
        store = self.stores.get(grant.account.org_id)
        try:
            if store is None:
                raise not_found(request.path)
            return respond(Call(store, grant.account, self.options, request), self._routes)
        except Problem as problem:
            return _refusal(problem)


def _without_spare_slashes(path: str) -> str:
    """Adobe's own Postman collections end a path in a slash, launchpy begins one with two."""
    return "/" + "/".join(part for part in path.split("/") if part)


def _gateway_error(code: str, message: str) -> Response:
    return answer(int(code[:3]), {"error_code": code, "message": message})


def _refusal(problem: Problem) -> Response:
    request_id = secrets.token_hex(16)
    error: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "status": str(problem.status),
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
        "meta": {"request_id": request_id},
    }
    if problem.pointer:
        error["source"] = {"pointer": problem.pointer}
    refused = answer(problem.status, {"errors": [error]}, JSON_API)
    return Response(
        refused.status, refused.body, refused.content_type, {"x-request-id": request_id}
    )
