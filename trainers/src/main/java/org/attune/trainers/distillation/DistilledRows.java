package org.attune.trainers.distillation;

import org.attune.policy.CausalPolicy;
import org.attune.policy.Divergence;
import org.attune.rollout.RolloutSource;
import org.attune.text.Tokenizer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.onpolicy.CompletionText;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.Unjudged;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.RowGroups;
import org.attune.trainers.step.RowSupply;
import org.attune.trainers.step.StepEngine;
import org.attune.trainers.step.StepRows;
import org.attune.trainers.step.Trainer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Distillation: the student comes nearer to its teacher's distribution of each next token. Read
/// [StudentObjective], then [StudentSums].
public final class DistilledRows implements RowSupply<StudentRow, CompletionForest> {
    private final GeneratingRun config;
    private final StudentObjective objective;
    private final StudentRows rows;
    private final Optional<ReferenceSync> follows;
    private final RunContext context;
    private StepEngine engine;

    private DistilledRows(
            GeneratingRun config,
            StudentObjective objective,
            StudentRows rows,
            Optional<ReferenceSync> follows,
            RunContext context) {
        this.config = config;
        this.objective = objective;
        this.rows = rows;
        this.follows = follows;
        this.context = context;
    }

    /// Who writes completions in a run of GKD, apart from those of the data.
    ///
    /// @param student needed where `lmbda` > 0
    /// @param teacher needed with `seq_kd`
    public record Writers(Optional<RolloutSource> student, Optional<RolloutSource> teacher) {}

    /// A teacher with another tokenizer.
    record Across(TwoTokenizers tokenizers, StudentObjective.AcrossTerms terms) {}

    /// A run of generalised knowledge distillation.
    ///
    /// @param config checked here
    /// @param student with the values to start from. The caller closes it
    /// @param teacher likewise
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<?, ?> gkd(
            GkdConfig config,
            CausalPolicy student,
            TeacherModel teacher,
            Writers writers,
            List<CompletionExample> rows,
            List<EvalSet<CompletionExample>> evalSets,
            RunContext context) {
        return gkd(
                config,
                student,
                Teachers.of(teacher),
                writers,
                rows,
                evalSets,
                context,
                Optional.empty());
    }

    /// A run of generalised knowledge distillation whose teachers are of several domains, or
    /// whose teacher has another tokenizer.
    ///
    /// @param across the tokens of both and how spans of them are compared; empty: they have one
    ///     tokenizer
    static Trainer<?, ?> gkd(
            GkdConfig config,
            CausalPolicy student,
            Teachers teachers,
            Writers writers,
            List<CompletionExample> rows,
            List<EvalSet<CompletionExample>> evalSets,
            RunContext context,
            Optional<Across> across) {
        ConfigCheck.validate(config);
        Trainer.Means means = Trainer.Means.of(config, student, context);
        var plan =
                new RunParts("gkd", config.training(), student, context)
                        .plan(rows, GkdRows.lengthsOf(rows));
        int times = config.loss().numGenerations();
        var given =
                new GkdRows(
                        config,
                        GkdRows.repeating(plan, times),
                        rows,
                        evalSets,
                        new GkdWriters(
                                writers.student(),
                                writers.teacher(),
                                means.devices(),
                                config.maxCompletionLength(),
                                context.clock()),
                        across.map(Across::tokenizers));
        // The loss of GKD has no temperature.
        var objective =
                new StudentObjective(
                        Optional.of(Divergence.of(config.loss().beta())),
                        Optional.empty(),
                        1,
                        teachers.timed(context.clock()),
                        Optional.empty(),
                        across.map(Across::terms),
                        1,
                        0);
        return trainer("gkd", config, objective, given, Optional.empty(), means);
    }

