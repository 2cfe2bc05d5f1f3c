/// Reporting of runs to experiment trackers: W&B, MLflow and Trackio. Each has its own thread and
/// queue ([org.attune.reports.tracker.TrackerFeed]), so none can slow or end a run.
package org.attune.reports.tracker;
