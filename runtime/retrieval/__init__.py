"""Finding what the model should read: a question's vector, the nearest passages, the best of them (VEC-3).

`opening.open_retrieval` puts it together. What is asked when, and what is made of the passages, stands
elsewhere; writing the index is ingest's.
"""

from runtime.retrieval.passages import Filters, Lacking, Passage, Passages
from runtime.retrieval.retrieval import Retrieval

__all__ = ["Filters", "Lacking", "Passage", "Passages", "Retrieval"]
