package org.attune.trainers.run;

import org.attune.checkpoint.ModelWriter;
import org.attune.datasets.examples.PromptExample;
import org.attune.models.ModelSetup;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.grpo.GrpoTrainer;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.CompletionScorer;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.ppo.PpoTrainer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// A run of PPO, from its configuration to files in `output_dir`: the policy there, the critic in
/// its folder `value_model`.
///
/// @param runs says where models are looked up and who is told
/// @param config checked
/// @param directory where relative paths start
record PpoRun(Runs runs, PpoConfig config, Path directory) {
    private static final String CRITIC = "value_model";

    /// @param rewards empty: the recorded ones
    /// @param check of the rows
    /// @param load brings what judges to memory, given the policy and what it is made of
    RunSummary run(
            Optional<CompletionScorer> rewards,
            Consumer<RunRows<PromptExample>> check,
            BiConsumer<ModelSetup, Policy> load) {
        return OpenedRun.train(
                runs,
                config.model(),
                setup -> Runs.checked(setup.prompts(config), check),
                PolicyPlan.generating(config.lora(), config.training(), false)
                        .with(config.model(), config.reference().asReference(), runs.hub())
                        .also(_ -> CriticSetup.requireStart(config, directory, runs.hub())),
                run -> {
                    load.accept(run.model(), run.policy().policy());
                    return withModels(run, rewards);
                });
    }

    private RunSummary withModels(
            OpenedRun<PromptExample> run, Optional<CompletionScorer> rewards) {
        ModelSetup model = run.model();
        PolicySetup policy = run.policy();
        RunContext context = run.context();
        try (var references = new ReferenceSetup(model, policy, runs.hub());
                var critic = CriticSetup.open(config, model, policy, directory, runs.hub())) {
            RowTokens tokens = GrpoTrainer.rowTokens(config, run.rows().train());
            Optional<Scorer> reference = reference(references);
            MemoryFit fit =
                    policy.fitToMemory(
                            config.training(),
                            critic.memory(),
                            tokens,
                            RolloutSetup.wish(
                                    config, policy, run.rows(), config.completionsPerUpdate()));
            PpoConfig fitted =
                    config.withTraining(fit.training())
                            .withSampling(
                                    s ->
                                            s.withGenerationSlots(
                                                    fit.slots().orElse(s.generationSlots())));
            critic.setRecomputed(policy.recomputed());
            try (var source = RolloutSetup.source(fitted, model, policy, Optional.empty())) {
                return new PpoTrainer(
                                fitted,
                                policy.policy(),
                                critic.critic(),
                                reference,
                                source.rollouts(),
                                rewards.orElseGet(() -> source.rewards(config)),
                                model.text().tokenizer(),
                                run.rows().train(),
                                run.rows().evalSets(),
                                context.withModel(both(context.model(), critic.writer()))
                                        .withModelFingerprint(
                                                model.fingerprint()
                                                        + "+"
                                                        + critic.fingerprint(directory)))
                        .train();
            }
        }
    }

    private static ModelWriter both(ModelWriter policy, ModelWriter critic) {
        return folder -> {
            policy.write(folder);
            critic.write(Files.createDirectories(folder.resolve(CRITIC)));
        };
    }

    /// What the divergence is taken to, if it counts.
    private Optional<Scorer> reference(ReferenceSetup references) {
        if (config.kl().klCoef() == 0) {
            return Optional.empty();
        }
        return Optional.of(
                references.open(
                        config.referenceKind(), config.model(), config.reference().asReference()));
    }
}
