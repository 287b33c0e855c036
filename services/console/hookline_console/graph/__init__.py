"""A workflow definition as a drawing."""

from hookline_console.graph.drawing import draw_graph
from hookline_console.graph.tree import Kind, NodeState

__all__ = ["Kind", "NodeState", "draw_graph"]
