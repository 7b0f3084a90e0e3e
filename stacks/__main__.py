"""What `pulumi up` runs. `concierge plan` runs the very same lines."""

import pulumi

from stacks import estate, settings

estate.build(settings.from_pulumi(), project=pulumi.get_project(), stack=pulumi.get_stack())
