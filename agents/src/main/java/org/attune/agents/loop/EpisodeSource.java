package org.attune.agents.loop;

import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.TurnGenerator;
import org.attune.rollout.sampling.Draws;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;

import java.util.ArrayList;
import java.util.List;

/// Rollouts that are episodes of the trained policy itself, sampled in this process. The draws of a
/// round follow from seed and round, those of an episode from its place in the round; what worlds
/// draw from a seed that the episodes of one prompt share.
public final class EpisodeSource implements RolloutSource {
    private final EpisodeRun run;
    private final Generator generator;
    private final Generator heldOutGenerator;
    private final SamplingConfig sampling;
    private final SamplingConfig heldOut;
    private final Part part;

    /// Which of a prompt's episodes a source plays. Where several models play some each, their
    /// worlds have the same seeds, and no two episodes of a round the same number.
    ///
    /// @param member the first that it plays, from 0
    /// @param of every how many it plays
    /// @param seed of the worlds
    public record Part(int member, int of, long seed) {
        /// The part that has all episodes.
        public static Part all(long seed) {
            return new Part(0, 1, seed);
        }
    }

    /// Plays all episodes. The parameters are those of the other constructor.
    public EpisodeSource(
            EpisodeRun run,
            Generator generator,
            Generator heldOutGenerator,
            SamplingConfig sampling,
            SamplingConfig heldOut) {
        this(run, generator, heldOutGenerator, sampling, heldOut, Part.all(sampling.seed()));
    }

    /// @param run of the episodes
    /// @param generator over the policy's weights
    /// @param heldOutGenerator the same for evaluations
    /// @param sampling how to sample in training; its seed is the run's, and its `max_new_tokens`
    ///     are an episode's after the prompt, own and others
    /// @param heldOut how to sample in evaluations
    /// @param part which episodes it plays
    public EpisodeSource(
            EpisodeRun run,
            Generator generator,
            Generator heldOutGenerator,
            SamplingConfig sampling,
            SamplingConfig heldOut,
            Part part) {
        this.run = run;
        this.generator = generator;
        this.heldOutGenerator = heldOutGenerator;
        this.sampling = sampling;
        this.heldOut = heldOut;
        this.part = part;
    }

    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        return episodes(generator, prompts, sampling.ofBatch(round), round, listener);
    }

    @Override
    public List<SampledCompletion> completeHeldOut(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return episodes(heldOutGenerator, prompts, heldOut, -1, listener);
    }

    @Override
    public List<SampledCompletion> completeGreedily(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return episodes(heldOutGenerator, prompts, sampling.greedily(), -1, listener);
    }

    private List<SampledCompletion> episodes(
            Generator by,
            List<RolloutPrompt> prompts,
            SamplingConfig config,
            long round,
            FinishedListener listener) {
        if (prompts.isEmpty()) {
            return List.of();
        }
        List<int[]> ids = RolloutPrompt.idsOf(prompts);
        int longest = ids.stream().mapToInt(p -> p.length).max().orElse(1);
        long read = Generator.tokensRead(ids, config.maxNewTokens());
        return Engine.call(
                () -> {
                    try (TurnGenerator turns =
                            by.turns(
                                    config,
                                    prompts.size(),
                                    longest,
                                    config.maxNewTokens(),
                                    read,
                                    run.mayGoOn())) {
                        var completions = new SampledCompletion[prompts.size()];
                        run.complete(
                                tasks(prompts, ofRound(round), round),
                                turns,
                                (place, episode) -> {
                                    completions[place] = completion(episode);
                                    listener.finished(place, completions[place]);
                                });
                        return List.of(completions);
                    }
                });
    }

    private Part ofRound(long round) {
        long seed = round < 0 ? part.seed() : sampling.withSeed(part.seed()).ofBatch(round).seed();
        return new Part(part.member(), part.of(), seed);
    }

    /// @param part with the seed of the round
    static List<EpisodeTask> tasks(List<RolloutPrompt> prompts, Part part, long round) {
        var draws = new Draws(part.seed());
        List<EpisodeTask> tasks = new ArrayList<>();
        int first = 0;
        for (int place = 0; place < prompts.size(); place++) {
            RolloutPrompt prompt = prompts.get(place);
            if (prompt != prompts.get(first)) {
                first = place;
            }
            var start =
                    new EpisodeStart(
                            new EpisodeId(round, place * part.of() + part.member()),
                            prompt.columns(),
                            draws.whole(first * part.of()),
                            (place - first) * part.of() + part.member(),
                            0);
            tasks.add(new EpisodeTask(start, prompt.messages(), prompt.ids()));
        }
        return tasks;
    }

    /// An episode as trainers take it. It counts as ended by the model if its last token is an end
    /// token of the model's own.
    static SampledCompletion completion(Episode episode) {
        boolean finished = false;
        if (!episode.turns().isEmpty()) {
            Turn last = episode.turns().getLast();
            finished = last.isFinished() && last.observation().length == 0;
        }
        return SampledCompletion.of(
                episode, finished ? StopReason.STOP_TOKEN : StopReason.MAX_TOKENS);
    }

    @Override
    public boolean isOnPolicy() {
        return true;
    }
}
