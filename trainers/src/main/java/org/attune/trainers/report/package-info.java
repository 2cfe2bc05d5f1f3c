/// Files that a run leaves behind: metrics, completions, summary and others. Who else may report a
/// run is a [RunReporter].
///
/// Each is a [org.attune.trainers.loop.TrainingListener], written so that a kill leaves no
/// unreadable file. Read [MetricsFile] first.
package org.attune.trainers.report;
