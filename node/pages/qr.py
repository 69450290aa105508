"""QR codes as drawings inside a page."""

import io

import segno
from markupsafe import Markup

_BORDER = 4  # modules of white around it, as readers want


def draw_qr(text: str, label: str) -> Markup:
    """Return a QR code of a text as an SVG element; `label` is read out in its place."""
    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(out, kind="svg", xmldecl=False, svgns=False, border=_BORDER, omitsize=True, nl=False)
    drawing = out.getvalue().decode()
    named = Markup('<svg role="img" aria-label="{}"').format(label)
    # Nothing of the text is in the drawing but its modules.
    return named + Markup(drawing.removeprefix("<svg"))  # noqa: S704
