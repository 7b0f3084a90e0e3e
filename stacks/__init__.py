"""The one Pulumi program: settings -> estate -> regions. It composes components; it holds no AWS detail."""
