"""Settings: one TOML file (or JSON, as the demonstration leaves it), with secrets taken from files or the environment, checked as a whole before anything runs.

A string `env:NAME` is replaced by that environment variable, `file:PATH` by that file's content (one trailing line
break removed; the path is taken from the settings file's folder). `COUNTERFOIL_DATABASE` overrides the database.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from counterfoil.catalog import vendor
from counterfoil.closing.closepack_settings import CloseSettings
from counterfoil.closing.scorecard_settings import ScorecardSettings
from counterfoil.core.commands import Role
from counterfoil.core.mapping import Mapping
from counterfoil.core.policy import PRESETS, Edition, FlowPolicy
from counterfoil.core.proof_rules import ProofRules
from counterfoil.policy.clashes import Systems
from counterfoil.policy.compiler import compile_policy
from counterfoil.policy.reading import UnreadableError
from counterfoil.policy.reading import read as read_policy
from counterfoil.policy.systems import as_shipped
from counterfoil.ports.notify import Notify
from counterfoil.ports.vendors import Family

Text = Annotated[str, msgspec.Meta(min_length=1)]


class SettingsError(ValueError):
    """The settings cannot be used; the message names file, place and cure."""


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where we listen, and how the outside reaches us."""

    host: str = "127.0.0.1"
    port: int = 8300
    public_url: str = "http://127.0.0.1:8300"


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account of one vendor. `config` is checked against the vendor's own type."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
    brand: Text
    vendor: Text
    slots: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    config: dict[str, Any] = {}


class SetupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one brand agreed for one portal."""

    brand: Text
    portal: Text
    preset: str = "controlled"
    policy: dict[str, Any] = {}
    document: str = ""  # a policy document, as `file:PATH`; takes the place of preset and policy
    mapping: Mapping = Mapping()
    connections: dict[Role, str]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything configurable."""

    database: str = ""
    data_dir: str = ".counterfoil"
    engine: str = "dbos"
    poll_every_s: int = 300
    server: Server = Server()
    proof: ProofRules = ProofRules()
    notify: Notify = Notify()
    connection: tuple[ConnectionSettings, ...] = ()
    setup: tuple[SetupSettings, ...] = ()
    close: CloseSettings = CloseSettings()
    scorecard: ScorecardSettings = ScorecardSettings()

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data_dir)

    @property
    def database_url(self) -> str:
        """The domain database; the embedded default lies in the data folder."""
        override = os.environ.get("COUNTERFOIL_DATABASE")
        return override or self.database or f"sqlite:///{self.folder / 'counterfoil.sqlite3'}"


def load(path: Path) -> Settings:
    """Read and check a settings file. SettingsError with a sentence when it cannot be used."""
    try:
        text = path.read_text("utf-8")
        raw = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist; `counterfoil init` writes one to start from") from None
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not {'JSON' if path.suffix == '.json' else 'TOML'}: {error}") from None
    if not isinstance(raw, dict):
        raise SettingsError(f"{path} holds no settings")
    return _beside(parse(_filled(raw, path.parent), str(path)), path.parent)


def _beside(settings: Settings, folder: Path) -> Settings:
    """A cost file named without a folder lies beside the settings."""
    if settings.close.costs is None:
        return settings
    costs = str(folder / settings.close.costs)
    return msgspec.structs.replace(settings, close=msgspec.structs.replace(settings.close, costs=costs))


def parse(raw: dict[str, Any], source: str) -> Settings:
    """Check settings given as plain values."""
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{source}: {error}") from None
    _consistent(settings, source)
    return settings


def _filled(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, folder) for item in value]
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise SettingsError(f"the environment variable {name} is not set")
        return os.environ[name]
    if isinstance(value, str) and value.startswith("file:"):
        path = folder / value.removeprefix("file:")
        try:
            return path.read_text("utf-8").removesuffix("\n")
        except OSError as error:
            raise SettingsError(f"the secret file {path} cannot be read: {error.strerror}") from None
    return value


