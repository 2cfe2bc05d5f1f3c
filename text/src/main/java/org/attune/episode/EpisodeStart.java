package org.attune.episode;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// What an episode begins with.
///
/// @param id which it is
/// @param row all columns of its row in the data, JSON values
/// @param seed equal for the episodes of one prompt in a round
/// @param member which of the episodes of its prompt, from 0
/// @param attempt 0, or how often it was begun before because the world failed
@Api(STABLE)
public record EpisodeStart(
        EpisodeId id, Map<String, Object> row, long seed, int member, int attempt) {
    public EpisodeStart {
        row = Collections.unmodifiableMap(new LinkedHashMap<>(row));
    }
}