    /// A run of on-policy distillation.
    ///
    /// @param config checked here
    /// @param student with the values to start from. The caller closes it
    /// @param teacher likewise
    /// @param source completes prompts with the student's weights as they are
    /// @param tokenizer of the student, borrowed
    /// @param prompts training prompts, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<?, ?> onPolicy(
            DistillationConfig config,
            CausalPolicy student,
            TeacherModel teacher,
            RolloutSource source,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            RunContext context) {
        return onPolicy(
                config,
                student,
                Teachers.of(teacher),
                source,
                tokenizer,
                prompts,
                evalSets,
                context);
    }

    /// A run of on-policy distillation whose teachers are of several domains.
    static Trainer<?, ?> onPolicy(
            DistillationConfig config,
            CausalPolicy student,
            Teachers teachers,
            RolloutSource source,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        Trainer.Means means = Trainer.Means.of(config, student, context);
        var unjudged = new Unjudged(new CompletionText(tokenizer), context.clock());
        var written =
                new PromptRows(
                        config,
                        new PromptRows.Options(
                                0, false, false, Optional.empty(), config.teacher()::teacherOf),
                        RoundPlan.of(config, prompts),
                        prompts,
                        evalSets,
                        new Rounds(config, source, unjudged, means.devices()),
                        context);
        var objective =
                objective(
                        config.loss().divergence(),
                        config.loss().weights(),
                        config.sampling().temperature(),
                        teachers,
                        context);
        return trainer("distillation", config, objective, written, Optional.empty(), means);
    }

    private static StudentObjective objective(
            Optional<Divergence> divergence,
            Optional<PrefixWeights> weights,
            double temperature,
            Teachers teachers,
            RunContext context) {
        Teachers timed = teachers.timed(context.clock());
        return new StudentObjective(
                divergence, weights, temperature, timed, Optional.empty(), Optional.empty(), 1, 0);
    }

    /// A run on rows.
    ///
    /// @param follows has the teacher follow the student; empty if it stays or is the student
    static Trainer<?, ?> trainer(
            String method,
            GeneratingRun config,
            StudentObjective objective,
            StudentRows rows,
            Optional<ReferenceSync> follows,
            Trainer.Means means) {
        RowGroups own = means.groups();
        boolean shares = own.shares() && objective.teachers().sharesPrompts();
        return new Trainer<>(
                method,
                config,
                means.withGroups(new RowGroups(own.budget(), shares)),
                new DistilledRows(config, objective, rows, follows, means.context()));
    }

    @Override
    public RowTokens lengths() {
        return rows.lengths();
    }

    @Override
    public void open(RunParts parts, StepEngine stepEngine) {
        engine = stepEngine;
        new CorrectionNotice(config, context.listeners())
                .tell("none: student and teacher are compared at each token, whatever wrote it");
    }

    @Override
    public int steps() {
        return rows.steps(config.training().schedule().numTrainEpochs());
    }

    @Override
    public int stepsPerEpoch() {
        return rows.stepsPerEpoch();
    }

    @Override
    public String fingerprint() {
        return rows.fingerprint();
    }

    @Override
    public Map<String, String> identity() {
        Map<String, String> identity = new LinkedHashMap<>(rows.identity());
        identity.putAll(objective.teachers().identity());
        return identity;
    }

    @Override
    public StepRows<StudentRow, CompletionForest> step(int step) {
        StudentRows.Step drawn = rows.training(step);
        return new StepRows<>(
                objective.over(drawn.denominator(), drawn.tokens()),
                drawn.rows(),
                drawn.microBatches(),
                drawn.metrics(),
                () ->
                        RowAt.rows(drawn.rows()).stream()
                                .map(StudentRow::origin)
                                .distinct()
                                .toList());
    }

    @Override
    public void learned(int step) {
        rows.learned(step);
    }

    @Override
    public List<HeldOutMeans> evaluate() {
        List<HeldOutMeans> reports = new ArrayList<>();
        for (StudentRows.HeldOut set : rows.heldOut()) {
            StudentRows.Step step = set.step();
            StudentSums sums = objective.open(step.rows(), step.microBatches());
            Map<String, Double> metrics =
                    engine.measure(objective, step.rows(), sums)
                            .apply(sums.evaluation(step.metrics()));
            reports.add(new HeldOutMeans(set.name(), set.size(), metrics));
        }
        return reports;
    }

    @Override
    public String heldoutMetric() {
        return rows.heldoutMetric();
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        List<CheckpointPart> parts = new ArrayList<>(rows.checkpointParts());
        follows.ifPresent(parts::add);
        return parts;
    }
}
