/// Files that a run leaves behind: metrics, TensorBoard events, completions and summary.
///
/// Each is a [org.attune.trainers.loop.TrainingListener], written so that a kill leaves no
/// unreadable file. Read [MetricsFile] first.
package org.attune.trainers.report;
