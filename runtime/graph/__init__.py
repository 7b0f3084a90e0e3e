"""How products belong together (DATA-7): compare, compatible, similar, bought together, and ways between two.

One interface (`port.Graph`); edges lie in DynamoDB, or in Neptune where a stack has one. Names and prices of
products are the catalogue's business.
"""

from runtime.graph.port import Edge, Graph, Kind

__all__ = ["Edge", "Graph", "Kind"]
