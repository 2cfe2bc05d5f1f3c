package org.attune.reports.tracker;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// What a tracker is told of a run at its start.
///
/// @param id letters and digits by which it is told from others
/// @param earlierId the identity that the tracker gave the run before it was resumed
/// @param name shown to people
/// @param config keys and values; unset ones are null
/// @param started when this process began with it
/// @param logged logs and evaluations before the checkpoint that it goes on from; 0 for a new run
record TrackedRun(
        String id,
        Optional<String> earlierId,
        String name,
        Map<String, Object> config,
        Instant started,
        int logged) {
    public TrackedRun {
        config = Collections.unmodifiableMap(new LinkedHashMap<>(config));
    }
}
