package org.attune.agents.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.records.CopyMethods;

import java.util.OptionalInt;

/// How episodes are run.
///
/// @param limits of each
/// @param history what a turn sees of those before it
/// @param maxToolCallingIterations turns whose calls run, ≥ 0; the calls of a later one stand in
///     its message and don't run. TRL's key
/// @param episodeRetries how often an episode begins again, in a fresh world, because the world
///     failed, ≥ 0; then it ends as failed
/// @param maxFailedEpisodes share of a round's episodes that may fail, 0 to 1; the run stops above
/// @param episodesInFlight most episodes that are under way at once, ≥ 1; empty: twice as many as
///     get tokens at once. The others are with their tools
/// @param pace when an answer of the world is taken up
/// @param roles whether environments may have several roles, each with separate rewards
/// @param trlCompat whether TRL's ways are followed, where they differ: turns that were cut may run
///     calls, results that don't fit are dropped, errors are written as Python prints them
@Api(EXPERIMENTAL)
@CopyMethods
public record EpisodeConfig(
        EpisodeLimits limits,
        History history,
        OptionalInt maxToolCallingIterations,
        int episodeRetries,
        double maxFailedEpisodes,
        OptionalInt episodesInFlight,
        Pace pace,
        boolean roles,
        boolean trlCompat)
        implements EpisodeConfigCopies {
    private static final EpisodeConfig DEFAULTS =
            new EpisodeConfig(
                    EpisodeLimits.defaults(),
                    History.TOKENS,
                    OptionalInt.empty(),
                    2,
                    0.2,
                    OptionalInt.empty(),
                    Pace.DEFAULT,
                    false,
                    false);

    public EpisodeConfig {
        if (maxToolCallingIterations.isPresent() && maxToolCallingIterations.getAsInt() < 0) {
            throw new IllegalArgumentException(
                    "max_tool_calling_iterations is %d; accepted: at least 0"
                            .formatted(maxToolCallingIterations.getAsInt()));
        }
        if (episodeRetries < 0) {
            throw new IllegalArgumentException(
                    "episode_retries is %d; accepted: at least 0".formatted(episodeRetries));
        }
        if (!(maxFailedEpisodes >= 0 && maxFailedEpisodes <= 1)) {
            throw new IllegalArgumentException(
                    "max_failed_episodes is %s; accepted: a share from 0 to 1"
                            .formatted(maxFailedEpisodes));
        }
        if (episodesInFlight.isPresent() && episodesInFlight.getAsInt() < 1) {
            throw new IllegalArgumentException(
                    "episodes_in_flight is %d; accepted: at least 1"
                            .formatted(episodesInFlight.getAsInt()));
        }
    }

    /// Tokens as sampled, two retries, a fifth may fail, [Pace#DEFAULT].
    public static EpisodeConfig defaults() {
        return DEFAULTS;
    }

    /// TRL's ways, without limits of ours.
    public static EpisodeConfig trl() {
        return DEFAULTS.withLimits(EpisodeLimits.none()).withTrlCompat(true);
    }
}
