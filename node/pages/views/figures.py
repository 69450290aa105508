"""/shop/figures: money by day and service, rates, busy hours; and the same as a file."""

import csv
import io

from aiohttp import web

from node.pages import figures
from node.pages.asking import AskError, asked
from node.pages.desk import find_worker, for_script, login_page
from node.pages.page import GoneError, Shown, Visit, page
from node.pages.shopbook import read_book
from node.pages.views.console import read_shop

SPANS = (7, 30, 90)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@page("/shop/figures", words="figures")
async def show(visit: Visit) -> Shown | web.Response:
    """Show the figures of some days."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    about = await read_shop(visit, worker.shop)
    book = await read_book(visit, worker.shop)
    span = figures.last_days(about["now"], _days(visit), about["zone"])
    days, heat = figures.by_day(book, span), figures.heat(book, span)
    survey = await _read_survey(visit, worker.shop, about["now"])
    return visit.show(
        "figures.html",
        survey=survey,
        survey_figure=figures.survey_figure,
        **about,
        worker=worker,
        is_whole=book.is_whole,
        spans=SPANS,
        span=span,
        days=days,
        total=sum(one["money"] for one in days),
        by_service=figures.by_service(book, span),
        rates=figures.rates(book, span),
        heat=heat,
        hours=figures.busy_hours(heat),
        data={**for_script(worker), "days": days},
    )


async def _read_survey(visit: Visit, shop: str, now: int) -> dict[str, dict[str, int]]:
    """Return what customers answered to the question of the month: of this one and the last."""
    try:
        month = await visit.ask("reviews.month", at_=now)
    except AskError:  # a chain without this contract
        return {}
    this, last = await visit.ask.all(
        asked("reviews.survey", shop=shop, month=month),
        asked("reviews.survey", shop=shop, month=month - 1),
    )
    return {"this": this, "last": last}


@page("/shop/figures.csv", words="figures")
async def export(visit: Visit) -> web.Response:
    """Give the figures of each day as a file for a spreadsheet."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    about = await read_shop(visit, worker.shop)
    book = await read_book(visit, worker.shop)
    if not book.is_whole:  # a file bears no notice beside its sums
        raise GoneError("staff.reading")
    span = figures.last_days(about["now"], _days(visit), about["zone"])
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([visit.words(f"figures.{name}") for name in ("day", "visits", "money")])
    for one in figures.by_day(book, span):
        writer.writerow([one["day"], one["visits"], _plain(one["money"])])
    writer.writerow([])
    writer.writerow([visit.words(f"figures.{name}") for name in ("service", "visits", "money")])
    for one in figures.by_service(book, span):
        label = str(about["label"](one["service"]))
        safe = f"'{label}" if label.startswith(_FORMULA) else label
        writer.writerow([safe, one["visits"], _plain(one["money"])])
    return web.Response(
        body=("\ufeff" + out.getvalue()).encode(),  # the mark makes spreadsheets read it as UTF-8
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="figures-{span.days}.csv"',
        },
    )


def _plain(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def _days(visit: Visit) -> int:
    wanted = visit.number("days")
    return wanted if wanted in SPANS else SPANS[1]
