"""Templates at Meta, and in our rows."""

from asgiref.sync import sync_to_async

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.operations import templates as operations
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppTemplate
from django_meta_whatsapp.services import templates
from django_meta_whatsapp.services.accounts import async_client_for, client_for
from django_meta_whatsapp.services.steps import arun, run

__all__ = [
    "adelete_template_from_meta",
    "adelete_template_version_from_meta",
    "aedit_template_on_meta",
    "aget_template_from_meta",
    "apush_template_to_meta",
    "asave_templates_from_meta",
    "async_templates_from_meta",
    "aunpause_template",
    "delete_template_from_meta",
    "delete_template_version_from_meta",
    "edit_template_on_meta",
    "get_template_from_meta",
    "push_template_to_meta",
    "save_templates_from_meta",
    "sync_templates_from_meta",
    "unpause_template",
]


def sync_templates_from_meta(account: WhatsAppAccount | None = None) -> list[JSON]:
    """Fetches the approved and pending templates of the WABA, all pages, as Meta describes them. Stores nothing.

    `save_templates_from_meta` stores them, and those in every other status too.
    Raises MissingSetting (a ValueError) without a waba_id on the account or WABA_ID in the settings; MetaAPIError.
    Source: the reference; Meta's page "Manage templates".
    """
    return run(templates.fetch_usable(account), account)


async def async_templates_from_meta(account: WhatsAppAccount | None = None) -> list[JSON]:
    """`sync_templates_from_meta`, awaited."""
    return await arun(templates.fetch_usable(account), account)


def save_templates_from_meta(account: WhatsAppAccount | None = None) -> dict[str, int]:
    """Fetches the templates of the WABA in every status and stores them as rows, header, buttons and quality included.

    Rows of templates that Meta no longer lists become DELETED. Returns `{"synced": n, "deleted": n}`.
    Raises as `sync_templates_from_meta` does. Source: Meta's page "Manage templates".
    """
    return run(templates.sync(account), account)


async def asave_templates_from_meta(account: WhatsAppAccount | None = None) -> dict[str, int]:
    """`save_templates_from_meta`, awaited."""
    return await arun(templates.sync(account), account)


def get_template_from_meta(template_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """One template as Meta describes it. Raises MetaAPIError. Source: Meta's page "Manage templates"."""
    return client_for(account).run(operations.get_template(template_id))


async def aget_template_from_meta(template_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """`get_template_from_meta`, awaited."""
    return await async_client_for(account).run(operations.get_template(template_id))


def push_template_to_meta(template_obj: WhatsAppTemplate, account: WhatsAppAccount | None = None) -> JSON:
    """Submits a template to Meta for review; its row gets the id, status and category that Meta answers with.

    The components are made of `header`, `body_text`, `footer_text` and `buttons`; example values that Meta wants for
    variables are made up where the row has none.
    account: overrides `template_obj.account`.
    Returns `{"id", "status", "category"}`; Meta may choose another category than the one asked for.
    Raises InvalidMessage (a ValueError), with nothing sent, for what Meta would refuse out of hand; MetaAPIError.
    Source: the reference; Meta's page "Template components".
    """
    owner = templates.owner(template_obj, account)
    return run(templates.push(template_obj, owner), owner)


async def apush_template_to_meta(
    template_obj: WhatsAppTemplate, account: WhatsAppAccount | None = None
) -> JSON:
    """`push_template_to_meta`, awaited."""
    owner = await sync_to_async(templates.owner)(template_obj, account)
    return await arun(templates.push(template_obj, owner), owner)


def edit_template_on_meta(template_obj: WhatsAppTemplate, account: WhatsAppAccount | None = None) -> JSON:
    """Replaces the components of a template at Meta by those of the row, which is pending until Meta has looked at it.

    Meta takes one edit a day and ten in 30 days of an approved template.
    Raises InvalidInput (a ValueError) for a row that Meta does not know; otherwise as `push_template_to_meta`.
    Source: Meta's page "Manage templates".
    """
    return run(templates.edit(template_obj), templates.owner(template_obj, account))


async def aedit_template_on_meta(
    template_obj: WhatsAppTemplate, account: WhatsAppAccount | None = None
) -> JSON:
    """`edit_template_on_meta`, awaited."""
    owner = await sync_to_async(templates.owner)(template_obj, account)
    return await arun(templates.edit(template_obj), owner)


def delete_template_from_meta(template_name: str, account: WhatsAppAccount | None = None) -> JSON:
    """Deletes a template at Meta by name: **every language of it**. Our rows stay, marked DELETED.

    Meta lets nobody use the name of an approved template again for 30 days.
    `delete_template_version_from_meta` deletes a single language.
    Returns `{"success": True}`. Raises MetaAPIError. Source: the reference; Meta's page "Manage templates".
    """
    return run(templates.delete(template_name, account), account)


async def adelete_template_from_meta(template_name: str, account: WhatsAppAccount | None = None) -> JSON:
    """`delete_template_from_meta`, awaited."""
    return await arun(templates.delete(template_name, account), account)


def delete_template_version_from_meta(
    template_name: str, template_id: str, account: WhatsAppAccount | None = None
) -> JSON:
    """Deletes one language of a template at Meta; its row stays, marked DELETED.

    template_id: Meta's ID of that language. Returns `{"success": True}`. Raises MetaAPIError.
    Source: Meta's page "Manage templates".
    """
    return run(templates.delete(template_name, account, template_id), account)


async def adelete_template_version_from_meta(
    template_name: str, template_id: str, account: WhatsAppAccount | None = None
) -> JSON:
    """`delete_template_version_from_meta`, awaited."""
    return await arun(templates.delete(template_name, account, template_id), account)


def unpause_template(template_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """Resumes a template that Meta has paused while pacing it. Raises MetaAPIError. Source: Meta's page "Template pacing"."""
    return client_for(account).run(operations.unpause_template(template_id))


async def aunpause_template(template_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """`unpause_template`, awaited."""
    return await async_client_for(account).run(operations.unpause_template(template_id))
