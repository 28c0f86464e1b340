"""A second generator of exports with truth, as unlike the first as the file contract allows, so that nothing is fitted.

Other ids (numbers, UUID pieces, order-number suffixes), other prefixes and slips (swapped neighbours, O for 0, a letter too
many), other proportions, stores, currencies (also one without minor units), columns in another order with strange ones
between them, decimals instead of minor units, negative gateway amounts, and files left out. It is plain Python, record
by record, and shares no line with `reconcile_data.py`.

    python benchmarks/reconcile_variant.py --out DIR --refunds 30000 --seed 3 [--form parquet|csv|semicolon|xlsx]
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter  # type: ignore[import-untyped]  # the package has no annotations

AS_OF = date(2027, 2, 10)
FIRST = date(2026, 12, 1)
LATE = {"refund_gateway": 10, "refund_credit_note": 6, "line_receipt": 28, "receipt_stock": 4}
BASES = {"uk": "GBP", "se": "SEK", "jp": "JPY", "ch": "CHF", "ie": "EUR"}
DIGITS = {"JPY": 0}
RATES = {("EUR", "GBP"): 860_000, ("GBP", "EUR"): 1_160_000, ("EUR", "CHF"): 940_000, ("EUR", "SEK"): 11_400_000}
RATES |= {("USD", "JPY"): 1_490_000, ("USD", "GBP"): 790_000}
FOREIGN = {"uk": "EUR", "se": "EUR", "jp": "USD", "ch": "EUR", "ie": "GBP"}

Row = dict[str, Any]


@dataclass(slots=True)
class World:
    """The files under construction and their truth."""

    dice: random.Random
    files: dict[str, list[Row]] = field(default_factory=dict)
    edges: list[tuple[str, str, str, str]] = field(default_factory=list)
    classes: list[tuple[str, str | None, str | None, str, str | None]] = field(default_factory=list)
    rates: dict[tuple[str, str, date], int] = field(default_factory=dict)
    serial: int = 0

    def add(self, name: str, row: Row) -> Row:
        """Put a row into a file."""
        self.files.setdefault(name, []).append(row)
        return row

    def one_in(self, n: int) -> bool:
        """True once in so many times."""
        return self.dice.randrange(n) == 0

    def next(self) -> int:
        """The next number, with gaps."""
        self.serial += self.dice.randint(1, 9)
        return self.serial


def rate(world: World, source: str, target: str, day: date) -> int:
    """The day's rate; it wanders by up to one per cent."""
    key = (source, target, day)
    if key not in world.rates:
        base = RATES[source, target]
        world.rates[key] = base + world.dice.randint(-base // 100, base // 100)
    return world.rates[key]


def convert(world: World, amount: int, source: str, target: str, day: date) -> int:
    return (amount * rate(world, source, target, day) + 500_000) // 1_000_000


def slipped(world: World, text: str) -> str:
    """What fingers make of a reference."""
    dice = world.dice
    at = dice.randrange(2, len(text) - 1)
    kind = dice.randrange(4)
    if kind == 0 and text[at] != text[at - 1]:
        return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
    if kind == 1:
        return text[:at] + dice.choice("0123456789") + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1 :]
    other = dice.choice([c for c in "O1782B" if c != text[at].upper()])
    return text[:at] + other + text[at + 1 :]


def dressed(world: World, text: str) -> str:
    """The same reference in another system's clothes."""
    styles = (
        lambda t: t.lower(),
        lambda t: f"RFND:{t}",
        lambda t: f"Refund {t} ",
        lambda t: t.replace("-", " ").replace("/", " "),
        lambda t: "-".join((t[:3], t[3:6], t[6:])) if t.isalnum() else t.replace("-", ""),
        lambda t: f"shop/{t}".upper(),
    )
    return world.dice.choice(styles)(text)


def refund_id(world: World, store: str, order: str, number: int) -> str:
    if store == "uk":
        return f"{order.lstrip('#')}-RF{number}-{world.dice.randrange(1000, 9999)}"
    if store == "jp":
        return str(880_000_000_000 + world.next() * 7)
    return "".join(world.dice.choices("abcdef0123456789", k=8)) + "-" + format(world.next(), "04x")


