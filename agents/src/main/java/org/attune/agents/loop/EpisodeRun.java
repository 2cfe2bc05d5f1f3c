package org.attune.agents.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.agents.tool.ToolCaller;
import org.attune.api.Api;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.error.RolloutException;
import org.attune.rollout.TurnSampler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;

/// Runs episodes, many at the same time: while some get tokens, others are with their tools. The
/// calling thread, usually the engine's, samples; each episode has its own thread, which waits
/// for turns and for its world ([EpisodeAttempt]).
///
/// With an exact [Pace] the episodes, and all bits of what is sampled, follow from the tasks, the
/// sampler and what tools answer; how long they take changes nothing.
@Api(EXPERIMENTAL)
public final class EpisodeRun {
    private static final Logger LOG = LoggerFactory.getLogger(EpisodeRun.class);

    private final EpisodeSetup setup;
    private boolean toldOfWaiting;

    /// @param caller of tools; borrowed
    /// @param maxCompletionLength most tokens after a prompt, own and others, ≥ 1
    /// @param context positions of the model, which prompt and completion share
    /// @throws org.attune.error.ConfigException if the chat template can't show answers of tools
    public EpisodeRun(
            Worlds worlds,
            EpisodeFormat format,
            EpisodeConfig config,
            ToolCaller caller,
            int maxCompletionLength,
            int context) {
        setup = new EpisodeSetup(worlds, format, config, caller, maxCompletionLength, context);
        if (mayGoOn() && config.history() == History.TOKENS) {
            format.codec().check();
        }
        if (config.history() == History.TEMPLATE && !worlds.tools().isEmpty()) {
            CodecCheck.requireHistory(format.chat(), format.variables());
        }
    }

    /// Whether an episode may have more than one turn: not without tools and environments.
    public boolean mayGoOn() {
        return !setup.worlds().isEmpty();
    }

    /// Runs an episode for each task.
    ///
    /// @param sampler of their turns; episode number i is its sequence i
    /// @param listener told of each as it ends
    /// @return episodes in the order of the tasks
    /// @throws RolloutException if too many worlds failed
    public List<Episode> complete(
            List<EpisodeTask> tasks, TurnSampler sampler, EpisodeListener listener) {
        long start = System.nanoTime();
        var round = new EpisodeRound(setup, tasks, sampler, listener);
        List<Episode> episodes = round.run();
        tellOfWaiting(round.waitedSeconds(), (System.nanoTime() - start) / 1e9);
        long failed = episodes.stream().filter(e -> e.end() == EndReason.FAILED).count();
        double most = setup.config().maxFailedEpisodes();
        if (failed > most * episodes.size()) {
            throw new RolloutException(
                    ("the worlds of %d of %d episodes failed, each %d times in a row; accepted: a"
                         + " share of %s (max_failed_episodes). The log says what failed")
                            .formatted(
                                    failed,
                                    episodes.size(),
                                    setup.config().episodeRetries() + 1,
                                    most));
        }
        return episodes;
    }

    /// Once, at the first round of which much was waiting.
    private void tellOfWaiting(double some, double all) {
        if (!toldOfWaiting && some > 1 && some > all / 5) {
            toldOfWaiting = true;
            LOG.info(
                    "the model waited {} of {} seconds of a round for tools and environments;"
                            + " larger tool_steps or episodes_in_flight let other episodes go on",
                    Math.round(some),
                    Math.round(all));
        }
    }
}
