package org.attune.trainers.opening;

import org.attune.files.HubCache;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;

import java.util.List;

/// Hub cache, listeners and stop signal of a run.
///
/// @param hub where names of models and data sets are looked up
/// @param listeners told what happens, in this order
/// @param stop ends a run early, from any thread
public record Surroundings(HubCache hub, List<TrainingListener> listeners, StopSignal stop) {
    public Surroundings {
        listeners = List.copyOf(listeners);
    }
}
