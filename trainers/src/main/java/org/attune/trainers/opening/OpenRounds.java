package org.attune.trainers.opening;

import org.attune.model.decode.ForwardRecord;
import org.attune.policy.Scorer;
import org.attune.policy.StepMemory;
import org.attune.rollout.RolloutSource;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RolloutRanks;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.memory.RolloutPlan;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.onpolicy.RoundInputs;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/// What a run with rounds of judged completions holds open while it trains: processes that only
/// write, and the reference.
public final class OpenRounds implements AutoCloseable {
    private final OpenedRun<PromptExample> run;
    private final Judging judging;
    private final Path directory;
    private final Optional<RolloutRanks> parted;
    private final RunContext context;
    private final ReferenceSetup references;

    /// Brings what judges to memory.
    ///
    /// @param directory where relative paths start
    public OpenRounds(
            Surroundings around,
            RolloutRun config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        this.run = run;
        this.judging = judging;
        this.directory = directory;
        parted = RolloutRanks.of(run.context().ranks(), config.lag().rolloutRanks());
        context = parted.map(p -> p.in(run.context())).orElse(run.context());
        references = new ReferenceSetup(run.model(), run.policy(), around.hub());
        try {
            judging.load().accept(run.model(), run.policy().policy());
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /// The run's surroundings, in which some processes only write.
    public RunContext context() {
        return context;
    }

    /// Opens references. It owns what it opens.
    public ReferenceSetup references() {
        return references;
    }

    /// What memory allows, when everything else is loaded.
    ///
    /// @param tokens how long rows may be
    /// @param completions that training asks for at a time
    /// @param more changes the wish for what is generated
    public MemoryFit fit(
            RolloutRun config,
            RowTokens tokens,
            int completions,
            Function<RolloutPlan.Wish, RolloutPlan.Wish> more) {
        PolicySetup policy = run.policy();
        return policy.fitToMemory(
                config.training(),
                MemoryNeed.of(
                        StepMemory.of(policy.policy()),
                        config.training().stateBytes(policy.policy().parameters())),
                tokens,
                RolloutSetup.wish(config, policy, run.rows(), completions).map(more));
    }

    /// Opens the source of completions. The caller closes it.
    ///
    /// @param config what memory allows
    /// @param record takes what the policy computes for training prompts; borrowed
    public RolloutSetup.OpenSource source(RolloutRun config, Optional<ForwardRecord> record) {
        return RolloutSetup.source(
                config, run.model(), run.policy(), record, context.ranks(), directory);
    }

    /// What the trainer is given.
    ///
    /// @param config as it was written
    /// @param source open
    /// @param rollouts the source's, or what completes prompts by it
    public RoundInputs inputs(
            RolloutRun config,
            Optional<Scorer> reference,
            RolloutSetup.OpenSource source,
            RolloutSource rollouts) {
        return new RoundInputs(
                reference,
                rollouts,
                judging.scorer().orElseGet(() -> source.rewards(config)),
                run.model().text().tokenizer(),
                run.rows().train(),
                run.rows().evalSets());
    }

    @Override
    public void close() {
        references.close();
        parted.ifPresent(RolloutRanks::close);
    }
}
