"""Tasks as one HTML page that needs nothing else: a picture of each, its parameters, its features.

Pictures are inside the page, so it can be sent, attached to a run, or opened without a network.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curricula.campaigns.sight.pictures import task_features
from curricula.campaigns.sight.words import edits_text
from taskgen.generator import TaskGenerator
from taskgen.task import Task

_MIN_PIXELS = 160

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 13px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; background: #fff; }}
h1 {{ font-size: 1.3em; margin: 0; }}
p {{ color: #555; }}
#tasks {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 16px; }}
figure {{ margin: 0; }}
img {{ width: 100%; image-rendering: pixelated; border: 1px solid #ddd; }}
figcaption b {{ font-family: ui-monospace, monospace; font-weight: normal; color: #1f4e79; }}
td {{ padding: 0 1em 0 0; color: #555; }}
td + td {{ text-align: right; padding: 0; color: #222; font-variant-numeric: tabular-nums; }}
</style></head><body>
<h1>{title}</h1><p>{subtitle}</p>
<p><label>sort by <select id="by"><option value="">as drawn</option>{options}</select></label></p>
<div id="tasks">{figures}</div>
<script>
const box = document.getElementById("tasks"), drawn = [...box.children];
document.getElementById("by").onchange = (event) => {{
  const key = event.target.value;
  const value = (figure) => JSON.parse(figure.dataset.features)[key] ?? Infinity;
  box.replaceChildren(...(key ? [...drawn].sort((a, b) => value(a) - value(b)) : drawn));
}};
</script></body></html>
"""


def gallery(
    generator: TaskGenerator,
    tasks: Sequence[Task],
    pictures: Sequence[NDArray[np.uint8]],
    title: str,
    subtitle: str = "",
) -> str:
    """Returns the page.

    Args:
        generator: describes the tasks.
        tasks: what to show.
        pictures: one a task, [height, width, 3] each, of any sizes.
        title: of the page.
        subtitle: a line below it.
    """
    features = task_features(generator, tasks)
    keys = sorted({key for row in features for key in row})
    options = "".join(f"<option>{html.escape(key)}</option>" for key in keys)
    figures = "".join(map(_figure, tasks, pictures, features))
    return _PAGE.format(
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        options=options,
        figures=figures,
    )


def _figure(task: Task, picture: NDArray[np.uint8], features: dict[str, float]) -> str:
    shown: dict[str, object] = {**task.params, **features}
    if task.parents:
        parents = ", ".join(parent[:12] for parent in task.parents)
        shown |= {"edit of": parents, "by": edits_text(task.operator)}
    rows = "".join(
        f"<tr><td>{html.escape(k)}</td><td>{_text(v)}</td></tr>" for k, v in shown.items()
    )
    data = html.escape(json.dumps(features), quote=True)
    return (
        f'<figure data-features="{data}"><img alt="task {task.id[:12]}" src="{_uri(picture)}">'
        f"<figcaption><b>{task.id[:12]}</b><table>{rows}</table></figcaption></figure>\n"
    )


def _uri(picture: NDArray[np.uint8]) -> str:
    image = Image.fromarray(picture)
    scale = -(-_MIN_PIXELS // max(image.size))
    if scale > 1:
        size = (image.width * scale, image.height * scale)
        image = image.resize(size, Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _text(value: object) -> str:
    return f"{value:z.4g}" if isinstance(value, float) else html.escape(str(value))
