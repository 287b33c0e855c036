"""A workflow definition as a drawing."""

from hookline_console.graph.drawing import draw_graph
from hookline_console.graph.tree import NodeState

__all__ = ["NodeState", "draw_graph"]
