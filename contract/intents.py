"""What people want (RUN-3). Everybody names intents with these words."""

from enum import StrEnum


class Intent(StrEnum):
    """One of them for every message."""

    PRODUCT_INFO = "product_info"
    COMPARISON = "comparison"
    RECOMMENDATION = "recommendation"
    ORDER_STATUS = "order_status"
    DELIVERY = "delivery"
    REFUND = "refund"
    COMPLAINT = "complaint"
    CART = "cart"
    PAYMENT = "payment"
    GENERAL = "general"
    ESCALATION = "escalation"
