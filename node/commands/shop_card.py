"""The recovery card of a shop: 24 words that are its account, on a page to print. Pure."""

import io
from collections.abc import Sequence
from html import escape

from node.commands.words import lang, t

_STYLE = """\
body { font: 14px/1.5 sans-serif; margin: 2em; max-width: 42em }
ol { columns: 3; font-size: 18px } h1 { font-size: 22px } code { word-break: break-all }
"""


def card_page(name: str, account: str, words: Sequence[str]) -> str:
    """Return the card as one HTML page that needs nothing from anywhere."""
    import segno

    title = escape(t("Recovery card of {name}", name=name))
    warning = t(
        "These 24 words are the shop's account. Whoever reads them has it; without them and "
        "without this computer it is lost. Keep the paper where the licence is. Never photograph "
        "it."
    )
    drawing = io.BytesIO()
    code = segno.make(" ".join(words), error="m", micro=False)
    code.save(drawing, kind="svg", scale=3, xmldecl=False, svgns=True)
    rows = "\n".join(f"<li>{escape(word)}</li>" for word in words)
    return (
        f'<!doctype html>\n<html lang="{lang()}">\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n<h1>{title}</h1>\n"
        f"<p>{escape(warning)}</p>\n<ol>\n{rows}\n</ol>\n"
        f"<p>{escape(t('Account'))} <code>{escape(account)}</code></p>\n"
        f"<p>{escape(t('On another computer: washnode key restore shop'))}</p>\n"
        f"<p>{escape(t('The code holds the same words.'))}</p>\n{drawing.getvalue().decode()}\n"
        "</html>\n"
    )
