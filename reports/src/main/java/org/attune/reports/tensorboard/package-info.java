/// TensorBoard's event files: [TensorBoardFile] listens to a run, [TensorBoardEvents] has the form
/// of the events, [ProtoMessage] that of their fields.
package org.attune.reports.tensorboard;
