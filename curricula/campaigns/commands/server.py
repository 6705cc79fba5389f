"""MLflow's pages for the embedded store: `ui`.

The light form of the server: one worker, no job runners, no telemetry, this machine only. MLflow
is started as a process of its own and not imported here.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from curricula.campaigns.commands.common import Root, UserError, require_root
from curricula.campaigns.mlflow_tracking.relocation import ARTIFACTS, DATABASE, relocate
from curricula.campaigns.mlflow_tracking.stores import (
    NO_TELEMETRY,
    default_uri,
    remembered_page,
    tracking_uri,
)
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_folder

HOST = "127.0.0.1"
DEFAULT_PORT = 5000
_START_S = 120.0

# MLflow opens on its pages for language models unless the address says what is meant.
_WORKFLOW = "workflowType=machine_learning"

_LIGHT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore:starlette.middleware.wsgi is deprecated",  # of MLflow, to MLflow
    **NO_TELEMETRY,
}


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command()(ui)


def ui(
    campaign: Annotated[
        str | None, typer.Argument(metavar="CAMPAIGN", help="whose page; none: all of them")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="of this machine")] = DEFAULT_PORT,
    open_browser: Annotated[
        bool, typer.Option("--open", help="open the page in a browser as soon as it is there")
    ] = False,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Show campaigns in MLflow, in a browser; Ctrl-C ends it.

    All of them, or the page of one.
    """
    page = _page_of(campaign, root) if campaign is not None else "#/experiments"
    remote = os.environ.get("MLFLOW_TRACKING_URI", "")
    if remote.startswith(("http://", "https://")):
        typer.echo("MLFLOW_TRACKING_URI names a server that runs already:")
        typer.echo(page_address(page, server=remote))
        if open_browser:
            webbrowser.open(page_address(page, server=remote))
        return
    if _is_taken(port):
        raise UserError(
            f"port {port} of {HOST} is in use, perhaps by another `taskgen ui`; "
            f"take another with --port."
        )
    if not remote:
        require_root(root)
        relocate(root)
        if not (root / DATABASE).exists():
            typer.echo(
                f"{root} holds no MLflow store yet; the pages will be empty until a campaign runs."
            )
    typer.echo("MLflow starts, and says here when it is there; Ctrl-C ends it.")
    args = (page_address(page, port), port, open_browser)
    threading.Thread(target=_announce, args=args, daemon=True).start()
    code = _serve(command(root, port, remote))
    if code:
        raise RuntimeError(f"the MLflow server ended with code {code}; its output says why.")


def _serve(server_command: list[str]) -> int:
    """Runs the server until it ends, or until Ctrl-C or SIGTERM, which end all its processes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    env = {**os.environ, **_LIGHT}
    server = subprocess.Popen(server_command, env=env, start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        return 0


def _page_of(campaign: str, root: Path) -> str:
    """Returns the page of a campaign, from `#` on.

    Raises:
        UserError: if it was never logged to this store.
    """
    store = CampaignStore(campaign_folder(campaign, root))
    uri = tracking_uri(store.config().tracking.uri, root)
    page = remembered_page(store.folder, uri)
    if page is None:
        raise UserError(
            f"{store.folder.name} has no run in MLflow at {uri}; `taskgen report {campaign}` "
            f"writes a page without it, and resuming the campaign logs all of it."
        )
    return page


def _announce(address: str, port: int, open_browser: bool) -> None:
    """Says where the page is, and opens it in a browser if so wished, when the server answers."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                typer.echo(f"ready: {address}")
                if open_browser:
                    webbrowser.open(address)
                return
        time.sleep(0.5)


def page_address(
    page: str = "#/experiments", port: int = DEFAULT_PORT, server: str | None = None
) -> str:
    """Returns the address of a page of the server, by default of the one that `ui` starts.

    Example:
        >>> page_address("#/experiments/1/runs/abc")
        'http://127.0.0.1:5000/#/experiments/1/runs/abc?workflowType=machine_learning'
    """
    mark = "&" if "?" in page else "?"
    return f"{(server or f'http://{HOST}:{port}').rstrip('/')}/{page}{mark}{_WORKFLOW}"


def command(root: Path, port: int, store: str = "") -> list[str]:
    """Returns the command line of the server.

    Args:
        root: where the embedded store lies.
        port: of this machine.
        store: another store's URI, "" for the embedded one.
    """
    root = root.resolve()
    uri = store or default_uri(root)
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", uri, "--registry-store-uri", uri),
        *("--default-artifact-root", (root / ARTIFACTS).as_uri()),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        *("--uvicorn-opts", "--log-level warning"),  # what goes wrong, not every page
    ]


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
