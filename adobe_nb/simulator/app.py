"""IMS and Reactor as one function from request to response, independent of the server.

docs/simulator.md lists the choices that were made where Adobe's behavior is unknown.
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
from adobe_nb.simulator.ims import NEEDED_BY_REACTOR, Account, Grant, Ims
from adobe_nb.simulator.messages import JSON_API, Request, Response, answer
from adobe_nb.simulator.problems import Problem, not_found
from adobe_nb.simulator.router import respond, routes
from adobe_nb.simulator.store import Store

ADOBE_TOOLS_KEY = "Activation-DTM"
_FORM = "application/x-www-form-urlencoded"
# Older clients use version 2, which answers the same.
_TOKEN_PATHS = ("/ims/token/v3", "/ims/token/v2")
_VALIDATE_PATH = "/ims/validate_token/v1"
_REVOKE_PATH = "/ims/invalidate_token/v2"


class App:
    """IMS and Reactor. ``stores`` maps the ids of organizations to what they own."""

    def __init__(
        self, ims: Ims, stores: Mapping[str, Store], base_url: str, options: Options | None = None
    ) -> None:
        self.ims = ims
        self.stores = stores
        self.options = options or Options()
        self.options.base_url = base_url
        self._routes = routes()

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        request = _normalized(request)
        if request.path.startswith("/ims/"):
            return self._ims(request)
        try:
            return self._reactor(request)
        except _GatewayError as error:
            code, message = error.args
            return answer(int(code[:3]), {"error_code": code, "message": message})
        except Problem as problem:
            return _refusal(problem)

    def drift(self, request: Request, chance: Random) -> Change | None:
        """Change the list that a request reads, as another user would. Return the change."""
        try:
            account = self._authenticate(request).account
        except _GatewayError:
            return None
        store = self.stores.get(account.org_id)
        if store is None or request.method != "GET":
            return None
        store.settle()
        other_user = replace(account.with_all_rights(), display_name="Another User")
        return drift(Call(store, other_user, self.options), _normalized(request).path, chance)

    def _ims(self, request: Request) -> Response:
        if request.path not in {*_TOKEN_PATHS, _VALIDATE_PATH, _REVOKE_PATH}:
            return answer(404, {"error": "not_found"})
        if request.method != "POST":
            return answer(405, {"error": "method_not_allowed"})
        form = dict(request.query)
        if request.content_type.startswith(_FORM):
            form |= dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if request.path in _TOKEN_PATHS:
            return answer(*self.ims.token(form))
        token = form.get("token", "")
        if request.path == _VALIDATE_PATH:
            return answer(200, {"valid": self.ims.check(token) is not None})
        self.ims.revoke(token)
        return answer(200, {})

    def _authenticate(self, request: Request) -> Grant:
        """Check the headers as the gateway before Reactor does."""
        headers = request.headers
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            raise _GatewayError("403010", "Oauth token is missing")
        grant = self.ims.check(token.strip())
        if grant is None:
            raise _GatewayError("401013", "Oauth token is not valid")
        key = headers.get("x-api-key")
        if not key:
            raise _GatewayError("403000", "Api Key is required")
        if key not in {ADOBE_TOOLS_KEY, *self.ims.accounts}:
            raise _GatewayError("403003", "Api Key is invalid")
        _check_organization(key, headers.get("x-gw-ims-org-id"), grant.account)
        return grant

    def _reactor(self, request: Request) -> Response:
        grant = self._authenticate(request)
        if not set(NEEDED_BY_REACTOR) <= set(grant.scopes):
            raise Problem(403, "no-available-orgs", "The token shows no organization with tags.")
        store = self.stores.get(grant.account.org_id)
        if store is None:
            raise not_found(request.path)
        return respond(Call(store, grant.account, self.options, request), self._routes)


class _GatewayError(Exception):
    """A refusal of the gateway: code, of which the first three digits are the status; message."""


def _check_organization(key: str, org_id: str | None, account: Account) -> None:
    # Adobe's uploader and releaser send no organization: the token implies it.
    if not org_id and key != ADOBE_TOOLS_KEY:
        raise _GatewayError("400003", "Missing header x-gw-ims-org-id")
    if org_id and org_id != account.org_id:
        raise _GatewayError("403025", "Profile is not valid")
    if not account.product_profile:
        raise _GatewayError("403221", "Forbidden: the token is not allowed in this context")


def _normalized(request: Request) -> Request:
    # Adobe's Postman collections end a path with a slash; launchpy starts one with two.
    parts = filter(None, request.path.split("/"))
    return replace(request, path="/" + "/".join(parts))


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
    response = answer(problem.status, {"errors": [error]}, JSON_API)
    return replace(response, headers={"x-request-id": request_id})
