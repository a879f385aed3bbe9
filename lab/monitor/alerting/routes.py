"""Who is notified: Alertmanager's routes, its inhibition by maintenance, its receivers by names of the environment.

A secret is a file that Alertmanager reads, or part of an address that stands in the generated file only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.errors import UsageError

WEBHOOK, SLACK_FILE, SLACK_CHANNEL = "LAB_ALERT_WEBHOOK", "LAB_ALERT_SLACK_URL_FILE", "LAB_ALERT_SLACK_CHANNEL"
MAIL_TO, MAIL_FROM = "LAB_ALERT_MAIL_TO", "LAB_ALERT_MAIL_FROM"
SMTP_HOST, SMTP_USER, SMTP_FILE = "LAB_ALERT_SMTP_HOST", "LAB_ALERT_SMTP_USER", "LAB_ALERT_SMTP_PASSWORD_FILE"
VARIABLES: dict[str, str] = {
    WEBHOOK: "URL that receives alerts as JSON",
    SLACK_FILE: "file that holds the URL of a Slack webhook",
    SLACK_CHANNEL: "Slack channel, with its #",
    MAIL_TO: "mail address of those on call",
    MAIL_FROM: "sender of the mails",
    SMTP_HOST: "mail server as HOST:PORT",
    SMTP_USER: "user of the mail server",
    SMTP_FILE: "file that holds the user's password",
}


def routes_file(environment: Mapping[str, str], speed: float = 1) -> dict[str, Any]:
    """The configuration as Alertmanager reads it. Raises UsageError for a receiver that is given by half."""

    def span(seconds: float) -> str:
        return f"{max(100, round(seconds * 1000 / speed))}ms"

    return {
        "route": {
            "receiver": "team",
            "group_by": ["alertname", "chain"],
            "group_wait": span(15),
            "group_interval": span(60),
            "repeat_interval": span(4 * 3600),
            "routes": [
                {
                    "receiver": "watchdog",
                    "matchers": ['alertname="Watchdog"'],
                    "group_wait": span(0),
                    "repeat_interval": span(300),
                }
            ],
        },
        "inhibit_rules": [
            {"source_matchers": ['alertname="Maintenance"'], "target_matchers": ['severity=~"critical|warning"']},
            {
                "source_matchers": ['alertname="ChainDown"'],
                "target_matchers": ['alertname=~"ChainStalled|CollectorStale|CrossChainStuck"'],
                "equal": ["chain"],
            },
        ],
        "receivers": [_team(environment), _watchdog(environment)],
    }


def _watchdog(environment: Mapping[str, str]) -> dict[str, Any]:
    """Whoever notices that it stopped: only a machine can."""
    url = environment.get(WEBHOOK)
    return {"name": "watchdog", **({"webhook_configs": [{"url": url}]} if url else {})}


def _team(environment: Mapping[str, str]) -> dict[str, Any]:
    receiver: dict[str, Any] = {"name": "team"}
    if url := environment.get(WEBHOOK):
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"{WEBHOOK}: expected a URL that begins with http:// or https://")
        receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
    if path := environment.get(SLACK_FILE):
        channel = _needed(environment, SLACK_CHANNEL, SLACK_FILE)
        receiver["slack_configs"] = [{"api_url_file": path, "channel": channel, "send_resolved": True}]
    if address := environment.get(MAIL_TO):
        mail = {
            "to": address,
            "from": _needed(environment, MAIL_FROM, MAIL_TO),
            "smarthost": _needed(environment, SMTP_HOST, MAIL_TO),
            "send_resolved": True,
        }
        if user := environment.get(SMTP_USER):
            mail |= {"auth_username": user, "auth_password_file": _needed(environment, SMTP_FILE, SMTP_USER)}
        receiver["email_configs"] = [mail]
    return receiver


def _needed(environment: Mapping[str, str], name: str, by: str) -> str:
    if not environment.get(name):
        raise UsageError(f"expected {name} ({VARIABLES[name]}) beside {by}, it is not set")
    return environment[name]
