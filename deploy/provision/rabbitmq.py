"""Prepares RabbitMQ: an account per party, with only the permissions that it needs, and the topology.

The management API creates the accounts from one document. The topology is declared over AMQP.
"""

import ssl
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import aiohttp
import structlog

from deploy.provision.settings import ProvisionSettings
from deploy.provision.waiting import Server, until_ready
from shared.messaging.accounts import Account, Definitions, account_of, definitions
from shared.messaging.connection import CONNECTION_ERRORS, connect
from shared.messaging.declarations import declare_all
from shared.messaging.topology import PARTIES, Layout
from shared.runtime.addresses import each_host
from shared.runtime.starting import StartError

SECONDS_TO_ANSWER = 30.0
API_PORTS = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
RABBITMQ = Server(
    "RabbitMQ",
    "WARREN_AMQP_ADMIN_URL and WARREN_AMQP_API_URL are its addresses",
    (*CONNECTION_ERRORS, aiohttp.ClientConnectionError),
)

log = structlog.get_logger(__name__)


async def prepare_broker(settings: ProvisionSettings) -> None:
    """Create missing accounts and queues, and set each account's password and permissions.

    Repeating this is harmless. It retries until RabbitMQ answers. Raises StartError.
    """
    administrator, vhost = _account_of(settings.amqp_admin_url)
    accounts = _accounts(settings.amqp_urls, administrator, vhost)
    layout = Layout(settings.transient_queues)

    async def prepare() -> None:
        await _make_accounts(settings, definitions(administrator, accounts, vhost, layout))
        await _declare(settings.amqp_admin_url, layout)

    await until_ready(RABBITMQ, prepare, settings.provision_timeout)
    log.info("broker_provisioned", accounts=list(accounts))


def _accounts(urls: Mapping[str, str], administrator: Account, vhost: str) -> Mapping[str, Account]:
    """Return each party's account. Raises StartError for an unknown party, and if two accounts are the same."""
    accounts = {}
    for party, url in urls.items():
        accounts[party], its_vhost = _account_of(url)
        if party not in PARTIES:
            message = (
                f"WARREN_AMQP_URLS names {party}; the parts of Warren are {', '.join(PARTIES)}."
            )
            raise StartError(message)
        if its_vhost != vhost:
            message = f"WARREN_AMQP_URLS: {party} has another virtual host than the administrator."
            raise StartError(message)
    users = [account.user for account in (administrator, *accounts.values())]
    if len(set(users)) < len(users):
        message = (
            "WARREN_AMQP_URLS: each part of Warren, and the administrator, needs a user of its own."
        )
        raise StartError(message)
    return accounts


def _account_of(url: str) -> tuple[Account, str]:
    try:
        return account_of(url)
    except ValueError as error:
        raise StartError(str(error)) from error


async def _make_accounts(settings: ProvisionSettings, document: Definitions) -> None:
    if settings.amqp_urls:
        administrator, _ = account_of(settings.amqp_admin_url)
        # The administrator exists already. The owner's choice of password and tags must not be
        # overwritten.
        users = [user for user in document["users"] if user["name"] != administrator.user]
        api_url = settings.amqp_api_url or _api_of(settings.amqp_admin_url)
        authority = _authority(settings.amqp_admin_url)
        await _import(api_url, administrator, {**document, "users": users}, authority)


async def _declare(admin_url: str, layout: Layout) -> None:
    async with await connect(admin_url, name="provision", seconds=SECONDS_TO_ANSWER) as connection:
        await declare_all(connection, layout)


async def _import(
    api_url: str, administrator: Account, document: object, authority: str | None
) -> None:
    timeout = aiohttp.ClientTimeout(total=SECONDS_TO_ANSWER)
    login = aiohttp.encode_basic_auth(administrator.user, administrator.password)
    url = f"{api_url.rstrip('/')}/api/definitions"
    context = ssl.create_default_context(cafile=authority)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=document, ssl=context, headers={"Authorization": login}) as answer,
    ):
        if answer.status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}:
            message = f"RabbitMQ's management API answers {answer.status}."
            raise ConnectionError(message)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            message = (
                f"RabbitMQ's management API answers {answer.status}: {await answer.text()} Does "
                "WARREN_AMQP_ADMIN_URL name a user with the tag `administrator`?"
            )
            raise StartError(message)


def _api_of(admin_url: str) -> str:
    parts = urlsplit(each_host(admin_url)[0])
    scheme, port = API_PORTS[parts.scheme]
    host = parts.hostname or "localhost"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _authority(admin_url: str) -> str | None:
    """Return the certificate authority's file from the AMQP address; None means the system's authorities."""
    files = parse_qs(urlsplit(admin_url).query).get("cafile")
    return files[0] if files else None
