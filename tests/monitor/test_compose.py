"""`compose/monitoring.yml` with containers: images made of this machine's binaries, the target up, an alert routed.

The exporter runs beside them as a process, for its image needs a Python that no registry gives here; Grafana's part is
what `docker-compose config` and the tests of its dashboards say.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.chains.engine.client import connect
from lab.chains.nodes.image import linked_libraries
from lab.monitor import configuration, tools
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.configuration import Addresses
from lab.monitor.servers import free_ports
from lab.paths import COMPOSE
from tests.unit.conftest import StartLab

from .conftest import WAIT_S, Export
from .test_exporter import write_session

IMAGES = {"prometheus": "tesseract-lab/prometheus-test", "prometheus-alertmanager": "tesseract-lab/alertmanager-test"}
PROJECT = "tesseract-lab-monitor-test"


def build(tool: str, tag: str) -> None:
    """An image of nothing but a binary and its libraries."""
    binary = Path(tools.find(tool)).resolve()
    buffer = io.BytesIO()
    # Debian's Alertmanager has its templates beside it, upstream's inside of it.
    templates = {str(path): path for path in Path("/usr/share/prometheus/alertmanager").glob("*.tmpl")}
    files = {f"/bin/{tool}": binary, **linked_libraries(binary), **templates}
    contents = {f"root{path}": file.read_bytes() for path, file in files.items()}
    contents["Dockerfile"] = f'FROM scratch\nCOPY root/ /\nENTRYPOINT ["/bin/{tool}"]\n'.encode()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    client = connect(timeout_s=120)
    try:
        client.images.build(fileobj=buffer, custom_context=True, tag=tag, rm=True)
    finally:
        client.close()


class Sink:
    """A webhook that keeps the names of alerts."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.names |= {alert["labels"]["alertname"] for alert in body["alerts"]}
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.server.shutdown()
    sink.server.server_close()


def compose(environment: dict[str, str], *words: str, file: Path) -> subprocess.CompletedProcess[str]:
    """A command of docker-compose on the file of this repository, with another's words in addition."""
    command = ["docker-compose", "-p", PROJECT, "-f", str(COMPOSE / "monitoring.yml"), "-f", str(file), *words]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=WAIT_S, check=False
    )


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose (apt install docker-compose)")
@pytest.mark.usefixtures("engine", "prometheus_tools")
def test_containers_scrape_and_route(start_lab: StartLab, export: Export, sink: Sink, tmp_path: Path) -> None:
    """Prometheus in its container sees the exporter; the watchdog's alert arrives through Alertmanager's."""
    for tool, tag in IMAGES.items():
        build(tool, tag)
    exporter = export(write_session(start_lab("optimism"), tmp_path))
    prometheus, alertmanager = free_ports(2)
    addresses = Addresses(exporter.url.removeprefix("http://").split("/")[0], f"127.0.0.1:{alertmanager}")
    webhook = {"LAB_ALERT_WEBHOOK": f"http://127.0.0.1:{sink.server.server_address[1]}/"}
    configuration.write(tmp_path / "config", "run", webhook, Thresholds(speed=30), addresses)
    for path in (tmp_path / "config").glob("*.yml"):
        path.chmod(0o644)
    environment = {
        "LAB_PROMETHEUS_IMAGE": IMAGES["prometheus"],
        "LAB_ALERTMANAGER_IMAGE": IMAGES["prometheus-alertmanager"],
        "LAB_MONITOR_CONFIG": str(tmp_path / "config"),
        "LAB_SESSION_FOLDER": str(tmp_path),
    }
    # The ports of this test, so that it gets into nobody's way.
    services = yaml.safe_load((COMPOSE / "monitoring.yml").read_text())["services"]
    ports = {"prometheus": ("9090", prometheus), "alertmanager": ("9093", alertmanager)}
    changed = {
        name: {"command": [word.replace(f":{old}", f":{new}") for word in services[name]["command"]]}
        for name, (old, new) in ports.items()
    }
    override = tmp_path / "override.yml"
    override.write_text(yaml.safe_dump({"version": "3.8", "services": changed}))
    try:
        done = compose(environment, "up", "-d", "prometheus", "alertmanager", file=override)
        assert done.returncode == 0, done.stderr
        url, deadline = f"http://127.0.0.1:{prometheus}/api/v1/targets", time.monotonic() + WAIT_S
        while time.monotonic() < deadline and not (healthy(url) and "Watchdog" in sink.names):
            time.sleep(0.2)
        logs = compose(environment, "logs", file=override)
        assert healthy(url), logs.stdout
        assert "Watchdog" in sink.names, logs.stdout
    finally:
        compose(environment, "down", "-v", "-t", "2", file=override)


def healthy(url: str) -> bool:
    """Whether every target is up."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=WAIT_S) as answer:
        targets = json.load(answer)["data"]["activeTargets"]
        return bool(targets) and all(target["health"] == "up" for target in targets)
    return False


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose (apt install docker-compose)")
def test_the_file_is_whole(tmp_path: Path) -> None:
    """As docker-compose reads it, Grafana with its provisioning and dashboards included."""
    override = tmp_path / "override.yml"
    override.write_text('version: "3.8"\n')
    done = compose({}, "config", file=override)
    assert done.returncode == 0, done.stderr
    grafana = yaml.safe_load(done.stdout)["services"]["grafana"]
    assert any("/etc/grafana/provisioning" in str(volume) for volume in grafana["volumes"])
    assert any("/dashboards" in str(volume) for volume in grafana["volumes"])
