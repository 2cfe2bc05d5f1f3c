/// Files that a run leaves behind: metrics, completions, summary and others; and what else may
// report
/// a run ([RunReporter]).
///
/// Each is a [org.attune.trainers.loop.TrainingListener], written so that a kill leaves no
/// unreadable file. Read [MetricsFile] first.
package org.attune.trainers.report;
