package org.attune.trainers.onpolicy;

import org.attune.agents.record.Miss;
import org.attune.records.CopyMethods;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Whether calls of tools get the answers that were recorded.
///
/// @param recordedWorld file of `record_rollouts`; unset: tools answer themselves
/// @param recordedWorldMiss what becomes of a call that the file has no answer to
@CopyMethods
public record RecordedWorldConfig(Optional<Path> recordedWorld, Miss recordedWorldMiss)
        implements RecordedWorldConfigCopies {
    /// The defaults, as listed at the parameters.
    public static RecordedWorldConfig defaults() {
        return RecordedWorldConfigCopies.blank().withRecordedWorldMiss(Miss.LIVE);
    }

    /// What is set, by its key.
    Map<String, Object> given() {
        Map<String, Object> given = new LinkedHashMap<>();
        recordedWorld.ifPresent(file -> given.put("recorded_world", file));
        if (recordedWorldMiss != Miss.LIVE) {
            given.put("recorded_world_miss", recordedWorldMiss);
        }
        return given;
    }
}
