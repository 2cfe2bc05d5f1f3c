package org.attune.trainers.report;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.trainers.loop.TrainingListener;

import java.io.IOException;

/// The report of one run, by a [RunReporter].
///
/// As a listener it works on the training thread: what takes long belongs on another one, and what
/// it throws ends the run.
@Api(EXPERIMENTAL)
public interface RunReport extends TrainingListener, AutoCloseable {
    /// Writes what needs the run's other files. They are complete then, however the run ended.
    ///
    /// @throws IOException if that fails, which is a warning: the run's result is there without it
    default void write() throws IOException {}

    /// Ends the report, also of a run that failed.
    @Override
    default void close() {}
}
