"""Run the tasks of ``many`` on a cluster of dask.distributed.

A task is text: names, paths and options. A worker signs in with the profile of that name on its own
machine, and returns a row of numbers and text, so no secret and no row of data passes through the
scheduler.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adobe_nb.errors import ArgumentError
from adobe_nb.http.workers import Cancelled
from adobe_nb.snapshot.live import Live
from adobe_nb.snapshot.many import Row, Task, error_text, work

if TYPE_CHECKING:
    from distributed import Client

_CONNECTED_WITHIN = 10.0
"""Seconds to wait for the scheduler."""
_POLL = 0.2
"""Seconds between two drawings of the progress."""


def check(client: object) -> None:
    """Raise ArgumentError unless this is a connected client that can be used here."""
    distributed = _library()
    if not isinstance(client, distributed.Client):
        raise ArgumentError(
            f"client must be a dask.distributed.Client, not {type(client).__name__}: "
            'Client("tcp://…:8786").'
        )
    if client.asynchronous:
        raise ArgumentError("client must not be asynchronous: Client(…, asynchronous=False).")
    if client.status != "running":
        raise ArgumentError(f"The client is {client.status}. Connect to the scheduler again.")


def connected(scheduler: str) -> "Client":
    """Return a client of the scheduler at that address. Raises ArgumentError."""
    distributed = _library()
    try:
        client: Client = distributed.Client(
            scheduler, timeout=_CONNECTED_WITHIN, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise ArgumentError(
            f"There is no scheduler at {scheduler} ({error}). Start one: dask scheduler."
        ) from None
    return client


def _library() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise ArgumentError(
            f"A cluster requires distributed, which cannot be imported ({error}). "
            'Install it: pip install "adobe_nb[cluster]".'
        ) from None


def finished(client: Any, tasks: Sequence[Task], live: Live) -> Iterator[Row]:
    """Yield the row of each task when it ends."""
    if not tasks:
        return
    import dask  # noqa: PLC0415

    topic = Path(tasks[0].run).name.removeprefix(".")
    client.subscribe_topic(topic, lambda event: live.report(event[1]))
    by_future: dict[Any, Task] = {}
    try:
        # With any other setting, the scheduler would keep the source of the calling cell.
        with dask.config.set({"distributed.diagnostics.computations.nframes": 0}):
            for task in tasks:
                key = f"{topic}-{task.organization}"
                values = dataclasses.asdict(task)
                by_future[client.submit(_on_worker(), values, topic, key=key, pure=False)] = task
        unfinished = set(by_future)
        while unfinished:
            live.update()
            # The library's wait() would use the default client, which may be another one.
            time.sleep(_POLL)
            ended = {future for future in unfinished if future.done()}
            for future in ended:
                yield _row_of(future, by_future[future])
            unfinished -= ended
    finally:
        client.cancel(list(by_future))
        client.unsubscribe_topic(topic)


def _row_of(future: Any, task: Task) -> Row:
    if future.status == "finished":
        # A worker without the package knows only some of the columns.
        return task.row(**future.result())
    text = f"The task was {future.status}. Check that the scheduler is running, and call again."
    if future.status == "error":
        text = f"The cluster gave up the task. {error_text(future.exception())}"
    return task.row("failed", error=text)


def _on_worker() -> Callable[[Mapping[str, Any], str], Row]:
    """Return the function that a worker runs.

    It is sent as code, not as a name in this package: where the package is missing, that is a row
    of the answer.
    """

    def pull(values: Mapping[str, Any], topic: str) -> dict[str, Any]:
        try:
            from adobe_nb.snapshot.cluster import run  # noqa: PLC0415
        except ImportError as error:
            text = f"A worker cannot import adobe_nb ({error}). Install it where the workers run."
            return {"state": "failed", "error": text}
        return run(values, topic)

    return pull


def run(values: Mapping[str, Any], topic: str) -> Row:
    """Do a task on a worker, and return its row."""
    here = _library().get_worker()
    task = Task(**values)
    if not Path(task.run).is_dir():
        row = task.row(
            "failed",
            error=f"{Path(task.folder).parent} is not the folder of the machine that started the "
            "pull. All workers must share its storage, under the same path.",
        )
    else:
        try:
            row = work(task, lambda progress: here.log_event(topic, dict(progress)), _turn)
        # The caller no longer waits for the row.
        except Cancelled:
            row = task.row("canceled")
    if row["error"]:
        row["error"] = f"On worker {here.address}: {row['error']}"
    return row


@contextmanager
def _turn(organization: str, wait: Callable[[], object]) -> Iterator[None]:
    """Wait until no other task of the cluster reads the organization, into any folder.

    A courtesy: the scheduler takes the lock away from a worker that it has not heard from for half
    a minute. The lock of the snapshot folder then keeps the two apart.
    """
    lock = _library().Lock(f"adobe_nb {organization}")
    while not lock.acquire(blocking=False):
        wait()
    try:
        yield
    finally:
        lock.release()
