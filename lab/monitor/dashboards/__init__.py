"""What the dashboards show: one description, drawn by Grafana or as one offline page."""
