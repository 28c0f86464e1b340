"""A browser over the live console, with the same invented morning as the other web tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "web")]

import served
import world

from counterfoil import web

NAME, PASSWORD = "robin", "a long enough phrase"


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, world.FakeSystem]]:
    """The console's address, and the system behind it."""
    folder = tmp_path_factory.mktemp("console")
    system = world.system(folder)
    options: dict[str, Any] = {
        "data_dir": folder,
        "secret_key": "only for tests " * 4,
        "allowed_hosts": ["testserver", "localhost", "127.0.0.1"],
    }
    web.prepare(system, **options)
    web.ensure_demo_user(NAME, PASSWORD)
    with served.serving(web.make_wsgi(system, **options)) as address:
        yield address, system
    system.database.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the run. Playwright leaves a loop running in this thread, which Django takes for async code."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=served.CHROMIUM, args=served.FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def signed_state(live: tuple[str, world.FakeSystem], browser: Browser) -> Any:
    """The cookies of somebody who signed in once, through the form: hashing a password is slow on purpose."""
    context = browser.new_context(base_url=live[0])
    shown = context.new_page()
    shown.goto("/")
    shown.get_by_label("User name").fill(NAME)
    shown.get_by_label("Password").fill(PASSWORD)
    shown.get_by_role("button", name="Sign in").click()
    shown.wait_for_url("**/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(live: tuple[str, world.FakeSystem], browser: Browser) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    yield from _page(live, browser, None)


@pytest.fixture
def signed_in(live: tuple[str, world.FakeSystem], browser: Browser, signed_state: Any) -> Iterator[Page]:
    """A page past the sign-in form."""
    yield from _page(live, browser, signed_state)


def _page(live: tuple[str, world.FakeSystem], browser: Browser, state: Any) -> Iterator[Page]:
    """A page that fails the test when the browser's console shows an error."""
    from counterfoil.web.system import install

    install(live[1])
    live[1].actions.calls.clear()
    context = browser.new_context(base_url=live[0], viewport={"width": 1360, "height": 900}, storage_state=state)
    context.set_default_timeout(10_000)
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    yield shown
    context.close()
    assert complaints == []
