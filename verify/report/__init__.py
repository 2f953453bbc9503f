"""Results as pages to read: a static site, a Markdown appendix, a LaTeX table."""
