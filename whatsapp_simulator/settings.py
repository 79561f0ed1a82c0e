"""What a run of the simulator can be told at its start. The control plane can change most of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """``throughput`` is messages a second of the default number; ``window_errors`` says whether a closed
    24-hour window is told by ``webhook`` (accepted, then failed) or in the ``answer``; ``throttle_status`` is
    the HTTP status of rate-limit errors (Meta's page says 400, 429 has been seen); ``store_bodies`` keeps the
    body of every accepted message in the ledger; ``management_limit`` is management calls per WABA and hour
    (0: no limit). New templates wait as ``PENDING`` unless ``auto_approve_templates``; a WABA holds up to
    ``template_limit`` of them.
    """

    webhook_url: str = ""
    app_secret: str = "simulator-app-secret"  # noqa: S105 - the documented value of the default world
    verify_token: str = "simulator-verify-token"  # noqa: S105
    access_token: str = "simulator-token"  # noqa: S105
    seed: int = 0
    throughput: int = 80
    pair_rate: bool = True
    window_errors: str = "webhook"
    throttle_status: int = 400
    store_bodies: bool = True
    require_appsecret_proof: bool = False
    management_limit: int = 5000
    auto_approve_templates: bool = False
    template_limit: int = 6000
