"""A campaign as pages to look at and to send: `gallery` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curricula.campaigns.commands.common import CampaignName, Root, UserError, require_folder
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_folder

Seconds = Annotated[
    float, typer.Option(min=0, help="how long pictures may be drawn; what is drawn is kept")
]

_HTML = ".html"


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(gallery)
    app.command()(report)


def gallery(
    campaign: CampaignName,
    generation: Annotated[
        int | None, typer.Option(min=0, help="its tasks alone; by default those of all of them")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="FILE.html; by default CAMPAIGN-gallery.html, here")
    ] = None,
    seconds: Seconds = 60.0,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Write the tasks that a campaign trained on as a page.

    With picture, parameters, returns, regret and origin of each; to be filtered, sorted, and
    compared from generation to generation. The page needs nothing but a browser.
    """
    require_html(out)
    store = CampaignStore(campaign_folder(campaign, root))
    records = [r for r in store.records() if generation in (None, r["generation"])]
    from curricula.campaigns.config.plugins import make_generator
    from curricula.campaigns.sight.campaign_gallery import CampaignGallery

    config = store.config()
    made = CampaignGallery(
        store.folder, config.model_dump(mode="json"), make_generator(config.generator)
    )
    page = made.page(records, seconds) if records else None
    if page is None:
        where = "" if generation is None else f" in generation {generation}"
        raise UserError(f"{store.folder.name} has trained on no task{where} yet; see its status.")
    out = out or Path(f"{store.folder.name}-gallery.html")
    out.write_text(page, encoding="utf-8")
    typer.echo(f"{out}: {len(page) / 1e6:.1f} MB, to be opened in a browser")


def report(
    campaign: CampaignName,
    out: Annotated[
        Path | None, typer.Option(help="FILE.html; by default CAMPAIGN-report.html, here")
    ] = None,
    seconds: Seconds = 30.0,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Write a campaign as one page for people without MLflow.

    Settings, results with intervals, curves, how the distribution widened, what the search tried,
    every decision, films of adaptation and the tasks of the last generation, in one file.
    """
    require_html(out)
    store = CampaignStore(campaign_folder(campaign, root))
    from curricula.campaigns.config.plugins import make_generator
    from curricula.campaigns.sight.campaign_report import CampaignReport

    config = store.config()
    made = CampaignReport(
        store.folder, config.model_dump(mode="json"), make_generator(config.generator)
    )
    page = made.page(seconds)
    if page is None:
        raise UserError(f"{store.folder.name} has no commit yet; let it run a while.")
    out = out or Path(f"{store.folder.name}-report.html")
    out.write_text(page, encoding="utf-8")
    typer.echo(f"{out}: {len(page) / 1e6:.1f} MB, to be opened in a browser")


def require_html(out: Path | None) -> None:
    """Raises an error where a page is to be written to something else than an HTML file.

    Raises:
        UserError: with what was asked for.
    """
    if out is not None and out.suffix != _HTML:
        raise UserError(f"--out must end in {_HTML}, got {out}.")
    require_folder(out)
