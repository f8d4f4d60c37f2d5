"""An account of a container: no HOME, and no entry in passwd."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adobe_nb
from adobe_nb import lab

CODE = """
import os, pwd, warnings
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    print("no entry")
import adobe_nb
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    sessions = [
        adobe_nb.connect(), adobe_nb.connect(simulator=True), adobe_nb.connect(fallback="simulator")
    ]
print([session.source for session in sessions], [str(each.message) for each in caught])
print(len(sessions[1].reactor.rules.create(sessions[1].reactor.properties()["id"][0], name="x")))
print(adobe_nb.profiles())
calls = [
    adobe_nb.journal,
    lambda: adobe_nb.connect(env_file="~/x"),
    lambda: adobe_nb.connect(profile="x"),
    lambda: sessions[0].save("x", in_file=True),
]
for call in calls:
    try:
        call()
    except adobe_nb.AdobeError as error:
        print(type(error).__name__, error)
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
adobe_nb.load_ipython_extension(shell)
shell.run_line_magic("adobe_auth", "--or-simulator -q")
shell.run_line_magic("adobe_auth", "profiles")
from adobe_nb.cli import main
print(main(["pull", "~/x", "--simulator"]), main(["lab", "--dir", "~/x"]))
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can become an account that has no entry",
)
def test_everything_works_without_a_home_and_the_journal_is_off_with_one_warning(
    tmp_path: Path, demo: Any
) -> None:
    # The account may read all files, because the package can be in a folder of root.
    read = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    become = ["setpriv", "--reuid", "54321", "--regid", "12345", "--clear-groups", *read]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "HOME" and not name.startswith("XDG_")
    }
    names = ("client_id", "client_secret", "org_id", "reactor_url", "ims_url")
    environment |= {f"ADOBE_{name.upper()}": demo.connection()[name] for name in names}
    environment |= {"IPYTHONDIR": str(tmp_path / "none"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*become, sys.executable, "-W", "ignore", "-c", CODE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert told.startswith(
        "no entry\n['environment', 'the built-in simulator', 'environment'] ['This account"
    )
    assert told.count("no journal of writes is kept") == 1
    assert "\n1\n[]\n" in told
    assert "JournalError This account has no home folder" in told
    assert "CredentialsError ~/x does not exist. Give the full path" in told
    assert "CredentialsError There is no profile 'x'" in told
    assert "CredentialsError This account has no home folder to keep profiles in" in told
    assert "save one with %adobe_auth login --save NAME" in told
    assert told.endswith("2 2\n")
    assert done.stderr.count("does not stand for a folder here") == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: adobe_nb.connect(env_file="~nobody-here/.env"),
        lambda: lab.run(Path("~nobody-here/x"), port=None, browser=False),
    ],
)
def test_an_unknown_home_folder_is_reported(call: Any) -> None:
    with pytest.raises(
        (adobe_nb.CredentialsError, adobe_nb.ArgumentError), match="Give the full path"
    ):
        call()
