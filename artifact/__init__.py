"""What the stacks deploy, built on any machine for Graviton (RUN-19): the same bytes every time.

`build.build` takes ARM64 wheels from the runtime's own lock, our two rooms that run, and nothing else;
`rules` refuses what would not start over there. Imports only `contract`; AWS is not asked, nothing is pushed.
"""
