"""What is fixed for one batch of messages: the time, the plans, the configuration, the tally."""

from dataclasses import dataclass, field

from hookline_common.config_view import ConfigView
from hookline_common.webhooks import WebhookConfig
from hookline_matcher.counts import Tally
from hookline_matcher.plans import PlanSet

SERVICE = "matcher"


@dataclass(slots=True)
class Batch:
    """One batch; `plans` is replaced when newer ones are read."""

    now_ms: int
    plans: PlanSet
    config: ConfigView
    tally: Tally = field(default_factory=Tally)

    def webhook(self, webhook_id: str, incarnation: int) -> WebhookConfig | None:
        """The configuration of a webhook; None if this incarnation of it is gone."""
        found = self.config.webhook(webhook_id)
        if isinstance(found, WebhookConfig) and found.incarnation == incarnation:
            return found
        return None
