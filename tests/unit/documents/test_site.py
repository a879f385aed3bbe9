"""The site: every document is a page, every link leads somewhere, and nothing is asked of a network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.documents.site import build
from lab.monitor.alerting.alerts import Alert, alerts
from lab.monitor.alerting.limits import Thresholds
from lab.paths import CHECKOUT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert CHECKOUT is not None
    folder = tmp_path_factory.mktemp("site")
    build(folder, CHECKOUT)
    return folder


def test_every_page_carries_version_and_contract(site: Path) -> None:
    pages = [path for path in site.rglob("*.html")]
    assert {"index.html", "search.html", "api.html", "troubleshooting.html"} <= {path.name for path in pages}
    for path in pages:
        assert re.search(r"version .+ · commit \w+.* · contract <code>[0-9a-f]{64}</code>", path.read_text()), path.name


def test_nothing_is_asked_of_a_network(site: Path) -> None:
    """No script, style, font or picture from elsewhere: a link is followed only when a person clicks it."""
    for path in site.rglob("*.html"):
        text = path.read_text()
        assert re.findall(r'(?:src|srcset|action)="(?!data:)[^"]*"|<link\b|@import|url\(', text) == [], path.name
        assert "default-src" in text


def test_links_within_the_site_lead_somewhere(site: Path) -> None:
    broken = []
    for path in site.rglob("*.html"):
        for target in re.findall(r'href="([^"]*)"', path.read_text()):
            name, _, place = target.partition("#")
            file = path if not name else path.parent / name
            if "://" in target:
                continue
            if not file.exists() or (place and f'id="{place}"' not in file.read_text()):
                broken.append(f"{path.name}: {target}")
    assert broken == []


@pytest.mark.parametrize("alert", alerts(Thresholds()), ids=lambda alert: alert.name)
def test_every_alert_leads_to_its_section(site: Path, alert: Alert) -> None:
    """The section is there; the operations manual's names the command and the alert that calls for it."""
    document, _, place = alert.runbook.partition("#")
    text = (site / document.replace(".md", ".html")).read_text()
    parts = re.split(r'<h\d id="([^"]+)">', text)
    section = dict(zip(parts[1::2], parts[2::2], strict=True))[place]
    assert alert.name in section
    if alert.commands:
        assert f"<code>lab ops {alert.commands[0]}</code>" in section


def test_the_search_knows_every_section(site: Path) -> None:
    text = (site / "search.html").read_text()

    assert "docs/troubleshooting.html#e-not-authorized" in text
    assert "docs/api.html#buffer_transaction" in text
