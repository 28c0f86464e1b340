"""Each team's morning, start to end, with the mouse and again with the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import world
from playwright.sync_api import Browser, Page, expect

Live = tuple[str, world.FakeSystem]


@pytest.fixture
def morning(signed_in: Page, tmp_path: Any, live: Live) -> Iterator[tuple[Page, world.FakeSystem]]:
    """A page past the sign-in form, over a morning nobody has touched yet."""
    from counterfoil.web.system import install

    system = world.system(tmp_path)
    install(system)
    signed_in.goto("/")
    yield signed_in, system
    install(live[1])
    system.database.close()


def row(system: world.FakeSystem, kind: str, order: str = "") -> dict[str, Any]:
    """An exception as it stands: the newest of a kind, or that of an order."""
    with system.database.read() as tx:
        rows = tx.query(
            "select p.* from problems p left join cases c on c.case_id = p.case_id "
            "where p.kind = :kind and (c.order_name = :name or :name = '') order by p.id desc",
            {"kind": kind, "name": order},
        )
    return rows[0]


def words(system: world.FakeSystem) -> list[tuple[str, str, str]]:
    with system.database.read() as tx:
        found = tx.query("select word, meaning, state from mapping_changes order by id", {})
    return [(r["word"], r["meaning"], r["state"]) for r in found]


def down_to(page: Page, text: str) -> None:
    """Press j until the row with this text has the focus."""
    for _ in range(30):
        page.keyboard.press("j")
        if text in (page.locator("[data-row]:focus").text_content() or ""):
            return
    raise AssertionError(f"no row says {text}")


def status(page: Page) -> Any:
    return page.locator(".messages")


# --- finance: a difference of half a euro is accepted, the closed period is taken and put to rest -------------------


def test_finance_with_the_mouse(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    page.get_by_role("link", name="Finance", exact=True).click()
    page.get_by_role("button", name="Act on The refund differs from the value of the goods, H-2205").click()
    panel = page.locator("[popover]:popover-open")
    panel.get_by_label("Reason, for the audit log").fill("half a euro, agreed")
    panel.get_by_role("button", name="Accept difference").click()
    expect(status(page)).to_contain_text("1 exception accepted.")
    assert [call[0] for call in system.actions.calls] == ["accept"]
    page.get_by_role("link", name="The accounting period is closed").first.click()
    expect(page.get_by_text("62.45").first).to_be_visible()
    page.get_by_role("link", name="#1042").click()
    expect(page.get_by_text("Ask for the period to be opened")).to_be_visible()
    page.get_by_role("button", name="Give").click()
    expect(status(page)).to_contain_text("1 exception given to robin.")
    page.get_by_role("button", name="Rest", exact=True).click()
    expect(status(page)).to_contain_text("1 exception put to rest.")
    found = row(system, "period_closed")
    assert (found["assignee"], found["snoozed"]) == ("robin", 1)


def test_finance_with_the_keyboard_alone(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    keys = page.keyboard
    keys.press("g")
    keys.press("e")
    expect(page.get_by_role("heading", name="Exceptions", level=1)).to_be_visible()
    down_to(page, "H-2205")
    keys.press("x")
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    keys.press("e")
    keys.type("j and k are only letters here")
    keys.press("Escape")
    expect(page.locator("[data-row]:focus")).to_contain_text("H-2205")
    keys.press("a")
    keys.press("Enter")
    expect(status(page)).to_contain_text("1 exception given to robin.")
    assert row(system, "refund_value_differs")["assignee"] == "robin"
    down_to(page, "H-2205")
    keys.press("s")
    keys.press("Enter")
    expect(status(page)).to_contain_text("1 exception put to rest.")
    assert row(system, "refund_value_differs")["snoozed"] == 1


# --- operations: one missing word mended for everything it holds -----------------------------------------------------


def test_operations_with_the_mouse(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    page.get_by_role("link", name="Exceptions", exact=True).click()
    page.get_by_role("link", name="Map Item not found on the sales order MUG-BLUE").click()
    page.get_by_label("means, in the ERP").fill("MUG-BLU-1")
    page.get_by_label("Why, for the audit log").fill("renumbered in spring")
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_role("heading", name="“MUG-BLUE” as “MUG-BLU-1”")).to_be_visible()
    page.get_by_role("button", name="Map it and carry on").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("of 1 return")
    assert words(system)[-1] == ("MUG-BLUE", "MUG-BLU-1", "in_force")
    page.get_by_label("Why").fill("a slip")
    page.get_by_role("button", name="Take the word back").click()
    expect(status(page)).to_contain_text("earlier meaning again")
    assert words(system)[-1][:2] == ("MUG-BLUE", None)


def test_operations_with_the_keyboard_alone(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    keys = page.keyboard
    keys.press("g")
    keys.press("e")
    expect(page.get_by_role("heading", name="Exceptions", level=1)).to_be_visible()
    down_to(page, "MUG-BLUE")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Item not found on the sales order")).to_be_visible()
    page.locator("[data-act=map]").focus()
    keys.type("MUG-BLU-1")
    keys.press("Tab")
    keys.type("renumbered in spring")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="“MUG-BLUE” as “MUG-BLU-1”")).to_be_visible()
    page.locator("#foreseen input[name=reason]").focus()
    keys.press("Enter")
    page.wait_for_url("**/runs/*")
    assert words(system)[-1] == ("MUG-BLUE", "MUG-BLU-1", "in_force")


# --- customer experience: a colleague is asked, the answer awaited ---------------------------------------------------


def test_customer_experience_with_the_mouse(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    page.get_by_label("Order, return, RMA").fill("1031")
    page.get_by_label("Order, return, RMA").press("Enter")
    page.get_by_role("link", name="#1031").click()
    expect(page.get_by_role("table", name="What each system says of this return")).to_be_visible()
    page.get_by_role("link", name="Received but not inspected").click()
    page.get_by_label("Comment; @name tells a colleague").fill("The customer asks. <b>When?</b> 🙂")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".comment")).to_have_text("The customer asks. <b>When?</b> 🙂")
    page.get_by_label("or until").select_option("goods")
    page.get_by_role("button", name="Rest", exact=True).click()
    expect(page.get_by_text("resting", exact=True)).to_be_visible()
    assert row(system, "received_not_inspected")["snoozed_for"] == "goods"
    page.get_by_role("button", name="Take it up again now").click()
    expect(status(page)).to_contain_text("back in the inbox")


def test_customer_experience_with_the_keyboard_alone(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    keys = page.keyboard
    keys.press("/")
    keys.type("1031")
    keys.press("Enter")
    page.wait_for_url("**/returns?q=1031")
    keys.press("j")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Return of #1031")).to_be_visible()
    page.get_by_role("link", name="Received but not inspected").focus()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Received but not inspected", level=1)).to_be_visible()
    keys.press("c")
    keys.type("The customer asks")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator(".comment")).to_have_text("The customer asks")
    keys.press("s")
    keys.press("Enter")
    expect(page.get_by_text("resting", exact=True)).to_be_visible()
    keys.press("u")
    keys.press("Enter")
    expect(status(page)).to_contain_text("back in the inbox")
    assert row(system, "received_not_inspected")["snoozed"] == 0


# --- integration: what was set aside is read again; a connection rests ------------------------------------------------


def test_integration_with_the_mouse(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    page.get_by_role("link", name="Connections", exact=True).click()
    page.get_by_role("link", name="harbour-loop", exact=True).click()
    page.get_by_role("button", name="Read delivery 2 again").click()
    expect(status(page)).to_contain_text("will be read again")
    page.get_by_role("link", name="Connections", exact=True).first.click()
    page.get_by_role("button", name="Pause harbour-prima").click()
    panel = page.locator("[popover]:popover-open")
    panel.get_by_label("Reason").fill("their maintenance")
    panel.get_by_role("button", name="Pause").click()
    assert [call[0] for call in system.actions.calls] == ["requeue_delivery", "pause"]


def test_integration_with_the_keyboard_alone(morning: tuple[Page, world.FakeSystem]) -> None:
    page, system = morning
    keys = page.keyboard
    keys.press("g")
    keys.press("c")
    expect(page.get_by_role("heading", name="Connections", level=1)).to_be_visible()
    down_to(page, "harbour-loop")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="What harbour-loop delivered")).to_be_visible()
    keys.press("j")
    keys.press("j")
    page.locator("[data-row]:focus button").focus()
    keys.press("Enter")
    expect(status(page)).to_contain_text("will be read again")
    assert [call[0] for call in system.actions.calls] == ["requeue_delivery"]


def test_without_script_a_cause_can_still_be_mended(
    morning: tuple[Page, world.FakeSystem], live: Live, browser: Browser
) -> None:
    page, system = morning
    context = browser.new_context(
        base_url=live[0], java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto("/causes/one?brand=harbour&cause=sku_not_found:MUG-BLUE")
    plain.get_by_label("means, in the ERP").fill("MUG-BLU-1")
    plain.get_by_role("button", name="Show what it would do").click()
    plain.locator("#foreseen").get_by_label("Why").fill("renumbered")
    plain.get_by_role("button", name="Map it and carry on").click()
    expect(plain.get_by_role("heading", level=1)).to_contain_text("of 1 return")
    assert words(system)[-1] == ("MUG-BLUE", "MUG-BLU-1", "in_force")
    context.close()
