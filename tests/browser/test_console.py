"""The console in Chromium: a morning with the mouse, one with the keyboard, both themes, no serious finding."""

from __future__ import annotations

import pytest
import world
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PAGES = (
    "/",
    "/returns?progress=waiting",
    "/returns/north/loop/88031",
    "/returns/edit?case=north/loop/88031&step=credit-1",
    "/problems",
    "/problems?each=yes",
    "/problems?state=closed",
    "/problems/1",
    "/causes",
    "/causes/one?brand=harbour&cause=sku_not_found:MUG-BLUE",
    "/mappings",
    "/approvals",
    "/mappings?brand=north&portal=loop&kind=depot",
    "/connections",
    "/deliveries?connection=harbour-loop",
    "/policies",
    "/scorecard",
    "/close",
    "/audit",
)
Live = tuple[str, world.FakeSystem]


def serious(page: Page) -> list[str]:
    """What axe finds grave on the page as it stands."""
    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {node['html'][:160]}"
        for item in found
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_accessibility_finding(signed_in: Page, theme: str) -> None:
    signed_in.goto("/")
    signed_in.locator("details.account > summary").click()
    signed_in.get_by_role("button", name=theme, exact=True).click()
    expect(signed_in.locator("html")).to_have_attribute("data-theme", theme)
    findings = {}
    for address in PAGES:
        signed_in.goto(address)
        for summary in signed_in.locator("main details > summary").all():
            summary.click()
        findings[address] = serious(signed_in)
    signed_in.goto("/problems")
    signed_in.locator("[data-open-act]").first.click()
    findings["an open panel"] = serious(signed_in)
    assert {address: found for address, found in findings.items() if found} == {}


def test_the_sign_in_form_is_accessible_and_refuses_a_wrong_password(page: Page) -> None:
    page.goto("/")
    assert serious(page) == []
    page.get_by_label("User name").fill("robin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_filtering_changes_the_rows_and_the_address(signed_in: Page, live: Live) -> None:
    signed_in.goto("/returns")
    signed_in.get_by_label("Progress").select_option("finished")
    expect(signed_in.locator("tbody tr")).to_have_count(3)
    expect(signed_in).to_have_url(f"{live[0]}/returns?progress=finished")
    signed_in.get_by_role("link", name="finished").click()
    expect(signed_in.locator("tbody tr")).to_have_count(13)


def test_a_row_opens_and_help_closes_with_the_keyboard(signed_in: Page) -> None:
    signed_in.goto("/")
    keys = signed_in.keyboard
    keys.press("?")
    expect(signed_in.get_by_role("dialog", name="Keyboard")).to_be_visible()
    keys.press("Escape")
    expect(signed_in.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    keys.press("/")
    keys.type("1042")
    keys.press("Enter")
    signed_in.wait_for_url("**/returns?q=1042")
    keys.press("j")
    keys.press("Enter")
    expect(signed_in.get_by_role("heading", name="Return of #1042")).to_be_visible()


def test_a_narrow_screen_never_scrolls_sideways(signed_in: Page) -> None:
    signed_in.set_viewport_size({"width": 390, "height": 800})
    widths = {}
    for address in PAGES:
        signed_in.goto(address)
        widths[address] = signed_in.evaluate("document.documentElement.scrollWidth")
    assert {address: width for address, width in widths.items() if width != 390} == {}


def test_without_script_exceptions_can_still_be_retried(signed_in: Page, live: Live) -> None:
    still = signed_in.context.browser
    assert still is not None
    context = still.new_context(
        base_url=live[0], java_script_enabled=False, storage_state=signed_in.context.storage_state()
    )
    plain = context.new_page()
    plain.goto("/returns/north/loop/88031")
    plain.get_by_role("button", name="Act on it…").click()
    plain.get_by_role("button", name="Try again").click()
    expect(plain.get_by_role("status")).to_contain_text("1 exception will be tried again.")
    assert live[1].actions.calls == [("retry", "north/loop/88031", "credit-1", "robin", "")]
    context.close()
