package org.attune.trainers.distillation;

import org.attune.datasets.examples.CompletionExample;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.layout.CompletionForest;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Divergence;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.HeadTerm;
import org.attune.policy.Teacher;
import org.attune.rollout.RolloutSource;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;
import org.attune.trainers.onpolicy.CompletionText;
import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.Unjudged;
import org.attune.trainers.rows.DeviceGroups;
import org.attune.trainers.rows.GroupNumbers;
import org.attune.trainers.rows.LastLayout;
import org.attune.trainers.rows.RowAt;
import org.attune.trainers.rows.RowGroups;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Distillation: the student comes nearer to its teacher's distribution of each next token. Read
/// [#train], then [#step], then [StudentSums].
///
/// One instance is one run. The caller owns and closes student and teacher.
public final class DistillationTrainer {
    private final Record whole;
    private final GeneratingRun config;
    private final Objective objective;
    private final CausalPolicy student;
    private final TeacherModel teacher;
    private final StudentRows rows;
    private final LogicalDevices devices;
    private final RunContext context;
    private final RunParts parts;
    private final RowGroups groups;

    /// Who writes completions in a run of GKD, apart from those of the data.
    ///
    /// @param student needed where `lmbda` > 0
    /// @param teacher needed with `seq_kd`
    public record Writers(Optional<RolloutSource> student, Optional<RolloutSource> teacher) {}

    /// Generalised knowledge distillation.
    ///
    /// @param config checked here
    /// @param student with the values to start from
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static DistillationTrainer gkd(
            GkdConfig config,
            CausalPolicy student,
            TeacherModel teacher,
            Writers writers,
            List<CompletionExample> rows,
            List<EvalSet<CompletionExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        var parts = new RunParts("gkd", config.training(), student, context);
        LogicalDevices devices = parts.devices();
        var given =
                new GkdRows(
                        config,
                        parts.plan(GkdRows.lengthsOf(rows)),
                        rows,
                        evalSets,
                        new GkdWriters(
                                writers.student(),
                                writers.teacher(),
                                devices,
                                config.generation().maxCompletionLength(),
                                context.clock()));
        // The loss of GKD has no temperature.
        var objective = new Objective("gkd", Divergence.of(config.loss().beta()), 1);
        return new DistillationTrainer(
                config, objective, student, teacher, given, devices, context);
    }

