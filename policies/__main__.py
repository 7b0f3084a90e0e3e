"""What `pulumi up --policy-pack policies` runs."""

import pulumi.runtime
from pulumi_policy import PolicyPack

from policies import pack

strict = pack.protected(pulumi.runtime.get_config_env())
PolicyPack(pack.NAME, pack.policies(protected=strict))
