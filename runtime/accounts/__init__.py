"""What a customer has with us: a cart, a wish list and price alerts, cards on file, payments (DATA-1).

Kept in tables of ours, each change once for its key however often it is asked for. What the shop keeps
(orders, refunds, complaints) is `runtime.shop`'s; who may change what is decided by the tools.
"""
