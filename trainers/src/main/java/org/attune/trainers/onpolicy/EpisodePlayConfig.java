package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.PositiveOrZero;

import org.attune.agents.loop.History;
import org.attune.episode.EndReason;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// How episodes are run, and which of them are trained on.
///
/// @param history what a turn sees of those before it
/// @param maxToolCallingIterations turns whose calls run, ≥ 0; unset: all. TRL's key
/// @param episodeRetries how often an episode begins again because its world failed, ≥ 0
/// @param maxFailedEpisodes share of a round's episodes that may fail; the run stops above
/// @param episodesInFlight episodes under way at once, ≥ 1; unset: twice `generation_slots`
/// @param toolSteps tokens that other episodes get while one is with its tools, ≥ 0. An answer that
///     comes earlier waits until then, and a later one is waited for, so that the time that tools
///     take changes no bit
/// @param maskEnded reasons whose episodes aren't trained, though they count in their group's
///     baseline
/// @param trlCompat whether episodes follow TRL where it differs: turns that were cut may run
///     calls, answers that don't fit are dropped, errors are written as Python prints them
@CopyMethods
public record EpisodePlayConfig(
        History history,
        @InRange(min = 0) OptionalInt maxToolCallingIterations,
        @PositiveOrZero(message = "a whole number >= 0") int episodeRetries,
        @InRange(min = 0, max = 1) double maxFailedEpisodes,
        @InRange(min = 1) OptionalInt episodesInFlight,
        @PositiveOrZero(message = "a whole number >= 0") int toolSteps,
        List<EndReason> maskEnded,
        boolean trlCompat)
        implements EpisodePlayConfigCopies {
    public EpisodePlayConfig {
        maskEnded = List.copyOf(maskEnded);
    }

    /// The defaults, as listed at the parameters.
    public static EpisodePlayConfig defaults() {
        return EpisodePlayConfigCopies.blank()
                .withHistory(History.TOKENS)
                .withEpisodeRetries(2)
                .withMaxFailedEpisodes(0.2)
                .withToolSteps(4);
    }

    /// What differs from the defaults, by its key. `trl_compat` is not among it, which PPO has
    /// for other things too.
    Map<String, Object> given(EpisodePlayConfig standard) {
        Map<String, Object> given = new LinkedHashMap<>();
        if (history != standard.history) {
            given.put("history", history);
        }
        maxToolCallingIterations.ifPresent(v -> given.put("max_tool_calling_iterations", v));
        if (episodeRetries != standard.episodeRetries) {
            given.put("episode_retries", episodeRetries);
        }
        if (maxFailedEpisodes != standard.maxFailedEpisodes) {
            given.put("max_failed_episodes", maxFailedEpisodes);
        }
        episodesInFlight.ifPresent(v -> given.put("episodes_in_flight", v));
        if (toolSteps != standard.toolSteps) {
            given.put("tool_steps", toolSteps);
        }
        if (!maskEnded.isEmpty()) {
            given.put("mask_ended", maskEnded);
        }
        return given;
    }
}
