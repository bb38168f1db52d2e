"""Open RViz with the displays that fit a running tracker."""
