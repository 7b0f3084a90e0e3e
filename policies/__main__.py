"""What `pulumi up --policy-pack policies` runs."""

from pulumi_policy import PolicyPack

from policies import pack

PolicyPack(pack.NAME, pack.policies())
