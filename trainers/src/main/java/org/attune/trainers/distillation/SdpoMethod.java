package org.attune.trainers.distillation;

import org.attune.datasets.ColumnUse;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenRounds;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RewardColumns;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.Surroundings;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// The method `sdpo`, as the command line and the front door know it.
public record SdpoMethod() implements RolloutMethod<SdpoConfig> {
    @Override
    public String name() {
        return "sdpo";
    }

    @Override
    public String summary() {
        return "Learn from your own successes and from feedback: SDPO.";
    }

    @Override
    public SdpoConfig defaults() {
        return SdpoConfig.defaults();
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, and the columns that rewards read",
                "num_generations",
                "8",
                "max_completion_length",
                "256",
                "temperature",
                "1.0",
                "success_reward_threshold",
                "1.0",
                "teacher_model_kind",
                "ema");
    }

    @Override
    public RunRows<PromptExample> prepare(RowSetup setup, SdpoConfig config) {
        ColumnUse columns = RewardColumns.use(config, Path.of(""));
        if (config.reprompt().includeEnvironmentFeedback()
                && columns instanceof ColumnUse.PromptsAndRewards(Set<String> read)) {
            Set<String> all = new HashSet<>(read);
            all.add(Reprompts.FEEDBACK);
            columns = new ColumnUse.PromptsAndRewards(all);
        }
        return setup.rows(
                config,
                rows(),
                setup.prompts(
                        config.agent(),
                        config.rollouts().maxPromptLength(),
                        config.data().onBadRow()),
                columns);
    }

    @Override
    public PolicyPlan policy(Surroundings around, SdpoConfig config, Path directory) {
        return PolicyPlan.generating(
                config.lora(), config.training(), !config.loss().disableDropout());
    }

    @Override
    public RunSummary train(
            Surroundings around,
            SdpoConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        try (var rounds = new OpenRounds(around, config, directory, run, judging)) {
            SelfOpening.Teaching teaching =
                    SelfOpening.teaching(config, config.loss(), rounds.references(), run.policy());
            var reprompts =
                    new Reprompts(
                            config.reprompt(),
                            config.scaleRewards(),
                            RowSetup.of(run.model(), around.hub(), directory)
                                    .prompts(
                                            AgentConfig.defaults(),
                                            OptionalInt.empty(),
                                            config.data().onBadRow()));
            SdpoConfig fitted = fitted(config, run, teaching, reprompts);
            try (var source = rounds.source(fitted, Optional.empty())) {
                RoundInputs inputs =
                        rounds.inputs(config, Optional.empty(), source, source.rollouts());
                return SelfOpening.sdpo(
                                fitted,
                                run.policy().policy(),
                                teaching.scorer(),
                                inputs,
                                reprompts,
                                rounds.context())
                        .train();
            }
        }
    }

    /// Fits the run to memory when everything else is loaded.
    private static SdpoConfig fitted(
            SdpoConfig config,
            OpenedRun<PromptExample> run,
            SelfOpening.Teaching teaching,
            Reprompts reprompts) {
        MemoryFit fit =
                SelfOpening.fit(
                        config,
                        run,
                        teaching,
                        PromptRows.lengths(config, reprompts, run.rows().train()));
        return config.withTraining(fit.training())
                .withSampling(s -> s.withGenerationSlots(fit.slots().orElse(s.generationSlots())));
    }
}
