package org.attune.trainers.onpolicy;

import org.attune.policy.HeadRequest;
import org.attune.policy.Scorer;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.step.Trainer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// The rounds of a run whose rewards judge completions: prompts, who completes and judges them,
/// rounds that are written ahead, the reference and how it moves. What a method learns from a round
/// is unknown here.
public final class JudgedRounds {
    private final RolloutRun config;
    private final RoundPlan plan;
    private final int generations;
    private final Trainer.Means means;
    private final List<PromptExample> prompts;
    private final List<EvalSet<PromptExample>> evalSets;
    private final Rounds rounds;
    private final CompletionMeasure measure;
    private final Optional<RoundsAhead> ahead;
    private final Optional<Scorer> reference;
    private final Optional<ReferenceSync> sync;
    private final Map<String, String> judges;

    /// @param plan which prompts a round completes
    /// @param means borrowed
    /// @param inputs borrowed
    /// @param generations completions of a prompt, ≥ 1
    /// @param steps optimizer steps, or updates, of the configured epochs
    /// @param ratio asks for log-probabilities as the loss compares them; empty: it has no ratio
    public JudgedRounds(
            RolloutRun config,
            RoundPlan plan,
            Trainer.Means means,
            RoundInputs inputs,
            int generations,
            int steps,
            Optional<HeadRequest> ratio) {
        this.config = config;
        this.plan = plan;
        this.means = means;
        this.generations = generations;
        prompts = inputs.prompts();
        evalSets = inputs.evalSets();
        RunContext context = means.context();
        rounds =
                Rounds.judged(
                        config,
                        inputs.source(),
                        inputs.rewards(),
                        inputs.tokenizer(),
                        means.devices(),
                        context.clock());
        measure =
                new CompletionMeasure(
                        config.method(), means.groups(), means.devices(), context.clock());
        ahead =
                RoundsAhead.of(
                        config.lag(),
                        plan.rounds(config.training().schedule().maxSteps().orElse(steps)),
                        writer(ratio),
                        means.policy().parameters(),
                        context);
        reference = inputs.reference().map(r -> TimedPolicy.reference(r, context.clock()));
        sync = inputs.reference().flatMap(r -> ReferenceSync.of(config.reference().sync(), r));
        judges = inputs.rewards().identity();
    }

    private RoundWriter writer(Optional<HeadRequest> ratio) {
        return config.lag().goesOn()
                ? new OngoingRounds(
                        config.lag(),
                        rounds,
                        plan,
                        prompts,
                        generations,
                        ratio.isPresent(),
                        means.context().clock())
                : new WholeRounds(
                        rounds, measure, means.policy(), ratio, plan, prompts, generations);
    }

    public RoundPlan plan() {
        return plan;
    }

    public Trainer.Means means() {
        return means;
    }

    public List<PromptExample> prompts() {
        return prompts;
    }

    /// Where a prompt comes from.
    ///
    /// @param prompt its number in the data
    public String origin(int prompt) {
        return prompts.get(prompt).origin().where();
    }

    /// Completes prompts and has the completions judged.
    public Rounds rounds() {
        return rounds;
    }

    /// Asks models about completions.
    public CompletionMeasure measure() {
        return measure;
    }

    /// What the policy is held to, under the clock.
    public Optional<Scorer> reference() {
        return reference;
    }

    /// Rounds that are written before they are learned from; empty: each is written when it is
    /// asked for.
    public Optional<RoundsAhead> ahead() {
        return ahead;
    }

    /// A round to learn from.
    ///
    /// @param prompts numbers of its prompts in the data
    /// @param judged its completions
    /// @param old their log-probabilities under the weights that wrote them, `(N, T)`; there where
    ///     the round was written ahead and the loss has a ratio
    /// @param metrics of completions and rewards, and of the wait for them
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Completed(
            int[] prompts,
            JudgedCompletions judged,
            Optional<float[][]> old,
            List<Map<String, Double>> metrics) {}

    /// Completes the prompts of a round, or takes it from those that were written ahead. It is kept
    /// and shown in the order of its prompts.
    ///
    /// @param number from 0
    public Completed complete(long number) {
        Optional<WrittenRound> written = ahead.map(a -> a.at(number));
        int[] asked = written.map(WrittenRound::prompts).orElseGet(() -> plan.promptsOf(number));
        JudgedCompletions judged =
                written.map(round -> ahead.orElseThrow().judged(round))
                        .orElseGet(() -> rounds.complete(number, asked, prompts, generations));
        rounds.keep(number, judged, IntStream.range(0, judged.rows().size()).toArray());
        show(number, judged.table());
        List<Map<String, Double>> metrics = new ArrayList<>(List.of(judged.metrics()));
        ahead.ifPresent(a -> metrics.add(a.metrics()));
        return new Completed(asked, judged, written.flatMap(WrittenRound::old), metrics);
    }

    /// Shows a round's completions to the run's listeners.
    public void show(long number, CompletionTable table) {
        means.context().listeners().forEach(l -> l.onCompletions(number, table));
    }

    /// Hears that a round was learned from for the last time.
    public void used(long number) {
        ahead.ifPresent(a -> a.used(number));
    }

    /// Tells the training prompts from others.
    public String fingerprint() {
        return Fingerprints.of(prompts, Fingerprints::ofPrompts);
    }

    /// What else a run can only resume with, by name.
    public Map<String, String> identity() {
        Map<String, String> identity = new LinkedHashMap<>(judges);
        identity.putAll(Fingerprints.ofRecorded(config.rollouts().recordedRollouts()));
        return identity;
    }

    /// Completes and judges held-out prompts.
    public List<HeldOutMeans> evaluate() {
        return rounds.heldOut().evaluate(evalSets, means.context());
    }

    /// What checkpoints must hold beside what the method keeps of rounds.
    public List<CheckpointPart> checkpointParts() {
        List<CheckpointPart> parts = new ArrayList<>();
        ahead.ifPresent(parts::add);
        sync.ifPresent(parts::add);
        return parts;
    }

    /// Writes rounds for the processes that train, until they have ended.
    public void serve() {
        ahead.orElseThrow().serve();
    }

    /// Has the processes that only write end.
    public void end() {
        ahead.ifPresent(RoundsAhead::end);
    }
}
