"""The command line: one program, one module a command. Heavy imports happen inside the commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli.base import DEFAULT_SETTINGS, SettingsFile, fail, guarded
from counterfoil.cli.month import close, handbook, scorecard
from counterfoil.cli.workbench import app as workbench_app

__all__ = ["DEFAULT_SETTINGS", "SettingsFile", "fail", "guarded", "run"]

app = typer.Typer(
    name="counterfoil",
    help="Carries returns from the portal into the ERP in the right order, and proves that both halves agree.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
audit = typer.Typer(help="Evidence: check the log's hash chains.", no_args_is_help=True)
app.add_typer(audit, name="audit")
access = typer.Typer(help="Who may do what: routes and roles, accounts, the API's document.", no_args_is_help=True)
app.add_typer(access, name="access")
proof = typer.Typer(
    help="The proof: portal, gateway, ERP and warehouse tied together per return line.", invoke_without_command=True
)
app.add_typer(proof, name="reconcile")
policy_app = typer.Typer(
    help="The policy compiler: what waits for what, and what contradicts itself.", no_args_is_help=True
)
app.add_typer(policy_app, name="policy")
app.add_typer(workbench_app, name="workbench")

app.add_typer(close, name="closepack")
app.command(epilog="Example: counterfoil scorecard --weeks 8 --out scorecard")(scorecard)
app.command(epilog="Example: counterfoil handbook --out operating-model.md")(handbook)


def run() -> None:
    """Run the program; any mistake in use or input ends in a sentence, never in a traceback."""
    try:
        app()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(130)


@app.command(epilog="Example: counterfoil translate loop delivery.json --headers headers.json --secret s3cret")
def translate(
    vendor: Annotated[str, typer.Argument(help="Whose payload it is, e.g. loop, shopify, warehouse, prima, netsuite.")],
    file: Annotated[Path | None, typer.Argument(help="The exact bytes; standard input when not given.")] = None,
    headers: Annotated[Path | None, typer.Option(help="JSON object of the HTTP headers that came with it.")] = None,
    secret: Annotated[list[str] | None, typer.Option(help="Webhook secret; may be given twice.")] = None,
    status: Annotated[int | None, typer.Option(help="HTTP status, when this is an API answer.")] = None,
    at: Annotated[str | None, typer.Option(help="Moment of arrival: RFC 3339 or unix seconds.")] = None,
) -> None:
    """Show what a payload says: canonical events as JSON. Exit status 1 when unreadable or forged."""
    from counterfoil.cli.translate import run as work

    guarded(lambda: work(vendor, file, headers, tuple(secret or ()), status, at))


@app.command(epilog="Example: counterfoil price --order order.json --refund refund-1.json --refund refund-2.json")
def price(
    order: Annotated[Path, typer.Option(help="Body of orders/create.")],
    refund: Annotated[list[Path] | None, typer.Option(help="Body of refunds/create; may be repeated.")] = None,
) -> None:
    """Attributable value of an order's refunds, line by line, with the explanation (rule ATTR-1)."""
    from counterfoil.cli.price import run as work

    guarded(lambda: work(order, refund or []))


@app.command(epilog="Example: counterfoil sim netsuite --port 9010 --world world.json")
def sim(
    vendor: Annotated[str, typer.Argument(help="Which system to stand in for.")],
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 0,
    world: Annotated[Path | None, typer.Option(help="JSON with the records that must exist.")] = None,
    seed: Annotated[int, typer.Option(help="Makes every choice of the simulator repeatable.")] = 0,
    faults: Annotated[Path | None, typer.Option(help="JSON list of faults to schedule.")] = None,
) -> None:
    """Run one simulator on loopback until it is stopped."""
    from counterfoil.cli.sim import run as work

    guarded(lambda: work(vendor, port, world, seed, faults))


