package org.attune.trainers.opening;

import org.attune.files.HubCache;
import org.attune.ranks.Collective;
import org.attune.ranks.SingleProcess;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;

import java.util.List;

/// Hub cache, listeners and stop signal of a run, and how its passes are cut.
///
/// @param hub where names of models and data sets are looked up
/// @param listeners told what happens, in this order
/// @param stop ends a run early, from any thread
/// @param passes how passes are cut
/// @param ranks processes of the run; those that don't write tell no listener
public record Surroundings(
        HubCache hub,
        List<TrainingListener> listeners,
        StopSignal stop,
        Passes passes,
        Collective ranks) {
    public Surroundings {
        listeners = ranks.writes() ? List.copyOf(listeners) : List.of();
        stop = stop.among(ranks);
    }

    /// Surroundings of a run in one process.
    public Surroundings(
            HubCache hub, List<TrainingListener> listeners, StopSignal stop, Passes passes) {
        this(hub, listeners, stop, passes, new SingleProcess());
    }

    /// Surroundings of a run in one process, with passes as they are fast.
    public Surroundings(HubCache hub, List<TrainingListener> listeners, StopSignal stop) {
        this(hub, listeners, stop, Passes.plain());
    }
}
