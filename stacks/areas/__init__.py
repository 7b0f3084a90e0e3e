"""One region, area by area: each module composes the components of one part of the whiteboard."""
