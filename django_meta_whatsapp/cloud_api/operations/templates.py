"""Message templates: list, create, edit, delete (Meta's page "manage templates")."""

from django_meta_whatsapp.cloud_api.calls import JSON, READ, WRITE, Call, Page, as_is
from django_meta_whatsapp.cloud_api.operations.common import page, paging_query, path, without_empty

TEMPLATE_FIELDS = (
    "id,name,language,status,category,sub_category,components,parameter_format,quality_score,rejected_reason,"
    "correct_category,previous_category,message_send_ttl_seconds"
)


def list_templates(
    waba_id: str, *, limit: int = 100, fields: str = TEMPLATE_FIELDS, name: str = "", status: str = ""
) -> Call[Page]:
    """The templates of a WhatsApp business account, in every status unless `status` narrows it (comma list).

    name: part of the name.
    """
    query = {**paging_query(limit), **without_empty({"fields": fields, "name": name, "status": status})}
    return Call("GET", path(waba_id=waba_id, edge="message_templates"), page, READ, query=query)


def get_template(template_id: str, *, fields: str = TEMPLATE_FIELDS) -> Call[JSON]:
    """One template."""
    return Call("GET", path(template_id=template_id), as_is, READ, query={"fields": fields})


def create_template(waba_id: str, definition: JSON) -> Call[JSON]:
    """Submits a template (see `template_definition`). The answer: `id`, `status`, Meta's `category`."""
    return Call("POST", path(waba_id=waba_id, edge="message_templates"), as_is, WRITE, body=definition)


def edit_template(template_id: str, changes: JSON) -> Call[JSON]:
    """Changes a template that is approved, rejected or paused.

    changes: any of `category`, `components` (replaces all), `message_send_ttl_seconds`, `parameter_format`.
    An approved template takes one edit a day and ten in 30 days, and its category stays.
    """
    return Call("POST", path(template_id=template_id), as_is, WRITE, body=changes)


def delete_template(waba_id: str, name: str, template_id: str = "") -> Call[JSON]:
    """Deletes one language of a template, or without `template_id` all languages of that name.

    An approved name cannot be used again for 30 days.
    """
    location = path(waba_id=waba_id, edge="message_templates")
    path(name=name)  # Without a name Meta would be asked to delete nothing in particular.
    query = {"name": name, **({"hsm_id": template_id} if template_id else {})}
    return Call("DELETE", location, as_is, WRITE, query=query)


def unpause_template(template_id: str) -> Call[JSON]:
    """Resumes a template that Meta paused while pacing it."""
    return Call("POST", path(template_id=template_id, edge="unpause"), as_is, WRITE)
