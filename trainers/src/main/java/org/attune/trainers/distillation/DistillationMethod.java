package org.attune.trainers.distillation;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.PromptPreparation;

import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `distillation`, as the command line and the front door know it.
public record DistillationMethod() implements TrainingMethod<DistillationConfig, PromptExample> {
    @Override
    public String name() {
        return "distillation";
    }

    @Override
    public String summary() {
        return "Learn from a teacher on own answers: on-policy distillation.";
    }

    @Override
    public Kind kind() {
        return Kind.DISTILS;
    }

    @Override
    public DistillationConfig defaults() {
        return DistillationConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(
                DatasetType.PROMPT_ONLY, DatasetType.PROMPT_COMPLETION, DatasetType.PREFERENCE);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt",
                "teacher_model_name_or_path",
                "",
                "beta",
                "1.0",
                "max_completion_length",
                "256",
                "temperature",
                "1.0");
    }

    @Override
    public RunRows<PromptExample> prepare(RowSetup setup, DistillationConfig config) {
        PromptPreparation prompts =
                setup.prompts(
                        config.agent(),
                        config.rollouts().maxPromptLength(),
                        config.data().onBadRow());
        TeacherConfig teacher = config.teacher();
        return setup.rows(
                config,
                rows(),
                teacher.areSeveral() ? new DomainRows<>(prompts, teacher, (p, _) -> p) : prompts,
                config.agent().isOn() // tools and environments may read any
                        ? new ColumnUse.Anything()
                        : new ColumnUse.PromptsAndRewards(teacher.columns()));
    }

    @Override
    public String show(Preview preview, PromptExample row, Collection<String> columns) {
        return preview.prompt(row, columns);
    }

    @Override
    public RunSummary train(Surroundings around, DistillationConfig config, Path directory) {
        ConfigCheck.validate(config);
        PolicyPlan plan =
                PolicyPlan.generating(
                                config.lora(), config.training(), !config.loss().disableDropout())
                        .also(
                                TeacherSetup.check(
                                        config.teacher(), config.model(), around.hub(), false));
        return OpenedRun.train(
                around,
                config.model(),
                directory,
                setup -> prepare(setup, config),
                plan,
                run -> train(around, config, directory, run));
    }

    private static RunSummary train(
            Surroundings around,
            DistillationConfig config,
            Path directory,
            OpenedRun<PromptExample> run) {
        PolicySetup student = run.policy();
        try (var teacher =
                TeacherSetup.open(
                        student,
                        run.model(),
                        config.teacher(),
                        config.model(),
                        around.hub(),
                        served ->
                                ServerTeacher.of(
                                        served,
                                        config.loss().beta(),
                                        run.model().source().config().vocabSize(),
                                        RoundPlan.rowTokens(config, run.rows().train())
                                                .longestRow()))) {
            DistillationConfig fitted = fitted(config, student, teacher, run.rows());
            try (RolloutSetup.OpenSource source =
                    RolloutSetup.source(
                            fitted,
                            run.model(),
                            student,
                            Optional.empty(),
                            run.context().ranks(),
                            directory)) {
                return DistilledRows.onPolicy(
                                fitted,
                                student.policy(),
                                teacher.teachers(),
                                source.rollouts(),
                                run.model().text().tokenizer(),
                                run.rows().train(),
                                run.rows().evalSets(),
                                run.context())
                        .train();
            }
        }
    }

    /// Fits the run to memory when everything is loaded.
    private static DistillationConfig fitted(
            DistillationConfig config,
            PolicySetup student,
            TeacherSetup teacher,
            RunRows<PromptExample> rows) {
        int completions = config.training().batch().rowsOfStep();
        MemoryFit fit =
                student.fitToMemory(
                        config.training(),
                        teacher.need(config.training(), student.policy(), false),
                        RoundPlan.rowTokens(config, rows.train()),
                        RolloutSetup.wish(config, student, rows, completions));
        return config.withTraining(fit.training())
                .withSampling(s -> s.withGenerationSlots(fit.slots().orElse(s.generationSlots())));
    }
}