@app.command(epilog="Example: counterfoil simulate --seed 7 --steps 20000 --json")
def simulate(
    seed: Annotated[int, typer.Option(help="Same seed, same run, same log hash.")] = 7,
    steps: Annotated[int, typer.Option(help="How many things happen.", min=1, max=100_000_000)] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """The whole system under lost, repeated and late messages, refusals and crashes; exit status 1 on a violation."""
    from counterfoil.cli.simulate import run as work

    guarded(lambda: work(seed=seed, steps=steps, as_json=as_json))


@app.command(epilog="Example: counterfoil demo --headless --json --erp netsuite")
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Exit after the summary; no console.")] = False,
    returns: Annotated[int, typer.Option(help="How many returns the week has.", min=1, max=20_000)] = 220,
    seed: Annotated[int, typer.Option(help="Same seed, same week.")] = 7,
    portal: Annotated[str, typer.Option(help="Which portal.")] = "loop",
    erp: Annotated[str, typer.Option(help="Which ERP: prima, prima-soap, prima-file, netsuite.")] = "prima",
    policy: Annotated[str | None, typer.Option(help="Which preset; default: the one that fits the portal.")] = None,
    database: Annotated[
        str | None, typer.Option(help="sqlite:///FILE or postgresql://…; default: a fresh file.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where its files go; emptied first.")] = Path(".counterfoil/demo"),
    port: Annotated[int, typer.Option(help="Port of the console; 0 picks a free one.")] = 8300,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    trouble: Annotated[
        bool, typer.Option("--trouble", help="A bad week; with --headless, one fix is made and what it did is shown.")
    ] = False,
) -> None:
    """A believable week of returns through simulated systems over real HTTP, then the proof that all agree."""
    from counterfoil.cli.demo import run as work

    guarded(
        lambda: work(
            headless=headless,
            returns=returns,
            seed=seed,
            portal=portal,
            erp=erp,
            policy=policy,
            database=database,
            folder=folder,
            port=port,
            as_json=as_json,
            trouble=trouble,
        )
    )


@app.command()
def init(
    target: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_SETTINGS,
) -> None:
    """Write a settings file to start from, every setting explained."""
    from counterfoil.cli.init import run as work

    guarded(lambda: work(target))


@app.command()
def serve(
    settings: SettingsFile = DEFAULT_SETTINGS,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also work, in the same process.")] = True,
) -> None:
    """Receive webhooks and show the console; on the embedded default also do the work."""
    from counterfoil.cli.serve import run as work

    guarded(lambda: work(settings, with_worker))


@app.command()
def worker(settings: SettingsFile = DEFAULT_SETTINGS) -> None:
    """Do the work, beside `serve --no-worker`; start as many as the load needs (PostgreSQL)."""
    from counterfoil.cli.serve import run_worker as work

    guarded(lambda: work(settings))


@app.command()
def migrate(settings: SettingsFile = DEFAULT_SETTINGS) -> None:
    """Bring the database to this version's schema; safe to repeat."""
    from counterfoil.cli.upkeep import migrate as work

    guarded(lambda: work(settings))


@app.command()
def check(
    settings: SettingsFile = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    invariants: Annotated[
        bool, typer.Option("--invariants", help="Instead, ask the six invariants over everything stored.")
    ] = False,
    read_back: Annotated[
        bool, typer.Option("--read-back", help="With --invariants: also read the ERPs' credit notes back.")
    ] = False,
) -> None:
    """Preflight: settings, database and every connection, without writing anything. Exit status 1 on a finding."""
    if invariants or read_back:
        from counterfoil.cli.upkeep import check_invariants

        guarded(lambda: check_invariants(settings, as_json, read_back))
    from counterfoil.cli.upkeep import check as work

    guarded(lambda: work(settings, as_json))


