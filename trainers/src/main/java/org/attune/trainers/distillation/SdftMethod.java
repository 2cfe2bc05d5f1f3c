package org.attune.trainers.distillation;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.ReferenceSetup;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.prepare.Preview;

import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `sdft`, as the command line and the front door know it.
public record SdftMethod() implements TrainingMethod<SdftConfig, PromptExample> {
    @Override
    public String name() {
        return "sdft";
    }

    @Override
    public String summary() {
        return "Learn what you do when you are told more: self-distillation.";
    }

    @Override
    public Kind kind() {
        return Kind.DISTILS;
    }

    @Override
    public SdftConfig defaults() {
        return SdftConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(
                DatasetType.PROMPT_ONLY, DatasetType.PROMPT_COMPLETION, DatasetType.PREFERENCE);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt and privileged_context, as a demonstration or a hint",
                "num_generations",
                "8",
                "max_completion_length",
                "256",
                "temperature",
                "1.0",
                "teacher_model_kind",
                "base",
                "generate_from_teacher",
                "false");
    }

    @Override
    public RunRows<PromptExample> prepare(RowSetup setup, SdftConfig config) {
        return setup.rows(
                config,
                rows(),
                new TaughtPrompts(
                        setup.prompts(
                                AgentConfig.defaults(),
                                config.rollouts().maxPromptLength(),
                                config.data().onBadRow()),
                        config.teacherPromptTemplate()),
                new ColumnUse.PromptsAndRewards(Set.of(TaughtPrompts.COLUMN)));
    }

    @Override
    public String show(Preview preview, PromptExample row, Collection<String> columns) {
        return preview.prompt(row, columns);
    }

    @Override
    public RunSummary train(Surroundings around, SdftConfig config, Path directory) {
        ConfigCheck.validate(config);
        return OpenedRun.train(
                around,
                config.model(),
                directory,
                setup -> prepare(setup, config),
                PolicyPlan.generating(
                        config.lora(), config.training(), !config.loss().disableDropout()),
                run -> train(around, config, directory, run));
    }

    private static RunSummary train(
            Surroundings around, SdftConfig config, Path directory, OpenedRun<PromptExample> run) {
        PolicySetup student = run.policy();
        try (var references = new ReferenceSetup(run.model(), student, around.hub())) {
            SelfOpening.Teaching teaching =
                    SelfOpening.teaching(config, config.loss(), references, student);
            SdftConfig fitted = fitted(config, run, teaching);
            try (RolloutSetup.OpenSource source =
                    RolloutSetup.source(
                            fitted,
                            run.model(),
                            student,
                            Optional.empty(),
                            run.context().ranks(),
                            directory)) {
                return SelfOpening.sdft(
                                fitted,
                                student.policy(),
                                teaching.scorer(),
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
    private static SdftConfig fitted(
            SdftConfig config, OpenedRun<PromptExample> run, SelfOpening.Teaching teaching) {
        MemoryFit fit =
                SelfOpening.fit(
                        config, run, teaching, RoundPlan.rowTokens(config, run.rows().train()));
        return config.withTraining(fit.training())
                .withSampling(s -> s.withGenerationSlots(fit.slots().orElse(s.generationSlots())));
    }
}