def _consistent(settings: Settings, source: str) -> None:
    names = [connection.name for connection in settings.connection]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{source}: two connections are called {name!r}; names are unique")
    for setup in settings.setup:
        for role, name in setup.connections.items():
            if name not in names:
                raise SettingsError(
                    f"{source}: the setup of {setup.brand}/{setup.portal} names {name!r} as its {role.value}, "
                    "but there is no such connection"
                )
        for role in Role:
            if role not in setup.connections:
                raise SettingsError(f"{source}: the setup of {setup.brand}/{setup.portal} names no {role.value}")
        policy_of(setup, source)
    for connection in settings.connection:
        config_of(connection, source)


def policy_of(setup: SetupSettings, source: str = "settings") -> FlowPolicy:
    """The setup's document, else the preset with the setup's own axes on top."""
    edition = edition_of(setup, source)
    if edition is not None:
        return edition.policy
    if setup.preset not in PRESETS:
        raise SettingsError(f"{source}: {setup.preset!r} is no preset; choose from {', '.join(PRESETS)}")
    unknown = set(setup.policy) - set(FlowPolicy.__struct_fields__)
    if unknown:
        raise SettingsError(f"{source}: {min(unknown)!r} is no axis of the policy")
    values = {**msgspec.to_builtins(PRESETS[setup.preset]), **setup.policy}
    try:
        return msgspec.convert(values, FlowPolicy)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{source}: policy of {setup.brand}/{setup.portal}: {error}") from None


def edition_of(setup: SetupSettings, source: str = "settings") -> Edition | None:
    """The setup's policy document, in force for every return no kept version is for; None without one."""
    if not setup.document:
        return None
    name = f"{source}: document of {setup.brand}/{setup.portal}"
    try:
        policy = read_policy(setup.document, name)
        report = compile_policy(policy, as_shipped(policy, vendor))
    except UnreadableError as error:
        raise SettingsError(str(error)) from None
    for clash in report.contradictions:
        raise SettingsError(f"{name}: {clash.sentence} {' and '.join(map(str, clash.settings))}. {clash.cure}")
    return msgspec.structs.replace(policy.edition, starts_on="")


def systems_of(settings: Settings, brand: str, portal: str) -> Systems | None:
    """The systems of a setup as configured, for the policy compiler; None when there is no such setup."""
    named = {item.name: item for item in settings.connection}
    for setup in settings.setup:
        if (setup.brand, setup.portal) != (brand, portal):
            continue
        asked, books = named[setup.connections[Role.PORTAL]], named[setup.connections[Role.ERP]]
        gateways = [item for item in settings.connection if vendor(item.vendor).family is Family.GATEWAY]
        return Systems(
            portal=vendor(asked.vendor).title,
            erp=vendor(books.vendor).title,
            portal_can=_abilities(asked),
            erp_can=_abilities(books),
            gateway_connected=any(item.brand == brand for item in gateways),
            holding_depot=setup.mapping.quarantine_depot,
        )
    return None


def _abilities(connection: ConnectionSettings) -> frozenset[str]:
    return frozenset(cap.value for cap in vendor(connection.vendor).capabilities(config_of(connection)))


def config_of(connection: ConnectionSettings, source: str = "settings") -> Any:
    """The vendor's own configuration, checked."""
    try:
        spec = vendor(connection.vendor)
    except KeyError as error:
        raise SettingsError(f"{source}: connection {connection.name}: {error.args[0]}") from None
    known = set(spec.config.__struct_encode_fields__)
    for field in connection.config:
        if field not in known:
            raise SettingsError(
                f"{source}: connection {connection.name}: {spec.title} has no setting {field!r}; "
                f"it has {', '.join(sorted(known))}"
            )
    try:
        return msgspec.convert(connection.config, spec.config)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"{source}: connection {connection.name}: {error}") from None
