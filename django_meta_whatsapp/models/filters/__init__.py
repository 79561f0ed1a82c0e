"""The filters that people narrow contacts by: declared fields and operators, `and`, `or` and `not`, and nothing else.

`{"labels__name": "VIP", "last_inbound_at__within_days": 30}`: a key is a field, or a field and an operator; all must hold.
`{"or": [{…}, {…}]}`, `{"and": [{…}]}` and `{"not": {…}}` nest, up to a depth and a size.
"""

from django_meta_whatsapp.models.filters.fields import FIELDS
from django_meta_whatsapp.models.filters.language import MAX_CONDITIONS, MAX_DEPTH, check, condition
from django_meta_whatsapp.models.filters.values import FIELD, MAX_VALUES, Situation

__all__ = ["FIELD", "FIELDS", "MAX_CONDITIONS", "MAX_DEPTH", "MAX_VALUES", "Situation", "check", "condition"]
