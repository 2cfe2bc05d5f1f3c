package org.attune.trainers.loop;

/// A request, from any thread, to end a run early. The trainer looks at it between physical
/// micro-batches, writes a checkpoint of the last finished step and returns.
public final class StopSignal {
    private volatile boolean requested;

    /// Asks the run to stop.
    public void request() {
        requested = true;
    }

    public boolean requested() {
        return requested;
    }
}
