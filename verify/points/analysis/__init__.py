"""What a point is and which constants hold there: classification, curvature, minimizers, enumeration, a picture."""
