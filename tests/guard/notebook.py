"""A real IPython shell, and widgets whose messages to the front end are kept."""

import re
from types import TracebackType
from typing import Any

import comm
from comm.base_comm import BaseComm
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from stage import Stage

import adobe_nb

_TIME_LEFT = re.compile(r"\d+ h \d+ min left")
_SENTENCES = ("Next ", "Test ", "Taken ", "Not used ")


class _FrontEnd:
    """What a front end has been told of each widget."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.comms: dict[str, BaseComm] = {}

    def panel(self) -> str:
        """The id of the newest model that has a state of its own."""
        return [name for name, model in self.models.items() if "answered" in model][-1]


_front_end = _FrontEnd()


class _Comm(BaseComm):
    def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **__: Any) -> None:
        _front_end.comms[self.comm_id] = self
        model = _front_end.models.setdefault(self.comm_id, {})
        if isinstance(data, dict):
            model.update(data.get("state", {}))


class Notebook:
    """Runs cells and clicks; each is a step of the record."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._created = comm.create_comm

    def __enter__(self) -> "Notebook":
        comm.create_comm = _Comm
        self._shell = InteractiveShell.instance()
        self._shell.history_manager.enabled = False
        adobe_nb.load_ipython_extension(self._shell)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        adobe_nb.unload_ipython_extension(self._shell)
        InteractiveShell.clear_instance()
        comm.create_comm = self._created

    def step(self, title: str, cell: str) -> None:
        """Run a cell; what it shows is recorded."""
        self._stage.step(title, lambda: self._run(cell), ordered=True)

    def click(self, title: str, **content: str) -> None:
        """A message of the panel's front end; what the panel shows afterwards is recorded."""

        def clicked() -> dict[str, Any]:
            message = {"method": "custom", "content": {**content, "click": title}}
            panel = _front_end.comms[_front_end.panel()]
            panel.handle_msg({"content": {"data": message}, "buffers": []})
            return self._panel()

        self._stage.step(title, clicked, ordered=True)

    def variable(self, name: str) -> None:
        """A variable of the notebook."""
        self._stage.step(f"the variable {name}", lambda: self._shell.user_ns[name])

    def _run(self, cell: str) -> dict[str, Any]:
        with capture_output() as captured:
            result = self._shell.run_cell(cell, store_history=False)
        error = result.error_in_exec or result.error_before_exec
        if isinstance(error, adobe_nb.AdobeError):
            raise error
        if error is not None:
            return {"error": type(error).__name__}
        kinds = [sorted(each.data) for each in captured.outputs]
        shown: dict[str, Any] = {"shows": kinds}
        if "%adobe_auth" in cell:
            texts = [each.data.get("text/plain", "") for each in captured.outputs]
            shown["facts"] = [line for text in texts for line in self._facts(text)]
        if any("application/vnd.jupyter.widget-view+json" in each for each in kinds):
            shown["panel"] = self._panel()
            del shown["panel"]["answered"]
        return shown

    def _facts(self, text: str) -> list[str]:
        """The lines of a card, without those that are sentences."""
        lines = [_TIME_LEFT.sub("<time> left", line.strip()) for line in text.splitlines()]
        return [self._stage.text(line) for line in lines if not line.startswith(_SENTENCES)]

    def _panel(self) -> dict[str, Any]:
        """The synced state of the panel: all but looks, and sentences."""
        model = _front_end.models[_front_end.panel()]
        ours = {name: value for name, value in model.items() if not name.startswith("_")}
        for name in ("layout", "tabbable", "tooltip"):
            ours.pop(name, None)
        issued, expires = ours.pop("issued_at", None), ours.pop("expires_at", None)
        ours["seconds_left"] = None if expires is None else round((expires - issued) / 1000)
        # Clicks of earlier scenarios are included, because there is one panel for each process.
        ours["answered"] = ours["answered"][-1:]
        ours["message"] = {
            **ours.get("message", {}),
            "text": bool(ours.get("message", {}).get("text")),
        }
        if "notes" in ours.get("state", {}):
            ours["state"] = {**ours["state"], "notes": len(ours["state"]["notes"])}
        return ours
