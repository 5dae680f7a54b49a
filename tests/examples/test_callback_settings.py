"""What the callback application is told, and what it makes of that."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from wxengage.errors import InvalidInputError

try:
    import_module("cryptography")
    from examples.callback_app.campaign import campaign_of
    from examples.callback_app.fake import Rehearsal
    from examples.callback_app.settings import settings_from
except ModuleNotFoundError as error:
    if (error.name or "").startswith(("examples", "wxengage")):
        raise
    pytest.skip(f"{error.name} is not installed", allow_module_level=True)

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = ("SHOP_SECRET", "SHOP_LINK_KEY")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Give what a rehearsal tells the application."""
    folder = tmp_path_factory.mktemp("settings")
    with Rehearsal() as wechat:
        return wechat.environment(folder, public_url="https://shop.example", hold=2)


def test_a_rehearsal_tells_all_that_is_needed(environment: Mapping[str, str]) -> None:
    """What is told is what the campaign goes by."""
    settings = settings_from(environment)

    assert 2.0 == campaign_of(settings).hold.total_seconds()
    assert "https://shop.example" == settings.public_url
    assert settings.followers is None


def test_no_secret_is_shown(environment: Mapping[str, str]) -> None:
    """Printing the settings tells nobody anything."""
    shown = repr(settings_from(environment))

    names = (*SECRETS, "SHOP_TOKEN", "SHOP_AES_KEY", "SHOP_APIV3_KEY")
    assert [] == [name for name in names if environment[name] in shown]


def test_what_is_missing_in_the_environment_is_named_at_once() -> None:
    """All of it, so that one does not start it twenty times."""
    with pytest.raises(
        InvalidInputError, match=r"SHOP_APPID, SHOP_SECRET, .*SHOP_TEMP"
    ):
        settings_from({"SHOP_TOKEN": "there"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SHOP_OPENS", "tomorrow"),
        ("SHOP_OPENS", "2026-03-01T00:00"),
        ("SHOP_HOLD", "inf"),
        ("SHOP_PAUSE", "nan"),
        ("SHOP_PATIENCE", "0"),
        ("SHOP_SECRET", "two words"),
        ("SHOP_LINK_KEY", "short"),
        ("SHOP_PUBLIC_URL", "http://example.org"),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_shown(
    environment: Mapping[str, str], name: str, text: str
) -> None:
    """A wrong setting is named; a secret in the wrong place stays one."""
    with pytest.raises(InvalidInputError) as caught:
        campaign_of(settings_from(dict(environment) | {name: text}))

    assert name.removeprefix("SHOP_").lower() in str(caught.value).lower()
    assert name not in SECRETS or text not in str(caught.value)
