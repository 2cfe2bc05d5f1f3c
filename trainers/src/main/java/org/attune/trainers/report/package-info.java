/// Files that a run leaves behind: metrics, TensorBoard events, state and summary. Each is a
/// [org.attune.trainers.loop.TrainingListener], written so that a kill leaves no unreadable file.
package org.attune.trainers.report;
