"""The publishing workflow against a small model of it, written from Adobe's documentation.

Hypothesis looks for a sequence of actions after which the two differ.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.caller import Answer, Caller, made, site

KINDS = ("rules", "data_elements", "extensions")
STAGE = {
    "development": "development",
    "rejected": "development",
    "submitted": "staging",
    "approved": "production",
}
MOVES = {
    ("development", "submit"): "submitted",
    ("submitted", "approve"): "approved",
    ("submitted", "reject"): "rejected",
    ("approved", "reject"): "rejected",
    ("rejected", "develop"): "development",
}
ABOVE = {
    "development": ("submitted", "approved", "published"),
    "rejected": ("submitted", "approved", "published"),
    "submitted": ("approved", "published"),
    "approved": ("published",),
}
MOST_LIBRARIES = 5


@dataclass
class Head:
    """A revisable resource. ``needs`` is the head of the extension that it requires."""

    id: str
    kind: str
    needs: str | None = None
    dirty: bool = True
    revisions: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Library:
    id: str
    state: str = "development"
    environment: str | None = None
    held: dict[str, str] = field(default_factory=dict)
    """Revisions by head."""
    outcome: str | None = None
    """Outcome of the last build since its last transition."""
    built: bool = False
    """Whether any build of it ever succeeded."""
    last: str | None = None
    complete: bool = False
    """Whether it needs no build."""
    upstream: "Library | None" = None
    published: int = 0


@dataclass
class Pending:
    id: str
    library: Library
    visit: tuple[str, int]
    delivers: dict[str, str]


class Publishing(RuleBasedStateMachine):
    """One property with four environments and four heads, and random actions on them."""

    @initialize()
    def begin(self) -> None:
        self.api = Caller()
        here = site(self.api)
        self.place = here.place
        second = made(self.api.environment(here.place, here.host))
        self.stages = {
            here.development: "development",
            second: "development",
            here.staging: "staging",
            here.production: "production",
        }
        using, bare = (
            self.api.rule(here.place, "Uses core"),
            self.api.rule(here.place, "Needs nothing"),
        )
        self.api.component(here.place, using)
        self.heads = {
            using: Head(using, "rules", here.core),
            bare: Head(bare, "rules"),
            (element := made(self.api.data_element(here.place))): Head(
                element, "data_elements", here.core
            ),
            here.core: Head(here.core, "extensions", dirty=False),
        }
        found = self.api.listed(
            f"/extensions/{here.core}/revisions", ("filter[revision_number]", "EQ 1")
        )
        self.heads[here.core].revisions = [found[0]["id"]]
        self.core = here.core
        self.libraries: list[Library] = []
        self.visits: dict[str, int] = {}
        self.pending: list[Pending] = []
        self.builds: dict[str, str] = {}
        self.public: set[str] = set()
        self.clock = 0
        for number in range(2):
            for head in range(len(self.heads)):
                self.revise(head)
            self.create(None)
            self.put_core(number)

    def put_core(self, number: int) -> None:
        """Add the core extension, which nearly every resource requires."""
        library, head = self.libraries[number], self.heads[self.core]
        answer = self.api.put(library.id, "extensions", head.revisions[-1])
        self.apply(library, {}, {head.id: head.revisions[-1]}, answer)

    # -- choices

    def pick(self, number: int, choices: Any) -> Any:
        several = list(choices)
        return several[number % len(several)]

    def origin(self, identifier: str) -> Head | None:
        return next(
            (head for head in self.heads.values() if identifier in (head.id, *head.revisions)), None
        )

    def occupant(self, environment: str) -> Library | None:
        return next(
            (library for library in self.libraries if library.environment == environment), None
        )

    def agree(self, answer: Answer, allowed: bool, about: str) -> bool:
        assert answer.status < 500
        assert (answer.status < 400) == allowed, (about, allowed, answer.body)
        return allowed

    # -- heads and revisions

    @rule(number=st.integers(0, 3))
    def update(self, number: int) -> None:
        head = self.pick(number, self.heads.values())
        self.agree(
            self.api.update(f"/{head.kind}/{head.id}", enabled=bool(number % 2)), True, "update"
        )
        head.dirty = True

    @rule(number=st.integers(0, 3))
    def revise(self, number: int) -> None:
        head = self.pick(number, self.heads.values())
        self.cut(head, self.api.revise(head.kind, head.id))

    def cut(self, head: Head, revision: str) -> None:
        assert revision not in (head.id, *head.revisions)
        head.revisions.append(revision)
        head.dirty = False

    @precondition(lambda self: any(head.revisions for head in self.heads.values()))
    @rule(number=st.integers(0, 9))
    def change_a_revision(self, number: int) -> None:
        head = self.pick(number, [head for head in self.heads.values() if head.revisions])
        path = f"/{head.kind}/{self.pick(number, head.revisions)}"
        for answer in (
            self.api.update(path, enabled=False),
            self.api.act(path, "revise"),
            self.api.delete(path),
        ):
            self.agree(answer, False, "a revision is read-only")

    # -- libraries

    @precondition(lambda self: len(self.libraries) < MOST_LIBRARIES)
    @rule(number=st.none() | st.integers(0, 3))
    def create(self, number: int | None) -> None:
        environment = None if number is None else self.pick(number, self.stages)
        linked = (
            {"environment": {"data": {"id": environment, "type": "environments"}}}
            if environment
            else {}
        )
        data = {"attributes": {"name": "Library"}, "relationships": linked}
        answer = self.api.post(f"/properties/{self.place}/libraries", data)
        library = Library("")
        if self.agree(answer, environment is None or self.may_have(library, environment), "create"):
            library.id = answer.id
            self.libraries.append(library)
            if environment:
                self.move_in(library, environment)
            self.look_up()

    @precondition(lambda self: self.libraries)
    @rule(number=st.integers(0, 9))
    def delete(self, number: int) -> None:
        library = self.pick(number, self.libraries)
        if self.agree(
            self.api.delete(f"/libraries/{library.id}"), library.state != "published", "delete"
        ):
            self.libraries.remove(library)
            self.look_up()

    @precondition(lambda self: self.libraries)
    @rule(
        number=st.integers(0, 9), action=st.sampled_from(["submit", "approve", "reject", "develop"])
    )
    def act(self, number: int, action: str) -> None:
        library = self.pick(number, self.libraries)
        after = MOVES.get((library.state, action))
        if self.agree(
            self.api.act(f"/libraries/{library.id}", action),
            after is not None,
            f"{library.state} {action}",
        ):
            assert after is not None
            library.state, library.environment, library.outcome, library.complete = (
                after,
                None,
                None,
                False,
            )
            self.visits[library.id] = self.visits.get(library.id, 0) + 1
            self.look_up()

    @precondition(lambda self: self.libraries)
    @rule(number=st.integers(0, 9), where=st.none() | st.integers(0, 3))
    def assign(self, number: int, where: int | None) -> None:
        library = self.pick(number, self.libraries)
        environment = None if where is None else self.pick(where, self.stages)
        allowed = library.state != "published" and (
            environment is None or self.may_have(library, environment)
        )
        if self.agree(self.api.assign(library.id, environment), allowed, "assign"):
            library.environment = None
            if environment:
                self.move_in(library, environment)

    def may_have(self, library: Library, environment: str) -> bool:
        occupant = self.occupant(environment)
        free = occupant is None or occupant is library or occupant.state == "published"
        return free and self.stages[environment] == STAGE[library.state]

    def move_in(self, library: Library, environment: str) -> None:
        occupant = self.occupant(environment)
        if occupant:
            occupant.environment = None
        library.environment = environment

    # -- contents

    @precondition(lambda self: self.libraries)
    @rule(
        number=st.integers(0, 9),
        kind=st.sampled_from(KINDS),
        how=st.sampled_from(["POST", "POST", "PATCH", "DELETE"]),
        choices=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=3),
    )
    def change(self, number: int, kind: str, how: str, choices: list[tuple[int, bool]]) -> None:
        library = self.pick(number, self.libraries)
        known = [
            revision
            for head in self.heads.values()
            if head.kind == kind
            for revision in (head.id, *head.revisions)
        ]
        items = [(self.pick(choice, known), revise) for choice, revise in choices]
        data = [
            {"id": record_id, "type": kind} | ({"meta": {"action": "revise"}} if revise else {})
            for record_id, revise in items
        ]
        send = {"POST": self.api.post, "PATCH": self.api.patch, "DELETE": self.api.delete}[how]
        answer = send(f"/libraries/{library.id}/relationships/{kind}", data)
        mine = {
            head: record_id
            for head, record_id in library.held.items()
            if self.heads[head].kind == kind
        }
        expected = self.after_change(mine, how, items) if library.state == "development" else None
        if self.agree(answer, expected is not None, f"{how} in {library.state}"):
            assert expected is not None
            self.apply(library, mine, expected, answer)

    def after_change(
        self, mine: dict[str, str], how: str, items: list[tuple[str, bool]]
    ) -> dict[str, str] | None:
        """Return revisions by head; a head revised on the way maps to itself. None if refused."""
        if how == "DELETE":
            removed = {record_id for record_id, _ in items}
            return {head: record_id for head, record_id in mine.items() if record_id not in removed}
        result = dict(mine) if how == "POST" else {}
        for record_id, revise in items:
            head = self.origin(record_id)
            assert head is not None
            if (record_id == head.id and not revise) or result.get(head.id, record_id) != record_id:
                return None
            result[head.id] = record_id
        return result

    def apply(
        self, library: Library, mine: dict[str, str], expected: dict[str, str], answer: Answer
    ) -> None:
        got = [resource["id"] for resource in answer.data]
        for head, record_id in expected.items():
            if head == record_id:
                known = {one for other in self.heads.values() for one in other.revisions}
                (new,) = [
                    one for one in got if one not in known and self.number(one, head) is not None
                ]
                self.cut(self.heads[head], new)
                expected[head] = new
        assert sorted(got) == sorted(expected.values())
        library.held = {
            head: record_id for head, record_id in library.held.items() if head not in mine
        } | expected
        library.complete = False

    def number(self, revision: str, head: str) -> int | None:
        """Return the number of a revision of the head, or None."""
        found = self.api.get(f"/{self.heads[head].kind}/{revision}").data
        same = found["relationships"]["origin"]["data"]["id"] == head
        return int(found["attributes"]["revision_number"]) if same else None

    # -- upstream

    def look_up(self) -> None:
        """Update the upstream of each library after a transition."""
        for library in self.libraries:
            if library.state != "published":
                before, library.upstream = library.upstream, self.above(library)
                library.complete = library.complete and before is library.upstream

    def above(self, library: Library) -> Library | None:
        for state in ABOVE[library.state]:
            found = [
                other for other in self.libraries if other.state == state and other is not library
            ]
            if found:
                return max(found, key=lambda other: (other.published, self.libraries.index(other)))
        return None

    def delivers(self, library: Library) -> dict[str, str]:
        below = self.delivers(library.upstream) if library.upstream else {}
        return below | library.held

    # -- builds

    @precondition(lambda self: self.libraries)
    @rule(number=st.integers(0, 9))
    def build(self, number: int) -> None:
        library = self.pick(number, self.libraries)
        answer = self.api.build(library.id)
        if self.agree(answer, self.can_build(library), f"build in {library.state}"):
            visit = library.state, self.visits.get(library.id, 0)
            self.pending.append(Pending(answer.id, library, visit, self.delivers(library)))
            self.builds[answer.id] = "pending"
            library.outcome, library.last = "pending", answer.id

    def can_build(self, library: Library) -> bool:
        if library.state == "published" or library.environment is None:
            return False
        if library.upstream and not library.upstream.built:
            return False
        delivered = self.delivers(library)
        return all(self.heads[record_id].needs in {None, *delivered} for record_id in delivered)

    @precondition(lambda self: self.pending)
    @rule(fails=st.integers(0, 4))
    def wait(self, fails: int) -> None:
        self.api.options.failing_builds = fails == 0
        self.api.wait()
        done, self.pending = self.pending, []
        for build in done:
            self.builds[build.id] = "failed" if fails == 0 else "succeeded"
            self.finish(build, self.builds[build.id])
        self.api.get("/companies")

    def finish(self, build: Pending, outcome: str) -> None:
        library = build.library
        library.built = library.built or outcome == "succeeded"
        visit = library.state, self.visits.get(library.id, 0)
        if library not in self.libraries or library.last != build.id or visit != build.visit:
            return
        library.outcome = outcome
        if outcome == "failed":
            return
        library.complete = self.delivers(library) == build.delivers or library.complete
        if library.state == "approved":
            self.clock += 1
            library.state, library.published = "published", self.clock
            self.public |= set(library.held.values())
        self.look_up()

    @precondition(lambda self: self.libraries)
    @rule(number=st.integers(0, 9), steps=st.integers(1, 9))
    def walk(self, number: int, steps: int) -> None:
        """Walk some steps towards production, where chance alone would hardly ever lead."""
        library = self.pick(number, self.libraries)
        for _ in range(steps):
            where = next(
                (at for at, stage in enumerate(self.stages) if self.may_have_now(library, stage)),
                None,
            )
            at = self.libraries.index(library)
            if library.state == "published" or (library.environment is None and where is None):
                return
            if library.outcome == "pending":
                self.wait(1)
            elif library.outcome == "succeeded":
                self.act(
                    at,
                    {"development": "submit", "submitted": "approve"}.get(library.state, "develop"),
                )
            elif library.environment is None:
                self.assign(at, where)
            else:
                self.build(at)

    def may_have_now(self, library: Library, environment: str) -> bool:
        return library.state != "published" and self.may_have(library, environment)

    # -- responses

    @invariant()
    def libraries_agree(self) -> None:
        if not hasattr(self, "api"):
            return
        seen = {
            resource["id"]: resource
            for resource in self.api.listed(f"/properties/{self.place}/libraries")
        }
        assert set(seen) == {library.id for library in self.libraries}
        for library in self.libraries:
            data = seen[library.id]
            shown = {
                "state": data["attributes"]["state"],
                "published": data["attributes"]["published_at"] is not None,
                "complete": not data["attributes"]["build_required"],
                "outcome": data["meta"]["build_status"],
                "environment": identifier(data, "environment"),
                "upstream": identifier(data, "upstream_library"),
                "last": identifier(data, "last_build"),
            }
            assert shown == {
                "state": library.state,
                "published": library.state == "published",
                "complete": library.complete,
                "outcome": library.outcome,
                "environment": library.environment,
                "upstream": library.upstream.id if library.upstream else None,
                "last": library.last,
            }
            for kind in KINDS:
                held = {
                    record_id
                    for head, record_id in library.held.items()
                    if self.heads[head].kind == kind
                }
                assert set(self.api.ids(f"/libraries/{library.id}/{kind}")) == held

    @invariant()
    def environments_agree(self) -> None:
        for data in (
            self.api.listed(f"/properties/{self.place}/environments")
            if hasattr(self, "api")
            else ()
        ):
            occupant = self.occupant(data["id"])
            assert identifier(data, "library") == (occupant.id if occupant else None)

    @invariant()
    def revisions_agree(self) -> None:
        for head in self.heads.values() if hasattr(self, "api") else ():
            found = {
                revision["id"]: revision
                for revision in self.api.listed(f"/{head.kind}/{head.id}/revisions")
            }
            numbers = {
                revision_id: data["attributes"]["revision_number"]
                for revision_id, data in found.items()
            }
            assert numbers == {head.id: 0} | {
                revision_id: at + 1 for at, revision_id in enumerate(head.revisions)
            }
            about = found[head.id]
            assert about["meta"]["latest_revision_number"] == len(head.revisions)
            dirty = {
                revision_id: data["attributes"]["dirty"] for revision_id, data in found.items()
            }
            assert dirty == dict.fromkeys(found, False) | {head.id: head.dirty}
            assert {identifier(revision, "origin") for revision in found.values()} == {head.id}
            public = {
                revision_id
                for revision_id, data in found.items()
                if data["attributes"]["published"]
            }
            assert public == self.public & set(head.revisions)

    @invariant()
    def builds_agree(self) -> None:
        for build, status in self.builds.items() if hasattr(self, "api") else ():
            assert self.api.attributes(f"/builds/{build}")["status"] == status
        for pending in self.pending if hasattr(self, "api") else ():
            built = {
                record_id
                for kind in KINDS
                for record_id in self.api.ids(f"/builds/{pending.id}/{kind}")
            }
            assert built == set(pending.delivers.values())


def identifier(data: dict[str, Any], relation: str) -> str | None:
    found = data["relationships"][relation]["data"]
    return str(found["id"]) if found else None


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(stateful_step_count=50)