def refunds(world: World, count: int) -> Iterator[Row]:
    """Portal refunds, some two or three to an order."""
    dice = world.dice
    order, number, share = "", 0, 0
    store = "uk"
    for _ in range(count):
        if share == 0:
            store, number = dice.choice(list(BASES)), 0
            order = f"{store.upper()}{dice.choice(['-', ''])}{100_000 + world.next()}"
            share = 1 if dice.randrange(12) else dice.choice((2, 3))
        share, number = share - 1, number + 1
        base = BASES[store]
        currency = FOREIGN[store] if dice.randrange(15) == 0 else base
        unit = 100
        items = dice.randrange(8, 400) * unit + dice.randrange(unit)
        discount = items * dice.choice((0, 0, 0, 10, 15, 25)) // 100
        shipping = dice.choice((0, 0, 0, 5, 7)) * unit + (unit * 9 // 10)
        shipping = 0 if shipping < unit * 2 else shipping
        tax = (items - discount) // 5
        day = FIRST + timedelta(days=dice.randrange(71))
        yield world.add(
            "portal_refunds",
            {
                "refund_date": day,
                "amount": items - discount + tax + shipping,
                "currency": currency,
                "refund_id": refund_id(world, store, order, number),
                "order_no": order,
                "comment": dice.choice(("", "ok; as agreed", 'said "thanks"')),
                "store_id": f"{store}-web",
                "return_id": f"RMA{70_000_000 + world.next()}",
                "gateway_txn_id": "",
                "method": dice.choice(("original_payment",) * 6 + ("store_credit",)),
                "portal": dice.choice(("loop", "reveni")),
                "base_currency": base,
                "items": items,
                "discount": discount,
                "tax": tax,
                "shipping": shipping,
                "n_lines": 1,
                "refunded_at": (day - date(1970, 1, 1)).days * 86_400 + dice.randrange(86_400),
            },
        )


def gateway_line(world: World, refund: Row, amount: int, day: date, reference: str, tender: str = "visa") -> Row:
    return world.add(
        "gateway_refunds",
        {
            "amount": -amount,
            "currency": refund["currency"],
            "reference": reference,
            "store_id": refund["store_id"],
            "gateway_txn_id": "ch_" + "".join(world.dice.choices(string.ascii_letters + string.digits, k=16)),
            "gateway": "acq",
            "line_type": "refund",
            "payout_id": f"tr{(day - FIRST).days}",
            "order_no": refund["order_no"] if world.dice.randrange(5) else "",
            "tender": tender,
            "created_date": min(day, AS_OF),
            "payout_date": min(day, AS_OF) + timedelta(days=2),
        },
    )


def money_leg(world: World, refund: Row, leg: str) -> None:
    """One refund's right-hand records on one money leg, and the truth about them."""
    dice, late = world.dice, LATE[leg]
    gateway = leg == "refund_gateway"
    age = (AS_OF - refund["refund_date"]).days
    if age <= late and dice.randrange(4) == 0:
        world.classes.append((leg, refund["refund_id"], None, "in_transit", None))
        return
    draw = dice.randrange(1000)
    if draw < 6:
        world.classes.append((leg, refund["refund_id"], None, "missing_right" if age > late else "in_transit", None))
        return
    currency, wanted, shipping, discount, day = _compared(world, refund, gateway)
    crossed = currency != refund["currency"]
    amount, reason = _amount(world, draw, wanted, shipping, discount, crossed=crossed)
    lag = dice.randrange(3)
    timing = 100 <= draw < 112 and age > late + 15
    if timing:
        lag = late + 1 + dice.randrange(14)
    tenders = [("visa", amount)]
    if gateway and 120 <= draw < 150 and reason is None and amount > 20:
        part = amount * dice.randrange(2, 8) // 10
        tenders = [("visa", part), ("giftcard", amount - part)]
    if 160 <= draw < 172:
        tenders.append(tenders[0])
    for at, (tender, part) in enumerate(tenders):
        repeat = 160 <= draw < 172 and at == len(tenders) - 1
        on = min(day + timedelta(days=lag + (1 + dice.randrange(3) if repeat else 0)), AS_OF)
        right = _right(world, refund, leg, part, currency, on, tender, alone=len(tenders) == 1 and reason is None)
        world.edges.append((leg, refund["refund_id"], right, "duplicate" if repeat else "match"))
        if gateway and at == 0 and dice.randrange(3):
            refund["gateway_txn_id"] = right
    if 160 <= draw < 172:
        world.classes.append((leg, refund["refund_id"], None, "duplicate", None))
    elif reason:
        world.classes.append((leg, refund["refund_id"], None, "variance", reason))
    elif timing:
        world.classes.append((leg, refund["refund_id"], None, "timing", None))


def _compared(world: World, refund: Row, gateway: bool) -> tuple[str, int, int, int, date]:
    """The currency the right record is in, and what it should say there."""
    own, base, day = refund["currency"], refund["base_currency"], refund["refund_date"]
    amounts = refund["amount"], refund["shipping"], refund["discount"]
    if gateway or own == base or world.dice.randrange(3) == 0:
        return own, *amounts, day
    wanted, shipping, discount = (convert(world, amount, own, base, day) for amount in amounts)
    return base, wanted, shipping, discount, day


def _amount(
    world: World, draw: int, wanted: int, shipping: int, discount: int, *, crossed: bool
) -> tuple[int, str | None]:
    dice = world.dice
    if 10 <= draw < 18:
        return wanted + dice.choice((-2, -1, 1, 2)), "tax_rounding"
    if 20 <= draw < 40 and shipping > 5:
        return wanted - shipping, "shipping"
    if 40 <= draw < 60 and discount > 5:
        return wanted + discount, "discount"
    if 60 <= draw < 66:
        return wanted + max(7, wanted * dice.randrange(5, 15) // 100) * dice.choice((-1, 1)), "other"
    if crossed and 66 <= draw < 100 and wanted > 2_000:
        off = max(4, wanted * dice.randrange(3, 20) // 1000) * dice.choice((-1, 1))
        if abs(off) not in (shipping, discount):
            return wanted + off, "fx"
    return wanted, None


def _right(
    world: World, refund: Row, leg: str, amount: int, currency: str, day: date, tender: str, *, alone: bool
) -> str:
    """Write one right-hand record; its reference is as sent, dressed, slipped or, where it can be told, lost."""
    dice = world.dice
    how = dice.randrange(100)
    known = refund["refund_id"]
    reference = known
    if how < 12:
        reference = dressed(world, known)
    elif how < 14:
        reference = slipped(world, known)
    lost = how in (14, 15) and alone
    if leg == "refund_gateway":
        line = gateway_line(world, refund, amount, day, "" if lost else reference, tender)
        if lost:
            line["order_no"] = refund["order_no"]
        return str(line["gateway_txn_id"])
    number = f"CR-{world.next():08d}"
    world.add(
        "erp_credit_notes",
        {
            "posted_date": day,
            "period": day.strftime("%Y-%m"),
            "amount": amount,
            "currency": currency,
            "external_id": "" if lost else reference,
            "order_no": refund["order_no"],
            "store_id": refund["store_id"],
            "erp": "prima",
            "credit_note_id": number,
        },
    )
    return number


def consolidated(world: World, group: list[Row]) -> bool:
    """One credit note for all the refunds of an order."""
    if len({r["currency"] for r in group}) > 1 or any((AS_OF - r["refund_date"]).days < 8 for r in group):
        return False
    days = [r["refund_date"] for r in group]
    if (max(days) - min(days)).days > LATE["refund_credit_note"] - 1:
        return False
    number = f"CR-{world.next():08d}"
    world.add(
        "erp_credit_notes",
        {
            "posted_date": max(days),
            "period": max(days).strftime("%Y-%m"),
            "amount": sum(r["amount"] for r in group),
            "currency": group[0]["currency"],
            "external_id": world.dice.choice(("", group[0]["refund_id"])),
            "order_no": group[0]["order_no"],
            "store_id": group[0]["store_id"],
            "erp": "prima",
            "credit_note_id": number,
        },
    )
    world.edges += [("refund_credit_note", r["refund_id"], number, "match") for r in group]
    return True


def batches(world: World, every: list[Row]) -> set[str]:
    """Payout lines that pay an unbroken run of one store's refunds; gives the refunds they pay."""
    taken: set[str] = set()
    by_store: dict[tuple[str, str], list[Row]] = {}
    for row in every:
        by_store.setdefault((row["store_id"], row["currency"]), []).append(row)
    for (store, currency), rows in sorted(by_store.items()):
        rows.sort(key=lambda r: (r["refunded_at"], r["refund_id"]))
        for start in range(0, len(rows) - 6, 700):
            run = rows[start : start + world.dice.randint(2, 5)]
            last = run[-1]["refund_date"]
            if (last - run[0]["refund_date"]).days > 2 or (AS_OF - last).days < 15:
                continue
            line = gateway_line(world, run[0], sum(r["amount"] for r in run), last + timedelta(days=1), "", "bank")
            line |= {"order_no": "", "line_type": "payout_batch", "currency": currency, "store_id": store}
            taken |= {r["refund_id"] for r in run}
            world.edges += [("refund_gateway", r["refund_id"], str(line["gateway_txn_id"]), "match") for r in run]
    return taken


def strangers(world: World, count: int) -> None:
    """Records that only a gateway or an ERP knows."""
    for _ in range(count):
        refund = world.dice.choice(world.files["portal_refunds"]) | {"order_no": f"XX{world.next() + 5_000_000}"}
        line = gateway_line(
            world, refund, refund["amount"] + world.dice.randrange(9, 50), refund["refund_date"], "phone order"
        )
        world.classes.append(("refund_gateway", None, str(line["gateway_txn_id"]), "missing_left", None))


def stock(world: World, every: list[Row]) -> None:
    """Return lines, the parcels they came in and the movements posted for them."""
    dice = world.dice
    for refund in every:
        for at in range(dice.choice((1, 1, 1, 2))):
            authorised = refund["refund_date"] - timedelta(days=dice.randrange(4, 15))
            quantity = dice.choice((1, 1, 1, 2, 3, 4))
            line = world.add(
                "portal_return_lines",
                {
                    "sku": f"{dice.choice(('TEE', 'CAP', 'SOCK'))}.{dice.randrange(100, 999)}.{at}",
                    "qty": quantity,
                    "return_line_id": f"{refund['return_id']}:{at + 1}",
                    "return_id": refund["return_id"],
                    "order_no": refund["order_no"],
                    "store_id": refund["store_id"],
                    "unit_price": refund["items"],
                    "currency": refund["currency"],
                    "authorised_date": authorised,
                    "warehouse": "NORTH",
                },
            )
            parcels(world, line)


def parcels(world: World, line: Row) -> None:
    dice, leg, late = world.dice, "line_receipt", LATE["line_receipt"]
    age = (AS_OF - line["authorised_date"]).days
    draw = dice.randrange(1000)
    if draw < 10 or (age <= late and draw < 300):
        kind = "missing_right" if age > late else "in_transit"
        world.classes.append((leg, line["return_line_id"], None, kind, None))
        return
    parts = [line["qty"]]
    repeat = False
    if line["qty"] > 1 and 300 <= draw < 400:
        parts = [1, line["qty"] - 1]
    elif line["qty"] > 1 and 400 <= draw < 415:
        parts = [line["qty"] - 1]
        world.classes.append((leg, line["return_line_id"], None, "variance", "qty"))
    elif 420 <= draw < 428:
        parts, repeat = [line["qty"], line["qty"]], True
        world.classes.append((leg, line["return_line_id"], None, "duplicate", None))
    lag = 3 + dice.randrange(8)
    if 430 <= draw < 442 and age > late + 15:
        lag = late + 2 + dice.randrange(10)
        world.classes.append((leg, line["return_line_id"], None, "timing", None))
    for at, quantity in enumerate(parts):
        day = min(line["authorised_date"] + timedelta(days=lag + 2 * at), AS_OF)
        receipt = world.add(
            "warehouse_receipts",
            {
                "received_date": day,
                "qty_received": quantity,
                "rma_ref": _rma(world, line["return_id"]),
                "receipt_id": f"GRN/{day:%y%m}/{world.next()}",
                "store_id": line["store_id"],
                "warehouse": "NORTH",
                "sku": line["sku"],
            },
        )
        world.edges.append(
            (leg, line["return_line_id"], receipt["receipt_id"], "duplicate" if repeat and at else "match")
        )
        movement(world, receipt)


def _rma(world: World, text: str) -> str:
    how = world.dice.randrange(100)
    return dressed(world, text) if how < 10 else slipped(world, text) if how == 10 else text


def movement(world: World, receipt: Row) -> None:
    dice, leg, late = world.dice, "receipt_stock", LATE["receipt_stock"]
    age = (AS_OF - receipt["received_date"]).days
    draw = dice.randrange(1000)
    if draw < 8 or (age <= late and draw < 400):
        kind = "missing_right" if age > late else "in_transit"
        world.classes.append((leg, receipt["receipt_id"], None, kind, None))
        return
    copies = 2 if draw in range(400, 406) else 1
    quantity = receipt["qty_received"] + (draw in range(410, 418))
    if copies == 2:
        world.classes.append((leg, receipt["receipt_id"], None, "duplicate", None))
    elif quantity != receipt["qty_received"]:
        world.classes.append((leg, receipt["receipt_id"], None, "variance", "qty"))
    for at in range(copies):
        number = f"SM{world.next():09d}"
        world.add(
            "erp_stock_movements",
            {
                "movement_type": "customer return",
                "qty": quantity,
                "sku": receipt["sku"],
                "posted_date": min(receipt["received_date"] + timedelta(days=at), AS_OF),
                "external_id": receipt["receipt_id"].replace("/", "-")
                if dice.randrange(9) == 0
                else receipt["receipt_id"],
                "movement_id": number,
                "erp": "prima",
                "store_id": receipt["store_id"],
                "warehouse": "NORTH",
            },
        )
        world.edges.append((leg, receipt["receipt_id"], number, "duplicate" if at else "match"))


def build(seed: int, count: int) -> World:
    """All files and their truth."""
    world = World(random.Random(seed))
    every = list(refunds(world, count))
    batched = batches(world, every)
    by_order: dict[str, list[Row]] = {}
    for row in every:
        by_order.setdefault(row["order_no"], []).append(row)
    merged = {
        row["refund_id"]
        for group in by_order.values()
        if len(group) > 1 and world.one_in(2) and consolidated(world, group)
        for row in group
    }
    for row in every:
        if row["refund_id"] not in batched:
            money_leg(world, row, "refund_gateway")
        if row["refund_id"] not in merged:
            money_leg(world, row, "refund_credit_note")
    strangers(world, max(3, count // 600))
    stock(world, every)
    for (source, target), _ in sorted(RATES.items()):
        for day in range(-3, 75):
            on = FIRST + timedelta(days=day)
            row = {"rate_date": on, "minor_rate_e6": rate(world, source, target, on)}
            world.add("fx_rates", {"from_currency": source, "to_currency": target, **row})
    for name, rows in world.files.items():
        if name != "fx_rates":
            random.Random(seed + len(name)).shuffle(rows)
    return world


MONEY = ("amount", "items", "discount", "tax", "shipping", "unit_price")


def minor(row: Row) -> Row:
    """Money as integers of minor units, under the contract's names."""
    return {f"{key}_minor" if key in MONEY else key: value for key, value in row.items()}


def decimal(row: Row) -> Row:
    """Money as decimals with the currency's own digits."""
    digits = DIGITS.get(row.get("currency", ""), 2)

    def text(value: int) -> str:
        sign, value = "-" * (value < 0), abs(value)
        return f"{sign}{value // 10**digits}" + (f".{value % 10**digits:0{digits}d}" if digits else "")

    return {key: text(value) if key in MONEY else value for key, value in row.items()}


def write(world: World, out: Path, form: str) -> None:
    """The files in one form, `meta.json`, and the truth as Parquet."""
    (out / "truth").mkdir(parents=True, exist_ok=True)
    for name, rows in world.files.items():
        if form == "xlsx":
            _workbook(out / f"{name}.xlsx", [decimal(row) for row in rows])
            continue
        body = [decimal(row) for row in rows] if form == "semicolon" else [minor(row) for row in rows]
        path = out / f"{name}.csv"
        with path.open("w", encoding="utf-8-sig" if form == "semicolon" else "utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(body[0]), delimiter=";" if form == "semicolon" else ",")
            writer.writeheader()
            writer.writerows(body)
        if form == "parquet":
            text = ", ".join(f"'{c}': 'VARCHAR'" for c in body[0] if c.endswith(("_id", "_no", "reference", "period")))
            types = f", types={{{text}}}" if text else ""
            duckdb.execute(
                f"copy (from read_csv('{path}', header=true, quote='\"'{types})) to '{path.with_suffix('.parquet')}'"
            )
            path.unlink()
    run = duckdb.connect()
    run.execute("create table edges (leg varchar, left_id varchar, right_id varchar, class varchar)")
    run.execute("create table classes (leg varchar, left_id varchar, right_id varchar, class varchar, reason varchar)")
    for name, found in (("edges", world.edges), ("classes", world.classes)):
        path = out / "truth" / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(found)
        run.execute(f"copy {name} from '{path}' (header false, nullstr '')")
        run.execute(f"copy {name} to '{path.with_suffix('.parquet')}'")
        path.unlink()
    meta = {"as_of": AS_OF.isoformat(), "late_after_days": LATE}
    (out / "meta.json").write_text(json.dumps(meta) + "\n", "utf-8")


def _workbook(path: Path, rows: list[Row]) -> None:
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    for column, name in enumerate(rows[0]):
        sheet.write_string(0, column, name)
    for at, row in enumerate(rows, start=1):
        for column, (name, value) in enumerate(row.items()):
            if isinstance(value, date):
                sheet.write_datetime(at, column, value, day)
            elif name in MONEY:
                sheet.write_number(at, column, float(value))  # as a spreadsheet keeps it
            elif isinstance(value, int):
                sheet.write_number(at, column, value)
            else:
                sheet.write_string(at, column, value)
    book.close()


def main() -> None:
    """Command line of the generator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--refunds", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--form", choices=("parquet", "csv", "semicolon", "xlsx"), default="parquet")
    given = parser.parse_args()
    write(build(given.seed, given.refunds), given.out, given.form)


if __name__ == "__main__":
    main()
