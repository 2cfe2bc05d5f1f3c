package org.attune.reports.tracker;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// Where a run's numbers are shown. [TrackerFeed] calls it from another thread, one call at a
/// time, and calls it again after an [IOException]. Any other exception ends the reporting.
public interface Tracker {
    /// Name in `report_to`.
    String name();

    /// Least time between two deliveries; numbers of the time between are delivered together.
    Duration pace();

    /// Tells that the run begins or goes on.
    ///
    /// @throws IOException if it may work later
    void open(TrackedRun run) throws IOException, InterruptedException;

    /// The run's identity there, which a resumed run goes on under; empty before [#open].
    Optional<String> runId();

    /// Where to look at the run, or what to do with what was written.
    String place();

    /// Tells numbers, in the order of their steps. If it throws, the same are told again.
    ///
    /// @throws IOException if it may work later
    void log(List<TrackedPoint> points) throws IOException, InterruptedException;

    /// Tells how the run ended.
    ///
    /// @throws IOException if it may work later
    void close(RunEnd end) throws IOException, InterruptedException;

    /// How a run ended.
    enum RunEnd {
        /// The run made all its steps.
        FINISHED,
        /// The run was asked to stop.
        STOPPED,
        /// The run failed.
        FAILED
    }
}