    /// On-policy distillation.
    ///
    /// @param config checked here
    /// @param student with the values to start from
    /// @param source completes prompts with the student's weights as they are
    /// @param tokenizer of the student, borrowed
    /// @param prompts training prompts, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static DistillationTrainer onPolicy(
            DistillationConfig config,
            CausalPolicy student,
            TeacherModel teacher,
            RolloutSource source,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        LogicalDevices devices = LogicalDevices.of(config.training(), context);
        var unjudged = new Unjudged(new CompletionText(tokenizer), context.clock());
        var written =
                new PromptRows(
                        config,
                        RoundPlan.of(config, prompts.size()),
                        prompts,
                        evalSets,
                        new Rounds(config, source, unjudged, devices),
                        context);
        var objective =
                new Objective(
                        "distillation",
                        Divergence.of(config.loss().beta()),
                        config.sampling().temperature());
        return new DistillationTrainer(
                config, objective, student, teacher, written, devices, context);
    }

    /// What is minimised.
    ///
    /// @param method name of the method
    /// @param divergence of the student from the teacher
    /// @param temperature divides the logits of both; > 0
    private record Objective(String method, Divergence divergence, double temperature) {
        HeadRequest request(Teacher teacher) {
            return HeadRequest.of(
                    new HeadTerm(divergence, teacher), temperature, HeadStatistic.ENTROPY);
        }
    }

    /// @param config checked
    /// @param student with the values to start from
    /// @param rows on which both are compared
    /// @param devices among which rows are dealt; closed at the end of the run
    private <C extends Record & GeneratingRun> DistillationTrainer(
            C config,
            Objective objective,
            CausalPolicy student,
            TeacherModel teacher,
            StudentRows rows,
            LogicalDevices devices,
            RunContext context) {
        this.whole = config;
        this.config = config;
        this.objective = objective;
        this.student = new TimedPolicy(student, context.clock());
        this.teacher = teacher;
        this.rows = rows;
        this.devices = devices;
        this.context = context;
        parts = new RunParts(objective.method(), config.training(), this.student, context);
        RowGroups own = RowGroups.of(config.training(), context);
        groups = new RowGroups(own.budget(), own.shares() && teacher.sharesPrompts());
    }

    /// Trains to the last step, or until the context's stop signal.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        return Engine.call(
                () -> {
                    parts.requireWholeSteps(rows.lengths());
                    parts.adviseOnLearningRate(config.lora(), config.model());
                    Map<String, String> identity = parts.identity(whole, rows.fingerprint());
                    identity.putAll(rows.identity());
                    identity.putAll(teacher.identity());
                    new CorrectionNotice(config, context.listeners())
                            .tell(
                                    "none: student and teacher are compared at each token, whoever"
                                            + " wrote it");
                    try (var _ = devices) {
                        return parts.run(
                                rows.steps(config.training().schedule().numTrainEpochs()),
                                rows.stepsPerEpoch(),
                                identity,
                                new StudentWork());
                    }
                });
    }

    /// Adds the gradient of one step's loss.
    private Optional<StepReport> step(StudentRows.Step step) {
        var sums = new StudentSums(step);
        DeviceGroups<RowAt<StudentRow>> cut = dealt(step);
        var layouts = new LastLayout<>(this::forest);
        boolean done =
                cut.learn(
                        student,
                        sums,
                        new StudentSums(step),
                        context.stop()::requested,
                        (group, into) -> learn(group, layouts, into),
                        (group, said) -> sums.add(group, layouts.of(group), said.policy()));
        return done
                ? Optional.of(devices.told(sums.step(), cut.tokens(p -> p.row().length())))
                : Optional.empty();
    }

    private GroupNumbers learn(
            List<RowAt<StudentRow>> group,
            LastLayout<RowAt<StudentRow>, CompletionForest> layouts,
            StudentSums sums) {
        CompletionForest forest = context.clock().timed("data", () -> layouts.of(group));
        try (var _ = scope("step");
                Teacher read = read(forest, group);
                Evaluation e = student.evaluate(forest.forest(), objective.request(read))) {
            float[] slopes = sums.add(group, forest, e.measurement()); // (M)
            e.backward(new float[slopes.length], Map.of(HeadStatistic.DIVERGENCE, slopes));
            return GroupNumbers.of(e.measurement());
        }
    }

    private DeviceGroups<RowAt<StudentRow>> dealt(StudentRows.Step step) {
        return groups.dealt(devices, step.rows(), p -> p.row().tokens().sequences());
    }

    private CompletionForest forest(List<RowAt<StudentRow>> group) {
        return CompletionForest.of(tokens(group), groups.shares());
    }

    private static List<CompletionForest.Row> tokens(List<RowAt<StudentRow>> group) {
        return group.stream().map(row -> row.row().tokens()).toList();
    }

    private Teacher read(CompletionForest forest, List<RowAt<StudentRow>> group) {
        return context.clock()
                .timed(
                        "teacher",
                        () -> {
                            context.clock().pass(forest.forest());
                            return teacher.read(forest, tokens(group));
                        });
    }

    private TensorScope scope(String part) {
        return TensorScope.open(objective.method() + "." + part);
    }

    private HeldOutMeans measured(StudentRows.HeldOut set) {
        var sums = new StudentSums(set.step());
        var layouts = new LastLayout<>(this::forest);
        groups.inTurn(devices, set.step().rows(), p -> p.row().tokens().sequences())
                .measure(
                        "held-out rows",
                        group -> {
                            StopRequest.check();
                            CompletionForest forest = layouts.of(group);
                            try (var _ = scope("measure");
                                    Teacher read = read(forest, group)) {
                                return GroupNumbers.of(
                                        student.measure(forest.forest(), objective.request(read)));
                            }
                        },
                        (group, said) -> sums.add(group, layouts.of(group), said.policy()));
        return new HeldOutMeans(set.name(), set.size(), sums.evaluation());
    }

    private final class StudentWork implements TrainingLoop.Work {
        private List<String> origins = List.of();

        @Override
        public Optional<StepReport> step(int step) {
            student.startStep(step);
            StudentRows.Step drawn = rows.training(step);
            origins = RowAt.rows(drawn.rows()).stream().map(StudentRow::origin).distinct().toList();
            return DistillationTrainer.this.step(drawn);
        }

        @Override
        public List<HeldOutMeans> evaluate() {
            List<HeldOutMeans> reports = new ArrayList<>();
            for (StudentRows.HeldOut set : rows.heldOut()) {
                reports.add(measured(set));
            }
            return reports;
        }

        @Override
        public List<String> origins(int step) {
            return origins;
        }

        @Override
        public String heldoutMetric() {
            return MetricKeys.LOSS;
        }

        @Override
        public void save(Path folder) throws IOException {
            rows.save(folder);
        }

        @Override
        public void restore(Path folder) {
            rows.restore(folder);
        }
    }
}