@app.command()
def backfill(
    connection: Annotated[str, typer.Argument(help="Which connection to ask.")],
    since: Annotated[str, typer.Option(help="RFC 3339 moment to start from.")],
    until: Annotated[str | None, typer.Option(help="RFC 3339 moment to end at; default now.")] = None,
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Bring in what a system has from a window of time; what is known already changes nothing."""
    from counterfoil.cli.upkeep import backfill as work

    guarded(lambda: work(settings, connection, since, until))


@proof.callback(epilog="Example: counterfoil reconcile --settings counterfoil.toml --json")
def reconcile_all(
    context: typer.Context,
    settings: SettingsFile = DEFAULT_SETTINGS,
    out: Annotated[Path | None, typer.Option(help="Leave the report, the workbook and all pairs here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 when anything is open.")] = False,
    memory: Annotated[str | None, typer.Option(help="Most memory to use, e.g. 2GB; the rest spills to disk.")] = None,
) -> None:
    """The nightly proof, now: our books against what ERP, gateway and warehouse hold; exceptions follow it."""
    if context.invoked_subcommand is not None:
        return
    from counterfoil.cli.nightly import run as work

    guarded(lambda: work(settings, out, as_json, strict, memory))


@app.command(epilog="Example: counterfoil approvals --json")
def approvals(
    settings: SettingsFile = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Refunds that wait for people: the money, why it is asked, who may answer."""
    from counterfoil.cli.answers import approvals as work

    guarded(lambda: work(settings, as_json))


@app.command(epilog="Example: counterfoil approve north/loop/88031 --as robin --amount 240.00 --reason 'seen'")
def approve(
    case: Annotated[str, typer.Argument(help="The return: brand/portal/number.")],
    name: Annotated[str, typer.Option("--as", help="Your account on the console; its password is asked for.")],
    amount: Annotated[str, typer.Option(help="The amount you agree to, as you saw it.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the log.")],
    rule: Annotated[str | None, typer.Option(help="Which approval, when several are asked for.")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse instead of agreeing.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
    ] = False,
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Agree to a refund, or refuse it. Whoever shaped the return cannot; every door asks the same."""
    from counterfoil.cli.answers import approve as work

    guarded(
        lambda: work(
            settings,
            case,
            name=name,
            amount=amount,
            reason=reason,
            rule=rule,
            refuse=refuse,
            password_stdin=password_stdin,
        )
    )


@app.command(
    epilog="Example: counterfoil conformance loop --json, or counterfoil conformance acme_returns.adapter:SPEC"
)
def conformance(
    vendor: Annotated[
        str | None, typer.Argument(help="A vendor, or package.module:SPEC of an adapter of your own; default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
    long: Annotated[bool, typer.Option("--long", help="Also 20,000 damaged payloads a vendor.")] = False,
) -> None:
    """Try adapters against the conformance kit, and say what each still lacks. Exit status 1 when a suite fails."""
    from counterfoil.cli.conformance import run as work

    guarded(lambda: work(vendor, as_json, long))


@app.command(epilog="Example: counterfoil new portal acme_returns --into my_adapters")
def new(
    kind: Annotated[str, typer.Argument(help="portal or erp.")],
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits, underscores.")],
    into: Annotated[Path, typer.Option(help="The folder to put it into.")] = Path(),
) -> None:
    """Write a folder for a new vendor; the conformance kit then says, row by row, what it still lacks."""
    from counterfoil.cli.new import run as work

    guarded(lambda: work(kind, name, into))


@app.command(epilog="Example: counterfoil receive leeds-wms receipts.xlsx --result receipts-result.csv")
def receive(
    connection: Annotated[str, typer.Argument(help="Which warehouse connection the file is from.")],
    file: Annotated[Path, typer.Argument(help="Receipts as CSV (UTF-8) or XLSX.")],
    result: Annotated[Path | None, typer.Option(help="Write what became of each row here, as CSV.")] = None,
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Take a warehouse's receipts from a file; the same file again changes nothing. Exit status 1 when a row is refused."""
    from counterfoil.cli.receive import run as work

    guarded(lambda: work(settings, connection, file, result))


@app.command(epilog="Example: counterfoil settlements stripe payout.csv --store uk --out exports/gateway_refunds.csv")
def settlements(
    vendor: Annotated[str, typer.Argument(help="Whose report it is: shopify, stripe or adyen.")],
    file: Annotated[Path, typer.Argument(help="The report, as CSV.")],
    store: Annotated[str, typer.Option(help="The store it is about, as your other exports name it.")] = "main",
    out: Annotated[Path | None, typer.Option(help="The file to write; default: standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Rows, refused rows and counts as JSON.")] = False,
) -> None:
    """Turn a payout or settlement report into gateway_refunds.csv for the proof. Exit status 1 when a row is refused."""
    from counterfoil.cli.settlements import run as work

    guarded(lambda: work(vendor, file, store, out, as_json))


@proof.command("files", epilog="Example: counterfoil reconcile files exports-october --csv")
def reconcile_files(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the exports.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the outcome goes; default: `proof` inside the folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV beside Parquet.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 when anything is open.")] = False,
    as_of: Annotated[str | None, typer.Option(help="The day of the proof, YYYY-MM-DD.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="A mapping file, or stripe, adyen, shopify, loop.")] = None,
    memory: Annotated[str | None, typer.Option(help="Most memory to use, e.g. 2GB; the rest spills to disk.")] = None,
) -> None:
    """Prove exported files against each other, with no connection and no account."""
    from counterfoil.cli.reconcile import run as work

    guarded(lambda: work(folder, out, as_json, csv, strict, as_of, mapping, memory))


@audit.command("decisions", epilog="Example: counterfoil audit decisions north/loop/88031")
def audit_decisions(
    case: Annotated[str, typer.Argument(help="The return: brand/portal/number.")],
    settings: SettingsFile = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Why a refund was paid, held or denied, each verdict worked out again. Exit status 1 when one differs."""
    from counterfoil.cli.answers import why as work

    guarded(lambda: work(settings, case, as_json))


@audit.command("verify")
def audit_verify(
    settings: SettingsFile = DEFAULT_SETTINGS,
    anchor: Annotated[str | None, typer.Option(help="A head hash exported earlier; it must still be there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Recompute every hash chain and seal of the log. Exit status 1 when anything was changed."""
    from counterfoil.cli.upkeep import verify as work

    guarded(lambda: work(settings, anchor, as_json))


PolicyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The policy, as TOML.")]
OtherSettings = Annotated[
    Path | None, typer.Option("--settings", "-c", help="Settings whose connections are looked at; default: as shipped.")
]


@policy_app.command("schema")
def policy_schema() -> None:
    """The JSON Schema of a policy file, for editors."""
    from counterfoil.cli.policy import schema as work

    guarded(work)


@policy_app.command("check", epilog="Example: counterfoil policy check north-loop.toml --settings counterfoil.toml")
def policy_check(
    file: PolicyFile,
    settings: OtherSettings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Contradictions, and every path by which money could leave unpaired. Exit status 1 on a contradiction."""
    from counterfoil.cli.policy import check as work

    guarded(lambda: work(file, settings, as_json=as_json))


@policy_app.command("explain", epilog="Example: counterfoil policy explain north-loop.toml --svg sequence.svg")
def policy_explain(
    file: PolicyFile,
    settings: OtherSettings = None,
    svg: Annotated[Path | None, typer.Option(help="Also draw it into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the steps as JSON.")] = False,
) -> None:
    """The sequence a return goes through under this policy, found by playing one."""
    from counterfoil.cli.policy import draw_policy as work

    guarded(lambda: work(file, settings, svg, as_json=as_json))


@policy_app.command("keep", epilog="Example: counterfoil policy keep north-loop.toml --by robin.example")
def policy_keep(
    file: PolicyFile,
    by: Annotated[str, typer.Option(help="Who keeps it; stands in the log.")],
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Keep a version for ever; it holds from its day on. Exit status 1 when it is refused."""
    from counterfoil.cli.policy import keep as work

    guarded(lambda: work(file, settings, by))


@policy_app.command("versions")
def policy_versions(
    settings: SettingsFile = DEFAULT_SETTINGS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the versions as JSON.")] = False,
) -> None:
    """Every kept version of every policy."""
    from counterfoil.cli.policy import versions as work

    guarded(lambda: work(settings, as_json=as_json))


@policy_app.command("replay", epilog="Example: counterfoil policy replay looser.toml --since 2026-10-01")
def policy_replay(
    file: PolicyFile,
    settings: SettingsFile = DEFAULT_SETTINGS,
    since: Annotated[str | None, typer.Option(help="Only returns opened since this day.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """What a changed policy would have done to the recorded returns: cash, holds, deadlines, exceptions."""
    from counterfoil.cli.policy import replay as work

    guarded(lambda: work(file, settings, since, as_json=as_json))


@access.command("matrix", epilog="Example: counterfoil access matrix --json")
def access_matrix(
    as_json: Annotated[bool, typer.Option("--json", help="Print the matrix as JSON.")] = False,
) -> None:
    """Every address of console and API: what it asks for, and which roles have it. Exit status 1 on an undeclared one."""
    from counterfoil.cli.access import matrix as work

    guarded(lambda: work(as_json))


@access.command("openapi", epilog="Example: counterfoil access openapi > docs/openapi.json")
def access_openapi() -> None:
    """The OpenAPI document of the JSON API."""
    from counterfoil.cli.access import openapi as work

    guarded(work)


@access.command("review", epilog="Example: counterfoil access review --csv > access.csv")
def access_review(
    settings: SettingsFile = DEFAULT_SETTINGS,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV instead of JSON.")] = False,
) -> None:
    """Every account for the periodic review: roles, second factor, last sign-in, living sessions and tokens."""
    from counterfoil.cli.access import review as work

    guarded(lambda: work(settings, as_csv))
