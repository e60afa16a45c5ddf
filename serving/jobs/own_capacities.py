"""What a job may use beside what the policy allows: a policy of its own, kept like every other version in force."""

from __future__ import annotations

from dataclasses import replace

from features.domain import Instant
from serving.equipment import Equipment
from serving.jobs.order import Order
from serving.journal import Journal
from serving.journal.documents import Version, keep_version
from serving.policy.document import policy_of
from serving.policy.form import write
from serving.policy.policy import Capacity


def with_own(order: Order, equipment: Equipment, journal: Journal, at: Instant) -> Equipment:
    """The equipment under a policy with the job's own capacities; where it has none, the same."""
    if not order.capacities:
        return equipment
    own = tuple(Capacity(f"job {order.job_id} {name}", name, most) for name, most in sorted(order.capacities.items()))
    policy = equipment.policy
    document = policy_of(write(replace(policy, capacities=(*policy.capacities, *own))))
    version = Version("policy of a job", document.fingerprint, document.text, at, order.by)
    journal.write(lambda transaction: keep_version(transaction.connection, version))
    return replace(equipment, policy=document.value)
