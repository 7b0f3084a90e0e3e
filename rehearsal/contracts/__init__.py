"""Holding a provider to what the runtime relies on (RUN-23): `contract/consumers` asked, one by one.

Against the stand-ins by default, or against a provider's own URL. What is promised stands in the contract;
how the runtime asks, in `runtime/shop`.
"""
