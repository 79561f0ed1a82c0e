"""Why a run stops before its end: the cause, which decides what may resume it, and words for people."""

from typing import NamedTuple

from django_meta_whatsapp.cloud_api.errors import ErrorClass, MetaAPIError
from django_meta_whatsapp.models import PauseCause, TemplateStatus

_CAUSES = {
    ErrorClass.TEMPLATE: PauseCause.TEMPLATE_REFUSED,
    ErrorClass.ACCOUNT: PauseCause.ACCOUNT_REFUSED,
    ErrorClass.AUTH: PauseCause.TOKEN,
}
_TOLD_OF_TEMPLATE = {132015: TemplateStatus.PAUSED, 132016: TemplateStatus.DISABLED}


class Stop(NamedTuple):
    """A campaign must pause. template_status: what Meta's refusal tells of its template, if it does."""

    cause: PauseCause
    reason: str
    template_status: str = ""


def stop_for(error: MetaAPIError) -> Stop | None:
    """Whether Meta's refusal of one message forbids all others too."""
    if error.code in _TOLD_OF_TEMPLATE:
        return Stop(PauseCause.TEMPLATE, str(error), _TOLD_OF_TEMPLATE[error.code])
    cause = _CAUSES.get(error.error_class)
    return Stop(cause, str(error)) if cause else None
